"""One clip after the other: what is heard in it, beside what was asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mousai.audio.files import read_audio
from mousai.conditioning.leads import family_of
from mousai.evaluation.clips import Row, counted
from mousai.evaluation.diversity import melodic
from mousai.evaluation.judges import Judges
from mousai.evaluation.key import kinship, same_key
from mousai.evaluation.levels import levels
from mousai.evaluation.listening import listen
from mousai.evaluation.pitches import pitch_picture
from mousai.evaluation.sound import MUSIC_RATE, RATE, SECONDS, Array, resampled
from mousai.evaluation.structure import structure
from mousai.evaluation.tempo import tempo_matches, tempo_of

MOSTLY = 0.5
"""The share of silence above which a clip is silent, and no style, key or lead is heard in it."""
WISHES = ("style", "tempo", "key", "lead")


@dataclass(frozen=True)
class Judged:
    """A set of clips after the judges have heard it.

    Args:
        rows: of each clip what was asked for, what was heard, whether that is right (`None`: not asked), its levels and
            its structure.
        style: features of the judge of style, `[clips, features]`.
        distances: between the clips, `[clips, clips]`.
        notes: of each clip, `[semitones, frames]`, as `diversity.same_notes` compares them.
    """

    rows: list[Row]
    style: Array
    distances: Array
    notes: list[npt.NDArray[np.float16]]


def judge(folder: Path, rows: Sequence[Row], judges: Judges, *, what: str = "listening") -> Judged:
    """Hear the first 20 s of every clip.

    Raises:
        AudioError: a clip cannot be read.
    """
    found: list[Row] = []
    notes: list[npt.NDArray[np.float16]] = []
    heard: dict[str, list[Array]] = {"style": [], "key": [], "lead": []}
    with counted(rows, what) as each:
        for row in each:
            sound = read_audio(folder / row["file_name"], sample_rate=RATE, duration=SECONDS)
            mono = resampled(sound.mean(axis=0), RATE, MUSIC_RATE)
            picture = pitch_picture(mono, sample_rate=MUSIC_RATE)
            notes.append(melodic(picture).astype(np.float16))
            for name, features in listen(mono, sample_rate=MUSIC_RATE, picture=picture).items():
                heard[name].append(features)
            tempo = tempo_of(mono, sample_rate=MUSIC_RATE)
            measured = {name: round(value, 5) for name, value in asdict(levels(sound)).items()}
            pace = row.get("bpm") or tempo
            shape = structure(picture, bpm=pace, beats_per_bar=beats_per_bar(row)) if pace else {}
            shape = {name: round(value, 4) for name, value in shape.items() if np.isfinite(value)}
            found.append({**row, "heard_bpm": round(tempo, 2), "levels": measured, "structure": shape})
    style = np.stack(heard["style"])
    names = {
        "genre": judges.style(style),
        "key": judges.key(np.stack(heard["key"])),
        "lead": judges.lead(np.stack(heard["lead"])),
    }
    judged = [_beside(row, {name: names[name][place] for name in names}) for place, row in enumerate(found)]
    return Judged(judged, style, judges.style.distances(style), notes)


def _beside(row: Row, heard: Mapping[str, str]) -> Row:
    """What is heard beside what was asked for; of silence a judge would say something too."""
    silent = row["levels"]["silent"] > MOSTLY
    genre, key, lead = ("silence" if silent else heard[name] for name in ("genre", "key", "lead"))
    family = family_of(row["lead"]) if row.get("lead") else None
    return {
        **row,
        "heard_genre": genre,
        "heard_key": key,
        "heard_lead": lead,
        "lead_family": family,
        "style_right": None if not row.get("genre") else genre == row["genre"],
        "tempo_right": None if not row.get("bpm") else tempo_matches(row["heard_bpm"], row["bpm"]),
        "key_right": None if not row.get("key") else not silent and same_key(row["key"], key),
        "key_kinship": None if not row.get("key") or silent else kinship(row["key"], key),
        "lead_right": None if family is None else lead == family,
    }


@cache
def _beats() -> dict[str, int]:
    from mousai.compose import STYLES

    return {style.name: style.beats for style in STYLES}


def beats_per_bar(row: Mapping[str, Any]) -> int:
    """Of the style that was asked for; 4 where it is not known."""
    return _beats().get(str(row.get("style")), 4)


def by_chance(rows: Sequence[Row], wish: str) -> float:
    """The share that would be right if the clips were dealt out to the wishes at random: what deaf music scores."""
    asked = [row for row in rows if row[f"{wish}_right"] is not None]
    return float(np.mean([_right(one, other, wish) for one in asked for other in asked])) if asked else float("nan")


def _right(asked: Row, heard: Row, wish: str) -> bool:
    if wish == "style":
        return bool(asked["genre"] == heard["heard_genre"])
    if wish == "tempo":
        return tempo_matches(heard["heard_bpm"], asked["bpm"])
    if wish == "key":
        return heard["heard_key"] != "silence" and same_key(asked["key"], heard["heard_key"])
    return bool(asked["lead_family"] == heard["heard_lead"])
