"""Features of composed songs, labelled, for training and testing the judges; cached, since extracting takes hours."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mousai.audio.files import read_audio
from mousai.conditioning.leads import family_of
from mousai.data.tables import json_rows
from mousai.errors import UserError
from mousai.evaluation.features.extraction import extract_features
from mousai.evaluation.features.lead import lead_features
from mousai.evaluation.features.waveform import ANALYSIS_RATE, CLIP_SECONDS
from mousai.evaluation.judges.degradation import degrade
from mousai.evaluation.npz import load_npz, save_npz

VARIANTS = (("song", 0.0), ("song", 10.0), ("degraded", 5.0))
"""Variants of each training song, with the second at which they start: the song itself, and degraded audio of it."""
LEAD_STARTS, LEAD_DEGRADED_START, LEAD_DEGRADED_EVERY = (0.0, 10.0), 5.0, 3
"""For the lead judge: the starts of every song, and of every third song degraded, which takes ten times as long."""
SAVE_EVERY = 500
LABELS = ("song", "variant", "genre", "key", "lead", "bpm")

LeadSpectrograms = tuple[npt.NDArray[np.float16], list[str]]
"""Spectrograms `[pieces, bands, frames]`, and the family of the lead instrument of each."""


@dataclass(frozen=True)
class SongFeatures:
    """Features and labels of pieces of songs, a row each.

    Args:
        genre: features of the genre judge, `[pieces, features]`.
        key: features of the key judge, `[pieces, features, 12]`.
        lead: features of the lead judge, `[pieces, bands, frames]`.
        labels: `LABELS` of each piece, `[pieces, 6]`.
    """

    genre: npt.NDArray[np.float32]
    key: npt.NDArray[np.float32]
    lead: npt.NDArray[np.float32]
    labels: npt.NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.labels)

    def select(self, chosen: npt.NDArray[np.bool_]) -> "SongFeatures":
        """The pieces chosen by a mask."""
        return SongFeatures(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def label(self, name: str) -> list[str]:
        """One of `LABELS` of every piece."""
        return [str(value) for value in self.labels[:, LABELS.index(name)]]

    def save(self, path: Path) -> None:
        """Write the features in half precision, which is finer than the judges need."""
        halves = {name: getattr(self, name).astype(np.float16) for name in ("genre", "key", "lead")}
        save_npz(path, {}, {"labels": self.labels, **halves})

    @classmethod
    def load(cls, path: Path) -> "SongFeatures":
        """Read what `save` wrote; UserError if it is missing or of another version."""
        _, arrays = load_npz(path)
        genre, key, lead = (arrays[name].astype(np.float32) for name in ("genre", "key", "lead"))
        return cls(genre, key, lead, arrays["labels"])

    @classmethod
    def concatenate(cls, parts: Sequence["SongFeatures"]) -> "SongFeatures":
        """The rows of several one after the other."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))


def read_song_table(folder: Path) -> list[dict[str, Any]]:
    """The rows of a data set's `metadata.jsonl`, less the songs that change tempo or key: they have no single label.

    Raises:
        UserError: the file is missing, or a row lacks a label that the judges learn.
    """
    path = folder / "metadata.jsonl"
    if not path.is_file():
        raise UserError(path, hint=f"is missing; make songs with: mousai compose --songs 400 --out {folder}")
    rows = [row for _, row in json_rows(path)]
    for row in rows:
        if missing := {"file_name", "genre", "key", "lead", "bpm"} - set(row):
            raise UserError(path, hint=f"a row has no {min(missing)!r}; songs of `mousai compose` have")
    return [row for row in rows if row["key"] and row["bpm"]]


def lead_family(lead: str) -> str:
    """The family of a composed song's lead instrument.

    Raises:
        UserError: it is in no family, as in songs of the palette "all".
    """
    family = family_of(lead)
    if family is None:
        raise UserError("lead", lead, "is in no family; songs of the palettes style and leads have only known leads")
    return family


def load_variant(file: Path, kind: str, start: float, *, seed: int) -> npt.NDArray[np.float32]:
    """`CLIP_SECONDS` of a song from `start` on, mono at `ANALYSIS_RATE`, as it is or degraded with the seed."""
    sound = read_audio(file, sample_rate=ANALYSIS_RATE, channels=1, start=start, duration=CLIP_SECONDS)
    return np.asarray(degrade(sound, sample_rate=ANALYSIS_RATE, seed=seed) if kind == "degraded" else sound, np.float32)


def extract_song_features(
    folder: Path, rows: Sequence[dict[str, Any]], *, cache: Path | None = None, variants: Any = VARIANTS
) -> SongFeatures:
    """Extract the features of every song in all its variants.

    Args:
        folder: folder of the data set.
        rows: rows of its songs.
        cache: file that keeps the features, written now and then; only what it lacks is extracted.
        variants: variants of each song, as `VARIANTS`.

    Raises:
        UserError: there is no song, or the cache is of another version.
        AudioError: a song cannot be read.
    """
    from tqdm import tqdm

    parts = [SongFeatures.load(cache)] if cache is not None and cache.is_file() else []
    known = set(zip(parts[0].label("song"), parts[0].label("variant"), strict=True)) if parts else set()
    new: list[tuple[dict[str, npt.NDArray[np.float32]], tuple[str, ...]]] = []

    def keep() -> None:
        if new:
            genre, key, lead = (np.stack([found[name] for found, _ in new]) for name in ("genre", "key", "lead"))
            parts.append(SongFeatures(genre, key, lead, np.array([labels for _, labels in new])))
            new.clear()
            if cache is not None:
                SongFeatures.concatenate(parts).save(cache)

    for number, row in enumerate(tqdm(rows, unit="song", desc="extracting features")):
        file = folder / row["file_name"]
        name = f"{folder.resolve().name}/{file.stem}"
        for kind, start in variants:
            variant = f"{kind} from {start:g} s"
            if (name, variant) in known:
                continue
            sound = load_variant(file, kind, start, seed=number)
            labels = (name, variant, row["genre"], row["key"], row["lead"], str(row["bpm"]))
            new.append((extract_features(sound, sample_rate=ANALYSIS_RATE), labels))
        if len(new) >= 300:
            keep()
    keep()
    if not parts:
        raise UserError("rows", hint="no songs to learn from; give at least one")
    return SongFeatures.concatenate(parts)


def lead_spectrograms(folder: Path, rows: Sequence[dict[str, Any]], *, cache: Path | None = None) -> LeadSpectrograms:
    """Extract only the lead features, of many more songs than the other judges need.

    Args:
        folder: folder of the data set.
        rows: rows of its songs.
        cache: file that keeps the spectrograms by file name, written now and then; only what it lacks is extracted.

    Returns:
        The spectrograms, song by song, and the family of the lead instrument of each.

    Raises:
        UserError: there is no song, a lead is in no family, or the cache is of another version.
        AudioError: a song cannot be read.
    """
    from tqdm import tqdm

    if not rows:
        raise UserError("rows", hint="no songs to learn from; give at least one")
    families = [lead_family(row["lead"]) for row in rows]
    known: dict[str, npt.NDArray[np.float16]] = {}
    if cache is not None and cache.is_file():
        _, cached = load_npz(cache)
        known = dict(zip(map(str, cached["names"]), cached["spectrograms"], strict=True))

    def keep() -> None:
        if cache is not None:
            save_npz(cache, {}, {"names": np.array(list(known)), "spectrograms": np.stack(list(known.values()))})

    pieces: list[tuple[str, str]] = []
    fresh = 0
    for number, row in enumerate(tqdm(rows, unit="song", desc="extracting lead features")):
        variants = [("song", start) for start in LEAD_STARTS]
        if number % LEAD_DEGRADED_EVERY == 0:
            variants.append(("degraded", LEAD_DEGRADED_START))
        for kind, start in variants:
            name = f"{row['file_name']} {kind} from {start:g} s"
            pieces.append((name, families[number]))
            if name in known:
                continue
            sound = load_variant(folder / row["file_name"], kind, start, seed=number)
            known[name] = lead_features(sound, sample_rate=ANALYSIS_RATE).astype(np.float16)
            fresh += 1
            if fresh % SAVE_EVERY == 0:
                keep()
    if fresh:
        keep()
    return np.stack([known[name] for name, _ in pieces]), [family for _, family in pieces]
