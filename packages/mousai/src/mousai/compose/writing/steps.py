"""Rhythms written as strings, one character for a sixteenth note (a quarter of a beat).

`.` is a rest, `-` holds the note before it; every other character starts a note and says which: in drum and chord
rhythms `x` is normal, `X` accented and `o` soft, `r` is a roll of two thirty-seconds; bass lines name the chord tone
(see `mousai.compose.writing.bass`). A string of several bars runs on through them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

STEPS_PER_BEAT = 4
ACCENTS: dict[str, float] = {"X": 1.18, "x": 1.0, "o": 0.66, "r": 0.8}
"""Velocity factor of the characters of a rhythm (1.0 for characters not listed)."""


@dataclass(frozen=True, slots=True)
class Step:
    """A note of a rhythm: start and length in beats, and its character."""

    start: float
    length: float
    symbol: str

    @property
    def accent(self) -> float:
        """Velocity factor."""
        return ACCENTS.get(self.symbol, 1.0)


@lru_cache(maxsize=1024)
def parse(pattern: str) -> tuple[Step, ...]:
    """Read a rhythm string."""
    found: list[Step] = []
    position = 0
    while position < len(pattern):
        if pattern[position] in ".-":
            position += 1
            continue
        end = position + 1
        while end < len(pattern) and pattern[end] == "-":
            end += 1
        found.append(Step(position / STEPS_PER_BEAT, (end - position) / STEPS_PER_BEAT, pattern[position]))
        position = end
    return tuple(found)


def bar_of(pattern: str, index: int, beats: int) -> str:
    """The part of a rhythm that falls into bar `index` of `beats` beats, the pattern being repeated.

    Raises ValueError for a pattern that is not a whole number of bars.
    """
    size = beats * STEPS_PER_BEAT
    if not pattern or len(pattern) % size:
        raise ValueError(f"pattern {pattern!r} has {len(pattern)} steps; a multiple of {size} would do")
    start = index * size % len(pattern)
    return pattern[start : start + size]


def steps_in_bar(pattern: str, index: int, beats: int) -> Iterator[Step]:
    """The notes of a rhythm in bar `index`, starts counted from the bar line."""
    yield from parse(bar_of(pattern, index, beats))
