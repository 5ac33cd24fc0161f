"""Stable Audio 3 small and Stable Audio Open 1.0, as diffusers builds them.

Their pipelines are not used, for they want a tokenizer's files; what is left out (the tokenizer, the arithmetic of the
scheduler between two steps) takes milliseconds.
"""

import math
import warnings

import torch
from torch import nn

from benchmarks.peers.parts import Model, Part, cast, count, noise, ready
from benchmarks.peers.text_encoders import WIDTH, reading, t5_base, t5gemma_base

RATE = 44100


def small_3(seconds: float, dtype: torch.dtype, *, quick: bool = False) -> Model:
    """Stable Audio 3 small (arXiv 2605.17991): 8 steps, which post-training made enough, without guidance.

    Its attention is not differential; medium's is, and so is that of the autoencoder. 20 layers with differential
    attention would be 543 million parameters, without they are the report's 459 million.
    """
    encoder, net, autoencoder = t5gemma_base(quick=quick), small_3_net(quick=quick), small_3_autoencoder(quick=quick)
    cast(dtype, encoder, net, autoencoder)
    frames = math.ceil(seconds * RATE / autoencoder.downsampling_ratio)
    tokens = 16 if quick else 256
    inputs = {
        "hidden_states": noise(1, 256, frames, dtype=dtype),
        "timestep": torch.full((1,), 0.5),
        "encoder_hidden_states": noise(1, tokens + 1, WIDTH, dtype=dtype),  # and one for the duration
        "global_hidden_states": noise(1, WIDTH, dtype=dtype),
    }
    latent = noise(1, 256, frames, dtype=dtype)
    return Model(
        parameters={"text encoder": count(encoder), "net": count(net), "autoencoder": count(autoencoder)},
        parts=[
            reading(encoder, tokens),
            Part(name="net", unit="a step", units=8, prepare=ready(lambda: net(**inputs))),
            Part(name="decoder", unit="the whole piece", units=1, prepare=ready(lambda: autoencoder.decode(latent))),
        ],
        sample_rate=RATE,
        channels=2,
    )


def open_1(seconds: float, dtype: torch.dtype, *, quick: bool = False) -> Model:
    """Stable Audio Open 1.0 (arXiv 2407.14358): 100 steps with guidance, diffusers' default.

    It always makes its full 47.6 s, 1024 frames, decodes them and cuts what was asked for. To decode all at once takes
    minutes and memory: an eighth is timed, and the peak is that of an eighth.
    """
    from diffusers.models.embeddings import get_1d_rotary_pos_embed

    encoder, net, autoencoder = t5_base(quick=quick), open_1_net(quick=quick), open_1_autoencoder(quick=quick)
    cast(dtype, encoder, net, autoencoder)
    frames, tokens = (32, 16) if quick else (1024, 128)
    most = frames * 2048 / RATE
    if seconds > most:
        raise ValueError(f"Stable Audio Open makes {most:.1f} s at most, not {seconds:g} s")
    inputs = {
        "hidden_states": noise(1, 64, frames, dtype=dtype),
        "timestep": torch.full((1,), 0.5, dtype=dtype),
        "encoder_hidden_states": noise(1, tokens + 2, WIDTH, dtype=dtype),  # and one for the start, one for the end
        "global_hidden_states": noise(1, 1, 2 * WIDTH, dtype=dtype),
        "rotary_embedding": get_1d_rotary_pos_embed(32, frames + 1, use_real=True, repeat_interleave_real=False),
        "return_dict": False,
    }
    latent = noise(1, 64, frames // 8, dtype=dtype)
    return Model(
        parameters={"text encoder": count(encoder), "net": count(net), "autoencoder": count(autoencoder)},
        parts=[
            reading(encoder, tokens),
            Part(name="net", unit="one of the two branches of a step", units=200, prepare=ready(lambda: net(**inputs))),
            Part(
                name="decoder", unit="an eighth of 47.6 s", units=8, prepare=ready(lambda: autoencoder.decode(latent))
            ),
        ],
        sample_rate=RATE,
        channels=2,
    )


def small_3_net(*, quick: bool = False) -> nn.Module:
    """The diffusion transformer of Stable Audio 3 small."""
    from diffusers import StableAudio3DiTModel

    width, depth = (64, 2) if quick else (1024, 20)
    return StableAudio3DiTModel(
        embed_dim=width, depth=depth, num_heads=width // 64, use_differential_attention=False
    ).eval()


def small_3_autoencoder(*, quick: bool = False) -> nn.Module:
    """SAME-S, which is what diffusers builds by default."""
    from diffusers import AutoencoderSAME

    with warnings.catch_warnings():
        # diffusers normalises its weights by a function that torch has renamed
        warnings.filterwarnings("ignore", message=r".*weight_norm. is deprecated", category=FutureWarning)
        return AutoencoderSAME(**({"encoder_channels": 32, "encoder_transformer_depths": (1,)} if quick else {})).eval()


def open_1_net(*, quick: bool = False) -> nn.Module:
    """The diffusion transformer of Stable Audio Open 1.0, which is what diffusers builds by default."""
    from diffusers import StableAudioDiTModel

    sizes = {"num_layers": 2, "num_attention_heads": 2, "num_key_value_attention_heads": 1, "sample_size": 32}
    return StableAudioDiTModel(**(sizes if quick else {})).eval()


def open_1_autoencoder(*, quick: bool = False) -> nn.Module:
    """The autoencoder of Stable Audio Open 1.0, which is what diffusers builds by default."""
    from diffusers import AutoencoderOobleck

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r".*weight_norm. is deprecated", category=FutureWarning)
        return AutoencoderOobleck(**({"encoder_hidden_size": 8, "decoder_channels": 8} if quick else {})).eval()
