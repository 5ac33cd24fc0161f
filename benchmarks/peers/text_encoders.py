"""The text encoders of the models, random weights in the sizes of those that were released."""

import torch
from torch import nn

from benchmarks.peers.parts import Part, ready

WIDTH = 768
"""Features that each of them gives for a token."""


def t5_base(*, quick: bool = False) -> nn.Module:
    """T5-base's encoder (arXiv 1910.10683): 110 million parameters. Stable Audio Open, MusicGen, the paper's Moûsai."""
    from transformers import T5EncoderModel

    return T5EncoderModel(t5_base_config(quick=quick)).eval()


def t5_base_config(*, quick: bool = False) -> "transformers.T5Config":  # type: ignore[name-defined]  # noqa: F821
    """Its sizes; in miniature, two layers and few words."""
    from transformers import T5Config

    sizes = {"vocab_size": 64, "num_layers": 2} if quick else {"vocab_size": 32128, "num_layers": 12}
    return T5Config(d_model=WIDTH, d_kv=64, d_ff=3072, num_heads=12, **sizes)


def t5gemma_base(*, quick: bool = False) -> nn.Module:
    """T5Gemma b-b's encoder, of which Stable Audio 3 reads the last layer; two thirds of it are its table of words."""
    from transformers import T5GemmaConfig, T5GemmaEncoderModel

    sizes = {
        "vocab_size": 64 if quick else 256000,
        "num_hidden_layers": 2 if quick else 12,
        "hidden_size": WIDTH,
        "intermediate_size": 2048,
        "num_attention_heads": 12,
        "num_key_value_heads": 12,
        "head_dim": 64,
        "query_pre_attn_scalar": 64,
    }
    return T5GemmaEncoderModel(T5GemmaConfig(encoder=sizes, decoder=sizes, is_encoder_decoder=False)).eval()


def reading(encoder: nn.Module, tokens: int) -> Part:
    """A text of so many tokens, padding included, read once."""
    words = torch.arange(tokens)[None] % 64
    return Part(
        name="text", unit=f"the text, {tokens} tokens", units=1, prepare=ready(lambda: encoder(input_ids=words))
    )
