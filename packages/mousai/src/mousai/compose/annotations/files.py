"""The files that tell of a song beside its sound."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...conditioning.tables import frame_count, melody_table
from ...storage.files import atomic_file
from ..rendering.midi import song_to_midi
from .jams import song_to_jams

if TYPE_CHECKING:
    from ..song import Song

PLACES = {
    "jams": "annotations/{:06d}.jams",
    "chords": "chords/{:06d}.lab",
    "sections": "sections/{:06d}.lab",
    "midi": "midi/{:06d}.mid",
    "melody_midi": "midi/{:06d}.melody.mid",
    "melody": "melody/{:06d}.npy",
}
"""Paths of the files of a song below the data set's folder, by what they are."""


def file_names(index: int) -> dict[str, str]:
    """The names of the files of song `index`, below the data set's folder."""
    return {name: place.format(index) for name, place in PLACES.items()}


def write_files(song: "Song", folder: Path, index: int) -> None:
    """Write the files of a song below the data set's folder, each of them whole or not at all."""
    for name, data in song_files(song).items():
        path = folder / PLACES[name].format(index)
        path.parent.mkdir(exist_ok=True)
        with atomic_file(path) as partial:
            partial.write_bytes(data)


def song_files(song: "Song") -> dict[str, bytes]:
    """The contents of a song's files, by what they are."""
    return {
        "jams": (json.dumps(song_to_jams(song), ensure_ascii=False) + "\n").encode(),
        "chords": lab([(chord.start, chord.end, chord.label) for chord in song.chords]),
        "sections": lab([(section.start, section.end, section.name) for section in song.sections]),
        "midi": _midi(song),
        "melody_midi": _midi(song, "lead"),
        "melody": _melody(song),
    }


def lab(spans: Sequence[tuple[float, float, str]]) -> bytes:
    """Labelled intervals as mir_eval reads them: a line each of start, end and label, with tabs between them."""
    return "".join(f"{start:.6f}\t{end:.6f}\t{label}\n" for start, end, label in spans).encode()


def melody_notes(song: "Song") -> list[tuple[float, float, int]]:
    """The notes of the lead: (start, end, MIDI pitch), in seconds."""
    return [
        (note.start, note.start + note.duration, note.pitch)
        for track in song.tracks
        if track.role == "lead"
        for note in track.notes
    ]


def _midi(song: "Song", *roles: str) -> bytes:
    buffer = io.BytesIO()
    song_to_midi(song, *roles).write(buffer)
    return buffer.getvalue()


def _melody(song: "Song") -> bytes:
    import numpy as np

    buffer = io.BytesIO()
    np.save(buffer, melody_table(melody_notes(song), frame_count(song.duration)), allow_pickle=False)
    return buffer.getvalue()
