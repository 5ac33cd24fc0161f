"""A melody from what a user gives: notes, a MIDI file, or a recording of a voice."""

import json
import numbers
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

from mousai.errors import UserError, is_finite
from mousai.storage.json_files import parse_json

ROUNDED = 0.05
"""Seconds by which the last note may end after the piece, where it is cut."""
MOST_SECONDS = 3600.0
MIDI_SUFFIXES = (".mid", ".midi", ".kar")
_EXPECTED = "notes as (start, end, MIDI pitch), a MIDI file or a recording of one voice"


@dataclass(frozen=True)
class Melody:
    """Notes of a tune.

    Args:
        notes: (start, end, MIDI pitch) in the order of their starts, seconds of the piece.
        written: as the user gave them: a path, or the notes as JSON.
        track: name of the MIDI track that plays them, where it is one of several; empty otherwise.
        chosen: the track as the user named it; None where it was not named.
        start: second of the piece at which the file or the list begins; it is part of the notes' seconds.
    """

    notes: tuple[tuple[float, float, int], ...]
    written: str
    track: str = ""
    chosen: str | None = None
    start: float = 0.0

    @property
    def end(self) -> float:
        """Second at which the last note ends."""
        return max(end for _, end, _ in self.notes)

    def moved(self, start: float) -> "Melody":
        """Return the same tune with its second 0 at second `start` of the piece."""
        if not start:
            return self
        notes = tuple((first + start, last + start, pitch) for first, last, pitch in self.notes)
        return replace(self, notes=notes, start=float(start))

    def placed(self, start: float, end: float) -> tuple[tuple[float, float, int], ...]:
        """Return the notes of a piece that lasts from `start` to `end`.

        Raises:
            UserError: a note begins before the piece, or the melody is longer.
        """
        first = self.notes[0][0]
        if first < start - 1e-9:
            raise UserError("melody", hint=f"begins at {first:g} s, before the piece, at {start:g} s")
        if self.end > end + ROUNDED:
            hint = f"ends at {self.end:.2f} s, the piece at {end:.2f} s; give a longer duration or a shorter tune"
            raise UserError("melody", hint=hint)
        return tuple((begin, min(last, end), pitch) for begin, last, pitch in self.notes if begin < end)


def read_melody(given: Any, *, track: str | int | None = None, start: float = 0.0) -> Melody:
    """Read a melody from what a user gives.

    Args:
        given: notes as a list or an array [notes, 3] of (start, end, MIDI pitch), in seconds, or the same as JSON; the
            path of a MIDI file (.mid, .midi), of which the highest track counts that is not percussion; or the path of
            a recording of one voice (.wav, .flac, .ogg, .mp3), which is transcribed.
        track: name or number, from 1, of the MIDI track that has the tune.
        start: second of the piece at which second 0 of the tune lies.

    Raises:
        UserError: it is none of these, cannot be read, or has no notes.
    """
    if isinstance(given, Melody):
        return given
    if isinstance(start, bool) or not isinstance(start, numbers.Real) or not abs(start) <= MOST_SECONDS:
        raise UserError("melody_start", start, f"must be a number of seconds, at most {MOST_SECONDS:g}")
    midi = isinstance(given, str | PathLike) and Path(given).suffix.lower() in MIDI_SUFFIXES
    if track is not None and not midi:
        raise UserError("melody_track", track, "names a track of a MIDI file; give one as melody")
    return _read(given, midi, track).moved(start)


def check_melody_file(given: Any) -> None:
    """Raise `UserError` where a path is none of a melody; takes no time, unlike hearing a recording."""
    from mousai.audio.files import READ_SUFFIXES

    if isinstance(given, str) and given.lstrip().startswith("["):
        return
    if isinstance(given, str | PathLike):
        path = Path(given)
        if path.suffix.lower() not in (*MIDI_SUFFIXES, *READ_SUFFIXES):
            known = ", ".join((*MIDI_SUFFIXES[:2], *READ_SUFFIXES))
            raise UserError("melody", given, f"must be a MIDI file or a recording: {known}")
        if not os.path.isfile(path):  # False too for a text that is too long for a name
            raise UserError("melody", given, "no such file")


def melody_of_file(path: Path, *, midi: bool, track: str | int | None = None, written: str) -> Melody:
    """Read the tune of a file whose kind is known.

    Args:
        path: the file, of any name.
        midi: whether it is a MIDI file; else a recording of one voice, which is transcribed.
        track: name or number, from 1, of the MIDI track that has the tune.
        written: name of the file for the record of a piece.

    Raises:
        UserError: it cannot be read, or has no notes.
    """
    from mousai.conditioning.notation.humming import transcribe_tune
    from mousai.conditioning.notation.midi_tunes import read_midi_tune

    if not midi:
        return Melody(transcribe_tune(path), written)
    name, notes = read_midi_tune(path, track)
    return Melody(notes, written, name, None if track is None else str(track))


def _read(given: Any, midi: bool, track: str | int | None) -> Melody:
    if isinstance(given, str) and given.lstrip().startswith("["):
        try:
            given = parse_json(given)
        except ValueError:
            raise UserError("melody", given, "is no JSON list; give [[0, 0.5, 60], [0.5, 1, 62]]") from None
    if isinstance(given, str | PathLike):
        return _file(Path(given), midi, track)
    notes = _notes(given)
    stored = json.dumps([[round(start, 4), round(end, 4), pitch] for start, end, pitch in notes], separators=(",", ":"))
    return Melody(notes, stored)


def _file(path: Path, midi: bool, track: str | int | None) -> Melody:
    check_melody_file(path)
    return melody_of_file(path, midi=midi, track=track, written=str(path))


def _notes(given: Any) -> tuple[tuple[float, float, int], ...]:
    """Notes of a list or an array, checked, in the order of their starts."""
    shape = getattr(given, "shape", None)
    if shape is not None:
        if len(shape) != 2 or shape[1] != 3:
            raise UserError("melody", list(shape), "is no shape of a melody, [notes, 3]: start, end, MIDI pitch")
        given = given.tolist()
    if not isinstance(given, Sequence) or isinstance(given, str | bytes):
        raise UserError("melody", type(given).__name__, f"must be {_EXPECTED}")
    notes = []
    for note in given:
        if not isinstance(note, Sequence) or isinstance(note, str) or len(note) != 3:
            raise UserError("melody", note, "must be (start, end, MIDI pitch), such as (0.0, 0.5, 60)")
        if not all(isinstance(one, numbers.Real) and not isinstance(one, bool) and is_finite(one) for one in note):
            raise UserError("melody", note, "must be three finite numbers: start, end, MIDI pitch")
        start, end, pitch = (float(one) for one in note)
        if not start < end:
            raise UserError("melody", note, "must begin before it ends")
        if pitch != int(pitch) or not 0 <= pitch <= 127:
            raise UserError("melody", note, "must end in a MIDI pitch, a whole number from 0 to 127")
        notes.append((start, end, int(pitch)))
    if not notes:
        raise UserError("melody", hint=f"has no notes; give {_EXPECTED}")
    return tuple(sorted(notes))
