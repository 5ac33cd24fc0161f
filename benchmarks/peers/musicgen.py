"""MusicGen small, as transformers builds it: a language model of sounds that writes one frame after the other."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.peers.parts import Model, Part, Run, cast, count, noise, ready
from benchmarks.peers.text_encoders import WIDTH, reading, t5_base_config

RATE, HOP, CODEBOOKS = 32000, 640, 4
FEW = 4
"""Frames that are written with an empty cache, and again with a full one."""
WORDS = 16
"""Tokens of the prompt."""


def small(seconds: float, dtype: torch.dtype, *, quick: bool = False) -> Model:
    """MusicGen small (arXiv 2306.05284): 50 frames a second, each one call of the net with guidance, the default.

    What a frame costs grows with the frames before it, in a straight line. So the mean of frames at the start and at
    the end is the mean of all, and the cache of the whole piece is in memory at the end as it would be.
    Drawing the tokens, which is small beside the net, is left out.
    """
    whole = small_model(quick=quick)
    cast(dtype, whole)
    net, codec, encoder = whole.decoder, whole.audio_encoder, whole.text_encoder
    frames = math.ceil(seconds * RATE / HOP)
    steps = frames + CODEBOOKS - 1  # each codebook is one frame behind the one before
    text = noise(2, WORDS, WIDTH, dtype=dtype)
    codes = torch.zeros(1, 1, CODEBOOKS, frames, dtype=torch.long)

    def prepare() -> Run:
        hidden = whole.enc_to_dec_proj(text)
        caches = [_cache(net, length) for length in (0, steps - FEW)]
        for cache in caches:
            _write(net, hidden, cache)  # the first call reads the text, once a piece

        def run() -> None:
            for cache in caches:
                for _ in range(FEW):
                    _write(net, hidden, cache)

        return run

    return Model(
        parameters={"text encoder": count(encoder), "net": count(net), "codec": count(codec)},
        parts=[
            reading(encoder, WORDS),
            Part(
                name="net",
                unit=f"{2 * FEW} frames, half of them with a full cache",
                units=steps / (2 * FEW),
                prepare=prepare,
            ),
            Part(
                name="decoder",
                unit="the whole piece",
                units=1,
                prepare=ready(lambda: codec.decode(codes, audio_scales=[None])),
            ),
        ],
        sample_rate=RATE,
        channels=1,
    )


def small_model(*, quick: bool = False) -> Any:
    """T5-base's encoder, the language model and EnCodec for 32 kHz."""
    from transformers import MusicgenConfig, MusicgenForConditionalGeneration
    from transformers.models.encodec.configuration_encodec import EncodecConfig
    from transformers.models.musicgen.configuration_musicgen import MusicgenDecoderConfig

    sizes = {"num_hidden_layers": 2, "hidden_size": 64, "ffn_dim": 128, "num_attention_heads": 1} if quick else {}
    codec = EncodecConfig(
        sampling_rate=RATE,
        audio_channels=1,
        normalize=False,
        upsampling_ratios=[8, 5, 4, 4],
        codebook_size=2048,
        codebook_dim=16 if quick else 128,
        hidden_size=16 if quick else 128,
        num_filters=4 if quick else 64,
        target_bandwidths=[2.2],
        use_causal_conv=False,
        use_conv_shortcut=False,
    )
    config = MusicgenConfig(
        text_encoder=t5_base_config(quick=quick).to_dict(),
        audio_encoder=codec.to_dict(),
        decoder=MusicgenDecoderConfig(**sizes).to_dict(),
    )
    return MusicgenForConditionalGeneration(config).eval()


def _write(net: nn.Module, hidden: Tensor, cache: Any) -> None:
    """One frame of both branches of guidance."""
    net(input_ids=torch.zeros(2 * CODEBOOKS, 1, dtype=torch.long), encoder_hidden_states=hidden, cache=cache)


def _cache(net: nn.Module, length: int) -> Any:
    """A cache of keys and values as if so many frames had been written, of both branches of guidance."""
    from transformers import DynamicCache, EncoderDecoderCache

    config = net.config
    cache = EncoderDecoderCache(DynamicCache(config=config), DynamicCache(config=config))
    heads = config.num_attention_heads
    if length:
        for layer in range(config.num_hidden_layers):
            both = noise(2, heads, length, config.hidden_size // heads, dtype=net.dtype)
            cache.self_attention_cache.update(both, both.clone(), layer)
    return cache
