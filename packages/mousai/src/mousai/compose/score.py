"""What the pattern generators read and write: bars with chords in, notes in beats out."""

from dataclasses import dataclass
from random import Random

from .theory import Chord


@dataclass(frozen=True, slots=True)
class BeatNote:
    """A note before it is performed: start and length in beats from the start of the song."""

    start: float
    length: float
    pitch: int
    velocity: float


@dataclass(frozen=True, slots=True)
class Span:
    """A chord that sounds from `start` for `length` beats, counted from its bar line."""

    start: float
    length: float
    chord: Chord


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One bar of the form.

    `roles` are the layers that play in it; `motif` and `phrase_bar` (0..3) tell the melody where it is; `fill` asks the
    drums for a fill at the bar's end, `crash` for a cymbal at its start; `final` marks the last bar, one held tonic.
    """

    index: int
    beats: int
    section: str
    section_start: bool
    phrase_bar: int
    roles: frozenset[str]
    intensity: float
    spans: tuple[Span, ...]
    fill: bool
    crash: bool
    final: bool

    @property
    def start(self) -> int:
        """Beat of the bar line."""
        return self.index * self.beats

    def chord_at(self, beat: float) -> Chord:
        """The chord `beat` beats after the bar line."""
        found = self.spans[0].chord
        for span in self.spans:
            if span.start <= beat + 1e-6:
                found = span.chord
        return found


def stream(seed: int, label: str) -> Random:
    """A random generator of its own for every purpose, the same on every machine (str seeds go through SHA-512)."""
    return Random(f"mousai.compose/1/{seed}/{label}")
