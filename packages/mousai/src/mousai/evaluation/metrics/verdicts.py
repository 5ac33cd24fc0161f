"""Judging clips one by one: what the judges predict, beside what was asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mousai.audio.files import read_audio
from mousai.conditioning.leads import family_of
from mousai.evaluation.clips import Row, progress
from mousai.evaluation.features.extraction import extract_features
from mousai.evaluation.features.pitch import pitch_spectrogram
from mousai.evaluation.features.waveform import ANALYSIS_RATE, CLIP_SECONDS, SAMPLE_RATE, Array, resample
from mousai.evaluation.judges.key import key_relation, same_key
from mousai.evaluation.judges.panel import JudgePanel
from mousai.evaluation.judges.tempo import estimate_tempo, tempo_matches
from mousai.evaluation.metrics.diversity import melody_range
from mousai.evaluation.metrics.levels import levels
from mousai.evaluation.metrics.repetition import repetition

MAX_SILENCE = 0.5
"""Share of silent blocks above which a clip counts as silent; no genre, key or lead is predicted for it."""
ATTRIBUTES = ("genre", "tempo", "key", "lead")


@dataclass(frozen=True)
class JudgedClips:
    """A set of clips and what the judges predict for it.

    Args:
        rows: of each clip what was asked for, the predictions, whether they are right (`None`: not asked for), levels
            and repetition.
        genre_features: features of the genre judge, `[clips, features]`.
        distances: distances between the clips, `[clips, clips]`.
        notes: `diversity.melody_range` of each clip.
    """

    rows: list[Row]
    genre_features: Array
    distances: Array
    notes: list[npt.NDArray[np.float16]]


def judge_clips(folder: Path, rows: Sequence[Row], panel: JudgePanel, *, description: str = "judging") -> JudgedClips:
    """Judge the first 20 s of every clip.

    Raises:
        AudioError: a clip cannot be read.
    """
    measured: list[Row] = []
    notes: list[npt.NDArray[np.float16]] = []
    features: dict[str, list[Array]] = {"genre": [], "key": [], "lead": []}
    with progress(rows, description) as each:
        for row in each:
            sound = read_audio(folder / row["file_name"], sample_rate=SAMPLE_RATE, duration=CLIP_SECONDS)
            mono = resample(sound.mean(axis=0), SAMPLE_RATE, ANALYSIS_RATE)
            spectrogram = pitch_spectrogram(mono, sample_rate=ANALYSIS_RATE)
            notes.append(melody_range(spectrogram).astype(np.float16))
            extracted = extract_features(mono, sample_rate=ANALYSIS_RATE, spectrogram=spectrogram)
            for name, found in extracted.items():
                features[name].append(found)
            tempo = estimate_tempo(mono, sample_rate=ANALYSIS_RATE)
            level = {name: round(value, 5) for name, value in asdict(levels(sound)).items()}
            bpm = row.get("bpm") or tempo
            repeats = repetition(spectrogram, bpm=bpm, beats_per_bar=beats_per_bar(row)) if bpm else {}
            repeats = {name: round(value, 4) for name, value in repeats.items() if np.isfinite(value)}
            measured.append({**row, "predicted_bpm": round(tempo, 2), "levels": level, "repetition": repeats})
    genre_features = np.stack(features["genre"])
    predicted = {
        "genre": panel.genre(genre_features),
        "key": panel.key(np.stack(features["key"])),
        "lead": panel.lead(np.stack(features["lead"])),
    }
    judged = [_verdict(row, {name: predicted[name][place] for name in predicted}) for place, row in enumerate(measured)]
    return JudgedClips(judged, genre_features, panel.genre.distances(genre_features), notes)


def is_silent(row: Row) -> bool:
    """Tell whether a judged clip counts as silent."""
    return bool(row["levels"]["silent"] > MAX_SILENCE)


def _verdict(row: Row, predicted: Mapping[str, str]) -> Row:
    """The predictions beside what was asked for; what a classifier names for silence does not count."""
    silent = is_silent(row)
    genre, key, lead = ("silence" if silent else predicted[name] for name in ("genre", "key", "lead"))
    family = family_of(row["lead"]) if row.get("lead") else None
    return {
        **row,
        "predicted_genre": genre,
        "predicted_key": key,
        "predicted_lead": lead,
        "lead_family": family,
        "genre_right": None if not row.get("genre") else genre in genres_of(row),
        "tempo_right": None if not row.get("bpm") else tempo_matches(row["predicted_bpm"], row["bpm"]),
        "key_right": None if not row.get("key") else not silent and same_key(row["key"], key),
        "key_relation": None if not row.get("key") or silent else key_relation(row["key"], key),
        "lead_right": None if family is None else lead == family,
    }


def genres_of(row: Row) -> Sequence[str]:
    """The genres that a prompt would be satisfied with: those of its `genres`, or its only one."""
    genres: Sequence[str] = row.get("genres") or (row["genre"],)
    return genres


@cache
def _beats() -> dict[str, int]:
    from mousai.compose import STYLES

    return {style.name: style.beats for style in STYLES}


def beats_per_bar(row: Mapping[str, Any]) -> int:
    """Beats per bar of the composer's style that was asked for; 4 where it is not known."""
    return _beats().get(str(row.get("style")), 4)


def chance_accuracy(rows: Sequence[Row], attribute: str) -> float:
    """The share that would be right if the clips were dealt out to the prompts at random.

    Music that ignores its prompt scores this. NaN where the attribute was not asked for.
    """
    asked = [row for row in rows if row[f"{attribute}_right"] is not None]
    if not asked:
        return float("nan")
    return float(np.mean([_right(one, other, attribute) for one in asked for other in asked]))


def _right(asked: Row, judged: Row, attribute: str) -> bool:
    if attribute == "genre":
        return judged["predicted_genre"] in genres_of(asked)
    if attribute == "tempo":
        return tempo_matches(judged["predicted_bpm"], asked["bpm"])
    if attribute == "key":
        return judged["predicted_key"] != "silence" and same_key(asked["key"], judged["predicted_key"])
    return bool(asked["lead_family"] == judged["predicted_lead"])
