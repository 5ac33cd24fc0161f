"""Songs as the judge of the lead learns them: many more than the other judges need, and pictures of them alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mousai.conditioning.leads import family_of
from mousai.errors import UserError
from mousai.evaluation.lead import lead_features
from mousai.evaluation.listening import variant_of
from mousai.evaluation.sound import MUSIC_RATE
from mousai.evaluation.stored import read_arrays, write_arrays

STARTS, DEGRADED_START, DEGRADED_EVERY = (0.0, 10.0), 5.0, 3
"""Seconds from which on every song is heard as it is, and every third one degraded, which takes ten times as long."""
SAVED_EVERY = 500

Pictures = tuple[npt.NDArray[np.float16], list[str]]
"""`[pieces, bands, frames]`, and of each the family of the lead."""


def lead_family(lead: str) -> str:
    """The family of a composed song's lead.

    Raises:
        UserError: it has none, as songs of the palette "all" may.
    """
    family = family_of(lead)
    if family is None:
        raise UserError(f"lead {lead!r} is in no family; songs of the palettes style and leads have only known leads")
    return family


def pictures_of(folder: Path, rows: Sequence[dict[str, Any]], *, cache: Path | None = None) -> Pictures:
    """Hear the songs of a data set.

    Args:
        folder: of the data set.
        rows: its songs to hear.
        cache: a file that keeps what was heard by the names of the songs' files, written now and then; only the rest is
            heard afresh.

    Returns:
        The pictures, song by song, and of each the family of the lead.

    Raises:
        UserError: there is no song, one's lead is in no family, or the cache is of another version.
        AudioError: a song cannot be read.
    """
    from tqdm import tqdm

    if not rows:
        raise UserError("no songs to hear; give at least one")
    families = [lead_family(row["lead"]) for row in rows]
    known: dict[str, npt.NDArray[np.float16]] = {}
    if cache is not None and cache.is_file():
        _, kept = read_arrays(cache)
        known = dict(zip(map(str, kept["names"]), kept["pictures"], strict=True))

    def keep() -> None:
        if cache is not None:
            write_arrays(cache, {}, {"names": np.array(list(known)), "pictures": np.stack(list(known.values()))})

    pieces: list[tuple[str, str]] = []
    fresh = 0
    for number, row in enumerate(tqdm(rows, unit="song", desc="listening for leads")):
        variants = [("song", start) for start in STARTS]
        if number % DEGRADED_EVERY == 0:
            variants.append(("degraded", DEGRADED_START))
        for kind, start in variants:
            name = f"{row['file_name']} {kind} from {start:g} s"
            pieces.append((name, families[number]))
            if name in known:
                continue
            sound = variant_of(folder / row["file_name"], kind, start, seed=number)
            known[name] = lead_features(sound, sample_rate=MUSIC_RATE).astype(np.float16)
            fresh += 1
            if fresh % SAVED_EVERY == 0:
                keep()
    if fresh:
        keep()
    return np.stack([known[name] for name, _ in pieces]), [family for _, family in pieces]
