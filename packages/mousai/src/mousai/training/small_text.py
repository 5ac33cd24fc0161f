"""The small text encoder that is trained along with a generator, begun from the captions of a corpus."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mousai.conditioning.text import TextEncoder, load_tokenizer
from mousai.data.captions import caption_of
from mousai.data.records import Record


def small_text(records: Sequence[Record], made: Path, *, seed: int) -> TextEncoder:
    """An untrained text encoder with the tokenizer in the folder `made`, which is made from captions if it is missing.

    Made once for a run: another tokenizer would number its tokens differently from those that were trained.
    """
    rng = np.random.default_rng((seed, 3))
    tokenizer = load_tokenizer(made) if made.exists() else None
    captions = (caption_of(record.fields, rng) for record in records for _ in range(8))
    text = TextEncoder.small(captions, tokenizer=tokenizer)
    if tokenizer is None:
        text.tokenizer.save_pretrained(made)
    return text
