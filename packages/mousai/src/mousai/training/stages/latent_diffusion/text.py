"""Text encoders of stage 2: a small one, begun from the captions of the data and trained along, or a frozen T5."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mousai.conditioning.text import T5TextEncoder, load_tokenizer
from mousai.data.records import Record
from mousai.errors import UserError
from mousai.training.data.captions import caption_of

DRAWN = 20_000
"""Captions, at least, whose words a run keeps as those that its model knows; a second or two."""


def small_text(records: Sequence[Record], made: Path, *, seed: int) -> T5TextEncoder:
    """An untrained text encoder with the tokenizer in the folder `made`, which is made from captions if it is missing.

    Made once for a run: another tokenizer would number its tokens differently from those that were trained.
    """
    rng = np.random.default_rng((seed, 3))
    tokenizer = load_tokenizer(made) if made.exists() else None
    captions = (caption_of(record.fields, rng) for record in records for _ in range(8))
    text = T5TextEncoder.small(captions, tokenizer=tokenizer)
    text.vocabulary = frozenset()  # it is new, and knows no word
    if tokenizer is None:
        text.tokenizer.save_pretrained(made)
    return text


def drawn_captions(fields: Sequence[Mapping[str, Any]], *, seed: int) -> Iterator[str]:
    """`DRAWN` captions or more, as often of each file, whose words a run keeps (`keep_vocabulary`).

    Args:
        fields: fields of each file that captions are made from.
        seed: seed of the draws.
    """
    rng = np.random.default_rng((seed, 4))
    times = -(-DRAWN // max(len(fields), 1))
    return (caption_of(each, rng) for each in fields for _ in range(times))


def frozen_text(name: str) -> T5TextEncoder:
    """A T5 encoder that is not trained: a folder, or OWNER/NAME@COMMIT of the hub.

    Raises:
        UserError: the name is neither, or the encoder cannot be loaded.
    """
    model, at, revision = name.partition("@")
    if not Path(model).is_dir() and not at:
        raise UserError("text", name, "must be small, a folder, or OWNER/NAME@COMMIT of the hub, the commit pinned")
    return T5TextEncoder.from_hub(model, revision=revision or None, field="text")
