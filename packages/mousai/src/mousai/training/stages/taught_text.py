"""A text encoder that is trained: how large it may be, and the file of the words that it learns."""

from collections.abc import Iterable
from pathlib import Path

import torch

from mousai.conditioning.t5 import T5Encoder, T5EncoderConfig
from mousai.conditioning.text import T5TextEncoder
from mousai.conditioning.vocabulary import joined, load_vocabulary, vocabulary_json, vocabulary_of
from mousai.storage.weights import save_config

SMALL = 20e6
"""Parameters of a text encoder below which it is trained; a larger one knows words enough, and a small corpus would
spoil it."""


def is_small(parameters: int) -> bool:
    """Tell whether a text encoder of so many parameters is trained."""
    return parameters < SMALL


def parameters_of(config: T5EncoderConfig) -> int:
    """The number of an encoder's parameters, by its sizes alone."""
    with torch.device("meta"):
        return sum(weight.numel() for weight in T5Encoder(config).parameters())


def keep_vocabulary(text: T5TextEncoder, captions: Iterable[str], made: Path) -> None:
    """Tell a text encoder which words it learns, beside those that it knew, and write all to the file `made`.

    A run that goes on adds to its file the words that its data did not have before. An encoder of which nobody knows
    the words that it learned before gets no file, for those of this run alone would make the others seem strange.

    Args:
        text: the encoder; one that is new has an empty vocabulary.
        captions: texts that it learns from.
        made: file of the run, which `mousai export` takes over.
    """
    if text.vocabulary is None:
        return
    kept = load_vocabulary(made) or frozenset()
    words = joined(vocabulary_of(captions), kept | text.vocabulary)
    text.vocabulary = words or None
    if words and words != kept:
        save_config(made, vocabulary_json(words))
