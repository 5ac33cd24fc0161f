"""Data that the pattern generators read and write: bars with chords in, notes in beats out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from ..theory import Chord, Key

DRUMMING = ("groove", "half", "build")
"""Ways in which the drums play a bar: the groove, at half time, or a roll that grows."""


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

    `place` counts the bars of its section from 0 and `left` those that follow in it; `visit` numbers the sections of
    one name. `roles` are the layers that play. `drums` says how the drums play (`DRUMMING`), `fill` asks for a fill at
    the bar's end, `crash` for a cymbal at its start; `stop` is how many beats at its end are silent. `final` marks the
    last bar, one tonic that is held for `hold` beats.
    """

    index: int
    beats: int
    key: Key
    section: str
    place: int
    left: int
    visit: int
    roles: tuple[str, ...]
    intensity: float
    spans: tuple[Span, ...]
    fill: bool
    crash: bool
    final: bool
    drums: str = "groove"
    stop: float = 0.0
    hold: float = 0.0

    @property
    def start(self) -> int:
        """Beat of the bar line."""
        return self.index * self.beats

    @property
    def section_start(self) -> bool:
        """Tell whether a section begins here."""
        return self.place == 0

    @property
    def phrase_bar(self) -> int:
        """Place in the phrase of four bars, 0..3; a shorter last phrase ends on 3."""
        return 3 if self.left == 0 else self.place % 4

    def chord_at(self, beat: float) -> Chord:
        """The chord `beat` beats after the bar line."""
        found = self.spans[0].chord
        for span in self.spans:
            if span.start <= beat + 1e-6:
                found = span.chord
        return found


def silenced(notes: Sequence[BeatNote], bars: Sequence[Bar], *, pick_ups: bool) -> list[BeatNote]:
    """The notes with the silences (`Bar.stop`) cut out; with `pick_ups` what begins in a silence is kept."""
    silences = [(bar.start + bar.beats - bar.stop, bar.start + bar.beats) for bar in bars if bar.stop]
    kept: list[BeatNote] = []
    for note in notes:
        length = note.length
        for begin, end in silences:
            if note.start < begin < note.start + length:
                length = begin - note.start
            elif not pick_ups and begin <= note.start < end:
                length = 0.0
        if length > 0:
            kept.append(note if length == note.length else replace(note, length=length))
    return kept


def stream(seed: int, label: str) -> Random:
    """A random generator of its own for every purpose, the same on every machine (str seeds go through SHA-512)."""
    return Random(f"mousai.compose/1/{seed}/{label}")
