"""Annotating a folder of real music: what its metadata lacks, heard by the judges, each with a confidence.

    song ─┬─ beats ── bpm, first_downbeat ─┐
          ├─ key judge ── key              ├── what the folder does not say already ──> annotations.jsonl
          ├─ chord judge ── chords         │
          └─ loudness (BS.1770) ───────────┘

The table has the composer's fields, so that training reads both alike. What a person wrote stays: the table is the last
source that `mousai.data.records` asks.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mousai.audio.files import read_audio
from mousai.audio.loudness import RATE, SILENT, integrated_loudness
from mousai.audio.opening import AudioError
from mousai.conditioning.attributes import FASTEST, SLOWEST
from mousai.data.annotation import number_of
from mousai.data.records import ANNOTATIONS, Record, find_records, song_name
from mousai.data.tables import json_rows
from mousai.errors import UserError
from mousai.evaluation.features.key import key_features
from mousai.evaluation.features.pitch import pitch_spectrogram
from mousai.evaluation.features.waveform import ANALYSIS_RATE, Array, mono, resample
from mousai.evaluation.judges.beats import beat_confidence, beat_phase, downbeat_by_changes, onset_curve
from mousai.evaluation.judges.chords import chord_confidence, estimate_chords
from mousai.evaluation.judges.key import KEYS, KeyJudge
from mousai.evaluation.judges.tempo import estimate_tempo
from mousai.storage.files import write_text

ANNOTATOR = "mousai 1"
"""Who wrote a row, and in which version; a table with other rows is never replaced."""
FIELDS = ("bpm", "first_downbeat", "key", "chords", "loudness")
"""Fields that are filled in."""
MIN_CONFIDENCE = 0.5
"""Confidence from which on an estimate is written."""
_SAVE_EVERY = 20  # songs


@dataclass(frozen=True, kw_only=True)
class Annotated:
    """Result of annotating a folder.

    Args:
        table: the table.
        counts: songs to which each field was added.
        unsure: songs of which each field stayed unknown, since its confidence was too low.
        already: songs that were annotated before.
        bad: files that cannot be read, with the reason.
    """

    table: Path
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FIELDS, 0))
    unsure: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FIELDS, 0))
    already: list[str] = field(default_factory=list)
    bad: dict[str, str] = field(default_factory=dict)


def annotate_folder(
    folder: Path,
    *,
    min_confidence: float = MIN_CONFIDENCE,
    overwrite: bool = False,
    each: Callable[[int, int], None] = lambda done, total: None,
) -> Annotated:
    """Add what is missing of `FIELDS` to the annotations of a folder.

    An interrupted call keeps what it has, and the next one goes on.

    Args:
        folder: folder of music, as `find_records` reads it.
        min_confidence: confidence, 0 to 1, below which an estimate is left out.
        overwrite: annotate songs anew that were annotated before.
        each: called after each song with the number done and of all.

    Raises:
        UserError: the folder cannot be read, `min_confidence` is none, or the table is somebody else's.
    """
    if not 0 <= min_confidence <= 1:
        raise UserError("min_confidence", min_confidence, "must be 0 to 1")
    table = folder / ANNOTATIONS
    before = _rows(table)  # which refuses a table of somebody else
    known = {} if overwrite else before
    records = find_records(folder, annotations=False)
    judge = _key_judge()
    done = Annotated(table=table)
    try:
        for place, record in enumerate(records):
            name = song_name(record, folder)
            if name in known and known[name].get("size") == os.path.getsize(_path(record)):
                done.already.append(name)
            else:
                try:
                    known[name] = _row(record, name, judge, min_confidence, done)
                except AudioError as error:
                    done.bad[name] = str(error)
            each(place + 1, len(records))
            if place % _SAVE_EVERY == _SAVE_EVERY - 1:
                _write(table, known)
    finally:
        if known:
            _write(table, known)
    return done


def estimate_fields(
    audio: Array, *, sample_rate: int, judge: KeyJudge, bpm: float | None = None
) -> dict[str, tuple[Any, float]]:
    """Estimate each of `FIELDS`, with a confidence from 0 to 1; what cannot be estimated is missing.

    Args:
        audio: waveform [channels, samples].
        sample_rate: Hz.
        judge: key judge.
        bpm: tempo where it is known.
    """
    found: dict[str, tuple[Any, float]] = {}
    loudness = integrated_loudness(audio, sample_rate=sample_rate)
    if loudness <= SILENT:
        return found
    found["loudness"] = (round(loudness, 2), 1.0)
    clip = resample(mono(audio), sample_rate, ANALYSIS_RATE)
    spectrogram = pitch_spectrogram(clip, sample_rate=ANALYSIS_RATE)
    odds = np.exp(judge.log_probabilities(key_features(spectrogram)[None])[0])
    best = int(odds.argmax())
    found["key"] = (KEYS[best], float(odds[best]))
    chords = estimate_chords(clip, sample_rate=ANALYSIS_RATE, spectrogram=spectrogram)
    segments = [{"start": round(start, 3), "end": round(end, 3), "label": label} for start, end, label in chords]
    found["chords"] = (segments, chord_confidence(spectrogram, chords))
    tempo = bpm or estimate_tempo(clip, sample_rate=ANALYSIS_RATE)
    if tempo:
        onsets = onset_curve(clip, sample_rate=ANALYSIS_RATE)
        beat = beat_phase(clip, sample_rate=ANALYSIS_RATE, tempo=tempo, onsets=onsets)
        sure = beat_confidence(clip, sample_rate=ANALYSIS_RATE, tempo=tempo, beat=beat, onsets=onsets)
        bar, of_bar = downbeat_by_changes([start for start, _, _ in chords[1:]], tempo=tempo, beat=beat)
        found["bpm"], found["first_downbeat"] = (round(tempo, 3), sure), (round(bar, 4), min(sure, of_bar))
    return found


def _row(record: Record, name: str, judge: KeyJudge, least: float, done: Annotated) -> dict[str, Any]:
    path = _path(record)
    row: dict[str, Any] = {"file_name": name, "annotator": ANNOTATOR, "size": os.path.getsize(path)}
    missing = [one for one in FIELDS if one not in record.fields]
    if not missing:
        return row
    audio = read_audio(path, sample_rate=RATE)
    stated = number_of(record.fields.get("bpm"))
    bpm = stated if stated is not None and SLOWEST <= stated <= FASTEST else None
    found = estimate_fields(audio, sample_rate=RATE, judge=judge, bpm=bpm)
    confidence = {}
    for one in missing:
        if one in found and found[one][1] >= least:
            row[one] = found[one][0]
            confidence[one] = round(found[one][1], 3)
            done.counts[one] += 1
        else:
            done.unsure[one] += 1
    return {**row, "confidence": confidence}


def _path(record: Record) -> Path:
    assert isinstance(record.path, Path)  # `find_records` reads folders, and no shards
    return record.path


def _key_judge() -> KeyJudge:
    from mousai.evaluation.judges.panel import JudgePanel

    return JudgePanel.load().key


def _rows(table: Path) -> dict[str, dict[str, Any]]:
    """Rows of a table of ours by song."""
    if not table.exists():
        return {}
    try:
        rows = [row for _, row in json_rows(table)]
    except UserError:
        rows = [{}]  # no table of anybody's
    if not all(str(row.get("annotator", "")).startswith("mousai ") for row in rows):
        hint = "was not written by `mousai data annotate`; move it away, for it would be replaced"
        raise UserError(table, hint=hint)
    return {row["file_name"]: row for row in rows}


def _write(table: Path, rows: Mapping[str, Mapping[str, Any]]) -> None:
    write_text(table, "".join(json.dumps(rows[name], ensure_ascii=False) + "\n" for name in sorted(rows)))
