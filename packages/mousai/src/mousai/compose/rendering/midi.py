"""A song as MIDI: what the soundfont plays, and the file beside the sound."""

from collections.abc import Sequence
from typing import Any

from ...errors import install_hint
from ..errors import ComposeError
from ..song import Song
from ..theory import parse_key
from ..writing.performance import Note

RESOLUTION = 960
"""Ticks of a beat."""


def pretty_midi() -> Any:
    """The library. Raises ComposeError where it is missing."""
    try:
        import pretty_midi
    except ImportError:
        raise ComposeError(f"pretty_midi is not installed; {install_hint('compose')}") from None
    return pretty_midi


def song_to_midi(song: Song, *roles: str) -> Any:
    """The song, or only its tracks of some roles, as a `pretty_midi.PrettyMIDI`.

    Every track has its role as name, and volume, pan and reverb send. Tempos, time signature and key signatures are
    the song's; sections are text events.
    """
    library = pretty_midi()
    midi = library.PrettyMIDI(initial_tempo=float(song.bpm), resolution=RESOLUTION)
    # There is no public way to give it more than one tempo but to read a file.
    midi._tick_scales = [(round(beat * RESOLUTION), 60.0 / (bpm * RESOLUTION)) for beat, bpm in song.tempo_map.steps]
    midi._update_tick_to_time(midi._tick_scales[-1][0] + 1)
    midi.time_signature_changes.append(library.TimeSignature(song.beats_per_bar, 4, 0.0))
    for key in song.keys:
        tonic, quality = parse_key(key.key)
        midi.key_signature_changes.append(library.KeySignature(tonic + 12 * (quality == "minor"), key.start))
    for section in song.sections:
        midi.text_events.append(library.Text(section.name, section.start))
    for track in song.tracks:
        if roles and track.role not in roles:
            continue
        instrument = library.Instrument(track.program, is_drum=track.is_drum, name=track.role)
        for number, value in ((7, track.volume), (10, track.pan), (91, track.reverb)):
            instrument.control_changes.append(library.ControlChange(number, value, 0.0))
        for note, end in zip(track.notes, _ends(track.notes), strict=True):
            instrument.notes.append(library.Note(note.velocity, note.pitch, note.start, end))
        midi.instruments.append(instrument)
    return midi


def _ends(notes: Sequence[Note]) -> list[float]:
    """When notes end; one that is struck again ends there at the latest: its note-off would silence the second one."""
    ends = [note.start + note.duration for note in notes]
    following: dict[int, float] = {}
    for place in sorted(range(len(notes)), key=lambda place: notes[place].start, reverse=True):
        note = notes[place]
        if following.get(note.pitch, ends[place]) > note.start:
            ends[place] = min(ends[place], following.get(note.pitch, ends[place]))
        following[note.pitch] = note.start
    return ends
