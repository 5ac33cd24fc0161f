"""What the three judges know of a piece, together, and of a folder of songs to learn from."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mousai.audio.files import read_audio
from mousai.errors import UserError
from mousai.evaluation.degraded import degraded
from mousai.evaluation.hearing import hear
from mousai.evaluation.key import key_features
from mousai.evaluation.lead import lead_features
from mousai.evaluation.pitches import pitch_picture
from mousai.evaluation.sound import MUSIC_RATE, SECONDS, Array
from mousai.evaluation.stored import read_arrays, write_arrays

VARIANTS = (("song", 0.0), ("song", 10.0), ("degraded", 5.0))
"""How every song is heard, and from which second on: as it is, and as a weak decoder would give it."""


def listen(
    audio: Array, *, sample_rate: int, picture: npt.NDArray[np.float32] | None = None
) -> dict[str, npt.NDArray[np.float32]]:
    """Features of a piece: `style` as a vector, `key` `[features, 12]`, `lead` `[bands, frames]`.

    `picture` is its `pitch_picture`.
    """
    picture = pitch_picture(audio, sample_rate=sample_rate) if picture is None else picture
    style = hear(audio, sample_rate=sample_rate)
    return {"style": style, "key": key_features(picture), "lead": lead_features(audio, sample_rate=sample_rate)}


@dataclass(frozen=True)
class Heard:
    """Pieces as the judges heard them, a row each.

    Args:
        style: features `[pieces, features]`.
        key: `[pieces, features, 12]`.
        lead: `[pieces, bands, frames]`.
        facts: of each its song, variant, genre, key, lead and tempo `[pieces, 6]`.
    """

    style: npt.NDArray[np.float32]
    key: npt.NDArray[np.float32]
    lead: npt.NDArray[np.float32]
    facts: npt.NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.facts)

    def where(self, chosen: npt.NDArray[np.bool_]) -> "Heard":
        """The pieces chosen by a mask."""
        return Heard(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def fact(self, name: str) -> list[str]:
        """One of `FACTS` of every piece."""
        return [str(value) for value in self.facts[:, FACTS.index(name)]]

    def save(self, path: Path) -> None:
        """Write plain numbers; half precision is finer than what a judge minds."""
        halves = {name: getattr(self, name).astype(np.float16) for name in ("style", "key", "lead")}
        write_arrays(path, {}, {"facts": self.facts, **halves})

    @classmethod
    def load(cls, path: Path) -> "Heard":
        """Read what `save` wrote; UserError if it is missing or of another version."""
        _, arrays = read_arrays(path)
        style, key, lead = (arrays[name].astype(np.float32) for name in ("style", "key", "lead"))
        return cls(style, key, lead, arrays["facts"])

    @classmethod
    def joined(cls, parts: Sequence["Heard"]) -> "Heard":
        """Several as one."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))


FACTS = ("song", "variant", "genre", "key", "lead", "bpm")


def read_songs(folder: Path) -> list[dict[str, Any]]:
    """The rows of a data set's `metadata.jsonl`, less the songs that change tempo or key: no single one is right there.

    Raises:
        UserError: there is none, or a row lacks what the judges learn.
    """
    path = folder / "metadata.jsonl"
    if not path.is_file():
        raise UserError(f"{path} is missing; make songs with: mousai compose --songs 400 --out {folder}")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    for row in rows:
        if missing := {"file_name", "genre", "key", "lead", "bpm"} - set(row):
            raise UserError(f"{path}: a row has no {min(missing)!r}; songs of `mousai compose` have")
    return [row for row in rows if row["key"] and row["bpm"]]


def variant_of(file: Path, kind: str, start: float, *, seed: int) -> npt.NDArray[np.float32]:
    """`SECONDS` of a song from `start` on, mono at `MUSIC_RATE`, as it is or, by the seed, degraded."""
    sound = read_audio(file, sample_rate=MUSIC_RATE, channels=1, start=start, duration=SECONDS)
    return np.asarray(degraded(sound, sample_rate=MUSIC_RATE, seed=seed) if kind == "degraded" else sound, np.float32)


def listen_to_songs(
    folder: Path, rows: Sequence[dict[str, Any]], *, cache: Path | None = None, variants: Any = VARIANTS
) -> Heard:
    """Hear every song in all its variants.

    Args:
        folder: the data set.
        rows: its songs to hear.
        cache: a file that keeps what was heard, written now and then; only the rest is heard afresh.
        variants: as `VARIANTS`.
    """
    from tqdm import tqdm

    parts = [Heard.load(cache)] if cache is not None and cache.is_file() else []
    known = set(zip(parts[0].fact("song"), parts[0].fact("variant"), strict=True)) if parts else set()
    new: list[tuple[dict[str, npt.NDArray[np.float32]], tuple[str, ...]]] = []

    def kept() -> None:
        if new:
            style, key, lead = (np.stack([heard[name] for heard, _ in new]) for name in ("style", "key", "lead"))
            parts.append(Heard(style, key, lead, np.array([facts for _, facts in new])))
            new.clear()
            if cache is not None:
                Heard.joined(parts).save(cache)

    for number, row in enumerate(tqdm(rows, unit="song", desc="listening")):
        file = folder / row["file_name"]
        name = f"{folder.resolve().name}/{file.stem}"
        for kind, start in variants:
            variant = f"{kind} from {start:g} s"
            if (name, variant) in known:
                continue
            sound = variant_of(file, kind, start, seed=number)
            facts = (name, variant, row["genre"], row["key"], row["lead"], str(row["bpm"]))
            new.append((listen(sound, sample_rate=MUSIC_RATE), facts))
        if len(new) >= 300:
            kept()
    kept()
    if not parts:
        raise UserError("no songs to hear; give at least one")
    return Heard.joined(parts)
