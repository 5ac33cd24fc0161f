"""Controls: chords, melody and sections along a piece, as a user writes them and as a song's annotation tells them."""

import numbers
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from mousai.conditioning.chord_labels import parse_label
from mousai.errors import UserError

T = TypeVar("T")

SECTIONS = ("intro", "verse", "chorus", "break", "outro")
"""Sections that a piece is made of."""


@dataclass(frozen=True, kw_only=True)
class Controls:
    """Chords, melody and sections of one piece; `None` is not told, an empty tuple is told to be none.

    Args:
        chords: (start, end, label in Harte's syntax) in the order of time, seconds of the piece; `N` is no chord.
        melody: (start, end, MIDI pitch) of every note of the tune.
        sections: (start, end, one of `SECTIONS`) in the order of time.

    Raises:
        UserError: times run backwards, a label or section is unknown, or a pitch is none.
    """

    chords: tuple[tuple[float, float, str], ...] | None = None
    melody: tuple[tuple[float, float, int], ...] | None = None
    sections: tuple[tuple[float, float, str], ...] | None = None

    def stretched(self, factor: float) -> "Controls":
        """Return the same in a time that runs otherwise: every second is multiplied by `factor`."""
        return Controls(
            chords=_stretched(self.chords, factor),
            melody=_stretched(self.melody, factor),
            sections=_stretched(self.sections, factor),
        )

    def __post_init__(self) -> None:
        """Check every event."""
        for start, end, label in _timed("chords", self.chords or ()):
            if not isinstance(label, str):
                raise UserError("chords", (start, end, label), "must end in a label, a text such as 'A:min7'")
            try:
                parse_label(label)
            except ValueError as error:
                raise UserError("chords", (start, end, label), str(error)) from error
        for start, end, pitch in _timed("melody", self.melody or ()):
            if isinstance(pitch, bool) or not isinstance(pitch, numbers.Integral) or not 0 <= int(pitch) <= 127:
                raise UserError("melody", (start, end, pitch), "must end in a MIDI pitch, 0 to 127")
        for start, end, name in _timed("sections", self.sections or ()):
            if name not in SECTIONS:
                raise UserError("sections", (start, end, name), f"must end in one of {', '.join(SECTIONS)}")


def _stretched(
    events: tuple[tuple[float, float, T], ...] | None, factor: float
) -> tuple[tuple[float, float, T], ...] | None:
    return None if events is None else tuple((start * factor, end * factor, what) for start, end, what in events)


def _timed(field: str, events: Iterable[tuple[float, float, Any]]) -> Iterable[tuple[float, float, Any]]:
    for event in events:
        start, end, _ = event
        if not start < end:
            raise UserError(field, event, "must begin before it ends")
        yield event
