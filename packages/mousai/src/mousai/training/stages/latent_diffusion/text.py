"""Text encoders of stage 2: a small one, begun from the captions of the data and trained along, or a frozen T5."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mousai.conditioning.text import T5TextEncoder, load_tokenizer
from mousai.data.records import Record
from mousai.errors import UserError
from mousai.training.data.captions import caption_of


def small_text(records: Sequence[Record], made: Path, *, seed: int) -> T5TextEncoder:
    """An untrained text encoder with the tokenizer in the folder `made`, which is made from captions if it is missing.

    Made once for a run: another tokenizer would number its tokens differently from those that were trained.
    """
    rng = np.random.default_rng((seed, 3))
    tokenizer = load_tokenizer(made) if made.exists() else None
    captions = (caption_of(record.fields, rng) for record in records for _ in range(8))
    text = T5TextEncoder.small(captions, tokenizer=tokenizer)
    if tokenizer is None:
        text.tokenizer.save_pretrained(made)
    return text


def frozen_text(name: str) -> T5TextEncoder:
    """A T5 encoder that is not trained: a folder, or OWNER/NAME@COMMIT of the hub.

    Raises:
        UserError: the name is neither, or the encoder cannot be loaded.
    """
    model, at, revision = name.partition("@")
    if not Path(model).is_dir() and not at:
        raise UserError("text", name, "must be small, a folder, or OWNER/NAME@COMMIT of the hub, the commit pinned")
    return T5TextEncoder.from_hub(model, revision=revision or "main", field="text")
