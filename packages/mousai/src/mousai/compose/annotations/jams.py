"""A song's facts in JAMS (JSON Annotated Music Specification, version 0.3): namespaces `chord`, `segment_open`, `beat`,
`tempo`, `key_mode` and, for the melody, `note_midi`.

Source: Humphrey, Salamon, Nieto, Forsyth, Bittner, Bello, "JAMS: a JSON annotated music specification for reproducible
MIR research", ISMIR 2014; the schema is that of the package jams 0.3.5.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..song import Song

JAMS_VERSION = "0.3.4"


def song_to_jams(song: "Song") -> dict[str, Any]:
    """The JAMS object of a song, ready for JSON. Times and durations are in seconds, to a microsecond.

    Beats have their place in the bar as value, downbeats 1. Tempo changes have 1 as confidence, which their namespace
    asks for.
    """
    melody = [note for track in song.tracks if track.role == "lead" for note in track.notes]
    tempos = song.tempos
    found = {
        "chord": [_observed(chord.start, chord.end, chord.label) for chord in song.chords],
        "segment_open": [_observed(section.start, section.end, section.name) for section in song.sections],
        "beat": [
            _observed(beat, beat, place) for bar in song.bar_times for place, beat in enumerate(bar.beats, start=1)
        ],
        "tempo": [_observed(start, end, bpm, confidence=1.0) for start, end, bpm in tempos],
        "key_mode": [_observed(key.start, key.end, f"{key.key.split()[0]}:{key.mode}") for key in song.keys],
        "note_midi": [_observed(note.start, note.start + note.duration, note.pitch) for note in melody],
    }
    return {
        "annotations": [_annotation(song, namespace, data) for namespace, data in found.items()],
        "file_metadata": {
            "title": song.title,
            "artist": "mousai.compose",
            "release": "",
            "duration": song.duration,
            "identifiers": {},
            "jams_version": JAMS_VERSION,
        },
        "sandbox": {},
    }


def _annotation(song: "Song", namespace: str, data: Iterable[dict[str, Any]]) -> dict[str, Any]:
    rules = "the melody: the notes of the lead" if namespace == "note_midi" else ""
    return {
        "namespace": namespace,
        "annotation_metadata": {
            "curator": {"name": "", "email": ""},
            "annotator": {},
            "version": "",
            "corpus": "mousai.compose",
            "annotation_tools": "mousai.compose",
            "annotation_rules": rules,
            "validation": "",
            "data_source": "program",
        },
        "data": list(data),
        "sandbox": {},
        "time": 0.0,
        "duration": song.duration,
    }


def _observed(start: float, end: float, value: str | float, *, confidence: float | None = None) -> dict[str, Any]:
    begin = round(start, 6)
    return {
        "time": begin,
        "duration": round(round(end, 6) - begin, 6),
        "value": value,
        "confidence": confidence,
    }
