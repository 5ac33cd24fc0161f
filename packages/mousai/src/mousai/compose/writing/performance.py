"""From the beats on paper to the seconds of a performance."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from ..styles import Style
from .score import BeatNote
from .tempo import TempoMap


@dataclass(frozen=True, slots=True)
class Note:
    """A note as performed: start and duration in seconds, MIDI pitch and velocity (1..127)."""

    start: float
    duration: float
    pitch: int
    velocity: int


def swung(beat: float, swing: float, unit: float) -> float:
    """Position of a beat once the second half of every `unit` beats starts at `swing` of it instead of a half."""
    whole, place = divmod(beat, unit)
    place /= unit
    moved = 2 * place * swing if place < 0.5 else swing + (2 * place - 1) * (1 - swing)
    return (whole + moved) * unit


def perform(
    raw: Sequence[BeatNote],
    style: Style,
    tempo: TempoMap,
    duration: float,
    shift: int,
    rng: Random,
    top: int = 108,
) -> tuple[Note, ...]:
    """Beats to seconds with swing and a little human looseness; `shift` semitones up, then by octaves into 24..top."""
    notes: list[Note] = []
    for note in sorted(raw, key=lambda n: (n.start, n.pitch)):
        start = tempo.seconds(swung(note.start, style.swing, style.swing_unit))
        end = tempo.seconds(swung(note.start + note.length, style.swing, style.swing_unit))
        late = min(max(rng.gauss(0.0, style.loose), -2 * style.loose), 2 * style.loose)
        loud = min(max(round(note.velocity * rng.uniform(0.93, 1.07)), 1), 127)
        start = max(start + late, 0.0)
        end = min(max(end + late, start + 0.03), duration)
        if start >= duration - 0.05:
            continue
        pitch = note.pitch + shift
        while pitch > top:
            pitch -= 12
        while pitch < 24:
            pitch += 12
        notes.append(Note(start, end - start, pitch, loud))
    return tuple(notes)
