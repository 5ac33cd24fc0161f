"""Values for what happens when in a song. Times are seconds from its start; pitch classes are 0 (C) to 11 (B)."""

import math
from dataclasses import dataclass
from itertools import pairwise

from .harte import notes_of, spell_label


@dataclass(frozen=True, slots=True)
class TempoMap:
    """Tempo along a song: (second, beats per minute) of every change; the first is at second 0, where beat 0 is.

    Each tempo holds until the next change. A steady song has one entry.
    """

    changes: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        """Raise ValueError unless times begin at 0 and rise, and tempos are above 0."""
        times = [second for second, _ in self.changes]
        if not times or times[0] != 0 or any(a >= b for a, b in pairwise(times)):
            raise ValueError(f"changes are at {times} s; times that begin at 0 and rise would do")
        if not all(math.isfinite(bpm) and bpm > 0 for _, bpm in self.changes):
            raise ValueError(f"changes are {self.changes}; tempos above 0 bpm would do")

    @classmethod
    def from_beats(cls, changes: tuple[tuple[float, float], ...]) -> "TempoMap":
        """The map whose tempos begin at beats: (beat, beats per minute), the first at beat 0."""
        found: list[tuple[float, float]] = []
        second = last = 0.0
        for beat, bpm in changes:
            second += (beat - last) * (60.0 / found[-1][1]) if found else beat
            found.append((second, float(bpm)))
            last = beat
        return cls(tuple(found))

    @property
    def steady(self) -> bool:
        """Whether the tempo never changes."""
        return len({bpm for _, bpm in self.changes}) == 1

    def bpm_at(self, second: float) -> float:
        """Beats per minute at a second."""
        return next(bpm for start, bpm in reversed(self.changes) if start <= max(second, 0.0))

    def seconds_at(self, beat: float) -> float:
        """The second of a beat, which need not be a whole number."""
        first = 0.0
        for (start, bpm), (end, _) in pairwise(self.changes):
            last = first + (end - start) * bpm / 60.0
            if beat < last:
                return start + (beat - first) * (60.0 / bpm)
            first = last
        start, bpm = self.changes[-1]
        return start + (beat - first) * (60.0 / bpm)


@dataclass(frozen=True, slots=True, kw_only=True)
class BarTime:
    """A bar, from its bar line to the next one or to the song's end, and the seconds of its beats, the first its start.

    The last bar of a song may be cut short, and then lacks the beats that the cut took.
    """

    start: float
    end: float
    beats: tuple[float, ...]
    section: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChordSpan:
    """A chord that sounds from `start` to `end`.

    `root` is a pitch class, or None where no chord is; `quality` is Harte's (`mousai.compose.annotations.harte`);
    `bass` is the pitch class that the bass plays as the chord begins, None where it does not play.
    """

    start: float
    end: float
    root: int | None
    quality: str
    bass: int | None = None

    @property
    def label(self) -> str:
        """The chord in Harte's syntax: `A:min7/b3`."""
        return spell_label(self.root, self.quality, self.bass)

    @property
    def pitch_classes(self) -> frozenset[int]:
        """Its notes, without a bass that is none of them."""
        return frozenset() if self.root is None else frozenset((self.root + n) % 12 for n in notes_of(self.quality))


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionSpan:
    """A section: intro, verse, chorus, bridge, break or outro."""

    start: float
    end: float
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySpan:
    """A key, such as `A minor`, and its exact mode (major, minor, dorian, mixolydian)."""

    start: float
    end: float
    key: str
    mode: str
