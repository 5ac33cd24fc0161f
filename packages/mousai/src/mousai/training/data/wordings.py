"""Pairs of a prompt, as people type it, and a caption that a model knows, the items that a text encoder learns from."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch.utils.data import Dataset

from mousai.conditioning.attributes import parse_attributes
from mousai.data.tables import csv_rows, json_rows
from mousai.errors import UserError
from mousai.training.config.text_encoder import WordingConfig
from mousai.training.data.haste import in_haste
from mousai.training.data.split import train_val_split

KEYS = ("prompt", "caption")
SMALLEST = 20
"""Pairs that can teach anything."""
LONGEST = 2000
"""Letters of a prompt or a caption; an encoder reads a fraction of these."""


@dataclass(frozen=True)
class Wording:
    """A prompt and a caption that mean the same, and where they stand."""

    prompt: str
    caption: str
    place: str


def read_wordings(table: Path) -> list[Wording]:
    """Read a table of pairs: JSON lines with the keys `prompt` and `caption`, or CSV with these columns.

    Raises:
        UserError: there is no such table, or a row has no such pair; one line that names it.
    """
    if table.suffix.lower() not in (".jsonl", ".csv"):
        raise UserError("data", table, "must be a table of pairs, .jsonl or .csv with the keys prompt and caption")
    if not table.is_file():
        raise UserError("data", table, "no such file; give a table of pairs, .jsonl or .csv")
    found = []
    is_csv = table.suffix.lower() == ".csv"
    for where, row in csv_rows(table, need=KEYS) if is_csv else json_rows(table):
        texts = [_text(table, where, row, key) for key in KEYS]
        found.append(Wording(texts[0], texts[1], f"{table.name}: {where}"))
    if len(found) < SMALLEST:
        raise UserError("data", table, f"has {len(found)} pairs; {SMALLEST} or more are needed")
    if len({one.caption for one in found}) < 2:
        raise UserError("data", table, "has one caption for all prompts, from which nothing can be told apart")
    return found


def _text(table: Path, where: str, row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value.strip():
        raise UserError("data", table, f"{where}: needs the key {key}, a text")
    if len(value) > LONGEST:
        raise UserError("data", table, f"{where}: {key} has {len(value)} letters; {LONGEST} are the most")
    return " ".join(value.split())


def split_wordings(pairs: Sequence[Wording], share: float) -> tuple[list[Wording], list[Wording]]:
    """Pairs to train on, and pairs for validation, two or more or none; those of one prompt stay together."""
    train, val = train_val_split([one.prompt.lower() for one in pairs], share)
    if len(val) < 2:  # a single one has nothing that it could be told apart from
        return list(pairs), []
    return [pairs[place] for place in train], [pairs[place] for place in val]


def validation_wordings(pairs: Sequence[Wording], *, most: int, batch: int, seed: int) -> list[Wording]:
    """Pairs to validate on, in an order that is drawn: a table is often sorted, and a batch tells its captions apart.

    Args:
        pairs: pairs that were left out.
        most: how many are taken at most.
        batch: pairs in a batch, two or more. One that would be alone in the last batch is left out.
        seed: seed of the order.
    """
    count = min(most, len(pairs))
    order = np.random.default_rng((seed, 7)).permutation(len(pairs))[: count - (count % batch == 1)]
    return [pairs[place] for place in order]


class Wordings(Dataset[dict[str, Any]]):
    """Item n: `prompt`, `caption`, `files` (the pair's place), of shuffled passes over the pairs.

    Args:
        pairs: the pairs.
        config: how they are shown.
        seed: seed of everything that is drawn.
        count: where it is given, the first so many pairs as they are, for validation.
    """

    def __init__(self, pairs: Sequence[Wording], config: WordingConfig, *, seed: int, count: int | None = None) -> None:
        self.pairs, self.config, self.seed = pairs, config, seed
        self.count = None if count is None else min(count, len(pairs))
        self._pass: tuple[int, Any] = (-1, None)

    def __len__(self) -> int:
        """Items for validation."""
        assert self.count is not None
        return self.count

    def __getitem__(self, index: int) -> dict[str, Any]:
        """One item."""
        if self.count is not None:
            if index >= self.count:
                raise IndexError(index)
            return _item(self.pairs[index], self.pairs[index].prompt, self.pairs[index].caption)
        times, place = divmod(index, len(self.pairs))
        if self._pass[0] != times:
            self._pass = (times, np.random.default_rng((self.seed, 5, times)).permutation(len(self.pairs)))
        pair = self.pairs[self._pass[1][place]]
        rng = np.random.default_rng((self.seed, 6, index))
        prompt, caption = pair.prompt, pair.caption
        if rng.random() < self.config.repeat_caption:
            return _item(pair, caption, caption)
        timed = any(parse_attributes(text).tempo for text in (prompt, caption))
        if rng.random() < self.config.careless:
            prompt = in_haste(prompt, rng)
        if rng.random() < self.config.tempo and not timed:
            tempo = f", {rng.integers(60, 181)} bpm"
            prompt, caption = prompt.rstrip(".") + tempo, caption.rstrip(".") + tempo
        return _item(pair, prompt, caption)


def _item(pair: Wording, prompt: str, caption: str) -> dict[str, Any]:
    return {"prompt": prompt, "caption": caption, "files": pair.place}
