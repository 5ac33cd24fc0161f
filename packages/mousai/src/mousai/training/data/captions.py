"""Captions from the metadata of a file, another one for every crop."""

import json
import math
import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mousai.data.records import CAPTION_FIELDS

FIELD_DROPOUT = 0.1
"""Chance that a field is left out of a caption, as in the paper (arXiv 2301.11757, section 4.2)."""
_COMPOSED = {"genre", "style", "instruments", "palette", "composer"}


def caption_of(fields: Mapping[str, Any], rng: np.random.Generator) -> str:
    """A caption from the fields of one file, another one with every draw.

    Rows of `mousai compose` get its own sentences. A file with nothing but a caption has that. All others
    follow the paper's recipe: the fields in random order, each dropped with a chance of a tenth, joined by spaces or by
    commas.
    """
    if fields.keys() >= _COMPOSED:
        from mousai.compose import caption_from_metadata

        return caption_from_metadata(fields, random.Random(int(rng.integers(2**62))))
    texts = [text for name in CAPTION_FIELDS if (text := _text(name, fields.get(name)))]
    if len(texts) == 1:
        return texts[0]
    kept = [texts[index] for index in rng.permutation(len(texts)) if rng.random() >= FIELD_DROPOUT]
    return (" " if rng.random() < 0.5 else ", ").join(kept)


def _text(name: str, value: Any) -> str:
    if value is None or value == "":
        return ""
    if name == "bpm":
        return f"{float(value):g} bpm" if _is_number(value) else ""
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, Sequence):
        return ", ".join(" ".join(str(part).split()) for part in value)
    return json.dumps(value) if isinstance(value, Mapping) else str(value)


def _is_number(value: Any) -> bool:
    try:
        return 0 < float(value) < math.inf
    except (TypeError, ValueError, OverflowError):
        return False
