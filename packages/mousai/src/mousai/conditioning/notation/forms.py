"""Forms of songs: sections in a row, counted in bars, "intro:4 verse:8 chorus:8 outro:4"."""

import numbers
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mousai.conditioning.controls import SECTIONS
from mousai.conditioning.notation.chord_sequences import BEATS_PER_BAR, Span
from mousai.errors import UserError
from mousai.settings import did_you_mean

LONGEST = 1000
"""Bars that a section may last."""
_PART = re.compile(r"([^:\s]+):(-?[\d.]+)")


@dataclass(frozen=True)
class Form:
    """Sections counted in bars of four beats, the first of which begins at the first downbeat.

    Args:
        sections: (one of `SECTIONS`, bars) in their order.
        written: as the user wrote them.
    """

    sections: tuple[tuple[str, int], ...]
    written: str

    @property
    def bars(self) -> int:
        """Bars of all sections."""
        return sum(bars for _, bars in self.sections)

    def seconds(self, tempo: float) -> float:
        """Length at a tempo in beats per minute."""
        return self.bars * BEATS_PER_BAR * 60 / tempo

    def placed(self, start: float, end: float, *, tempo: float, first_downbeat: float) -> tuple[Span, ...]:
        """Return the sections in seconds; the first begins with the piece, the last goes on to its end.

        Args:
            start: second at which the piece begins.
            end: second at which it ends.
            tempo: beats per minute.
            first_downbeat: second at which the first bar begins.
        """
        bar = BEATS_PER_BAR * 60 / tempo
        counts = [sum(bars for _, bars in self.sections[:place]) for place in range(1, len(self.sections))]
        borders = [start, *(first_downbeat + count * bar for count in counts), end]
        spans = zip(borders, borders[1:], (name for name, _ in self.sections), strict=False)
        return tuple((max(first, start), last, name) for first, last, name in spans if last > max(first, start))


def check_section(given: Any, *, field: str = "section", shown: str | None = None) -> str:
    """Return the name of a section; `UserError` with the nearest where there is none of that name."""
    if not isinstance(given, str) or given not in SECTIONS:
        near = did_you_mean(str(given).lower(), SECTIONS)
        raise UserError(field, shown or given, f"must be one of {', '.join(SECTIONS)}{near}")
    return given


def parse_form(given: Any) -> Form:
    """Read "intro:4 verse:8 chorus:8 outro:4", or pairs [("intro", 4), ("verse", 8)].

    Raises:
        UserError: it is not of that form, names no section, or a number of bars is impossible.
    """
    if isinstance(given, Form):
        return given
    parts: list[tuple[str, Any, str]] = []
    if isinstance(given, str):
        for word in given.replace(",", " ").split():
            found = _PART.fullmatch(word)
            if found is None:
                raise UserError("form", word, 'must be sections with their bars, "intro:4 verse:8 chorus:8 outro:4"')
            parts.append((found[1], int(found[2]) if found[2].isdecimal() else found[2], word))
    elif isinstance(given, Sequence) and all(isinstance(one, Sequence) and len(one) == 2 for one in given):
        parts = [(one[0], one[1], f"{one[0]}:{one[1]}") for one in given]
    else:
        raise UserError("form", given, 'must be sections with their bars, "intro:4 verse:8 chorus:8 outro:4"')
    if not parts:
        raise UserError("form", given, 'names no section; give "intro:4 verse:8 chorus:8 outro:4"')
    sections = []
    for name, bars, word in parts:
        check_section(name, field="form", shown=word)
        if isinstance(bars, bool) or not isinstance(bars, numbers.Integral) or not 1 <= int(bars) <= LONGEST:
            raise UserError("form", word, f"must last 1 to {LONGEST} bars, a whole number")
        sections.append((name, int(bars)))
    return Form(tuple(sections), " ".join(f"{name}:{bars}" for name, bars in sections))
