"""The tune of a MIDI file: one line of notes in seconds, out of all its tracks."""

import io
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mousai.errors import UserError, install_hint

if TYPE_CHECKING:
    from mido import MidiFile

DRUMS = 9
"""MIDI channel of percussion, counted from 0."""
CHORD = 0.03
"""Seconds within which notes begin together."""
Note = tuple[float, float, int]

_LONGEST = 16_000_000  # bytes of a file


@dataclass(frozen=True)
class MidiLine:
    """What one track plays on one channel.

    Args:
        name: name of the track; empty where it has none.
        notes: (start, end, MIDI pitch) in the order of their starts, seconds.
    """

    name: str
    notes: tuple[Note, ...]

    @property
    def height(self) -> float:
        """Mean pitch."""
        return sum(pitch for _, _, pitch in self.notes) / len(self.notes)


def read_midi_tune(path: Path, track: str | int | None = None) -> tuple[str, tuple[Note, ...]]:
    """Read the tune of a MIDI file: name of its track, and (start, end, MIDI pitch) of its notes.

    The tune is what the highest track plays (by its mean pitch, percussion aside), or what `track` plays, and of notes
    together the highest one. Times are those of the file, with all its changes of tempo.

    Args:
        path: file.
        track: name of a track, or its number from 1, of those that have notes.

    Raises:
        UserError: the file cannot be read, has no notes, or no such track.
    """
    lines = _lines(_opened(path))
    if not lines:
        raise UserError(path, hint="has no notes but percussion, or none at all; give a MIDI file with a tune")
    chosen = max(lines, key=lambda line: line.height) if track is None else _chosen(path, lines, track)
    return chosen.name, top_line(chosen.notes)


def top_line(notes: Sequence[Note]) -> tuple[Note, ...]:
    """Return one note at a time: of notes that begin together the highest, and no note below one that goes on.

    A note that is held into the next one ends there. A lower note counts as accompaniment, and not as the next note of
    the tune, where a higher one sounds for half of it or more.
    """
    line: list[Note] = []
    for start, end, pitch in sorted(notes, key=lambda note: (note[0], -note[2])):
        if line:
            first, last, above = line[-1]
            if start < first + CHORD and end > first:
                if pitch > above:
                    line[-1] = (first, end, pitch)
                continue
            if last > start:
                if above > pitch and last - start >= (end - start) / 2:
                    continue
                line[-1] = (first, start, above)
        line.append((start, end, pitch))
    return tuple(line)


def _opened(path: Path) -> "MidiFile":
    try:
        import mido
        from mido.midifiles.meta import KeySignatureError
    except ImportError:
        missing = f"a MIDI file is read with mido, which is not installed; {install_hint('melody')}"
        raise UserError("melody", hint=missing) from None
    try:
        if path.stat().st_size > _LONGEST:
            raise UserError(path, hint="is too long for the MIDI file of a tune")
        # From memory, because mido reads as many bytes as the file says that there are, be they four gigabytes.
        midi = mido.MidiFile(file=io.BytesIO(path.read_bytes()), clip=True)
    except UserError:  # which is a ValueError
        raise
    except FileNotFoundError:
        raise UserError("melody", path, "no such file") from None
    # What mido raises where bytes are missing or wrong.
    except (OSError, EOFError, ValueError, LookupError, KeySignatureError) as error:
        raise UserError(path, hint=f"is no MIDI file that can be read ({error or type(error).__name__})") from None
    if midi.type == 2 or midi.ticks_per_beat <= 0:
        raise UserError(path, hint="has no beats in common for all tracks (type 2, or SMPTE time); save it as type 1")
    return midi


def _lines(midi: "MidiFile") -> list[MidiLine]:
    """What each track plays on each channel but that of percussion, where there are notes."""
    seconds = _Clock(midi)
    lines = []
    for track in midi.tracks:
        tick, name = 0, ""
        sounding: dict[tuple[int, int], int] = {}
        played: dict[int, list[tuple[int, int, int]]] = {}
        for message in track:
            tick += message.time
            if message.type == "track_name":
                name = message.name.strip()
            if message.type not in ("note_on", "note_off") or message.channel == DRUMS:
                continue
            begun = sounding.pop((message.channel, message.note), None)
            if begun is not None and tick > begun:
                played.setdefault(message.channel, []).append((begun, tick, message.note))
            if message.type == "note_on" and message.velocity:
                sounding[message.channel, message.note] = tick
        for (channel, pitch), begun in sounding.items():
            if tick > begun:
                played.setdefault(channel, []).append((begun, tick, pitch))
        for _, notes in sorted(played.items()):
            timed = sorted((seconds(start), seconds(end), pitch) for start, end, pitch in notes)
            if lasting := tuple(note for note in timed if note[0] < note[1]):
                lines.append(MidiLine(name, lasting))
    return lines


class _Clock:
    """Seconds of a tick, after the tempo changes of all tracks."""

    def __init__(self, midi: "MidiFile") -> None:
        changes: list[tuple[int, int]] = []
        for track in midi.tracks:
            tick = 0
            for message in track:
                tick += message.time
                if message.type == "set_tempo":
                    changes.append((tick, message.tempo))
        # First tick, its second, and seconds a tick; 120 bpm until the file says another tempo.
        self.steps: list[tuple[int, float, float]] = [(0, 0.0, 0.5 / midi.ticks_per_beat)]
        for tick, tempo in sorted(changes, key=lambda change: change[0]):
            self.steps.append((tick, self(tick), tempo / 1e6 / midi.ticks_per_beat))

    def __call__(self, tick: int) -> float:
        first, second, scale = self.steps[bisect_right(self.steps, tick, key=lambda step: step[0]) - 1]
        return second + (tick - first) * scale


def _chosen(path: Path, lines: Sequence[MidiLine], track: Any) -> MidiLine:
    number = int(track) if isinstance(track, int) or str(track).isdecimal() else 0
    if 1 <= number <= len(lines):
        return lines[number - 1]
    named = [line for line in lines if line.name.lower() == str(track).strip().lower()]
    if named:
        return named[0]
    there = ", ".join(f"{place} {line.name}".strip() for place, line in enumerate(lines[:12], start=1))
    raise UserError("melody_track", track, f"no such track in {path}; there are {there}")
