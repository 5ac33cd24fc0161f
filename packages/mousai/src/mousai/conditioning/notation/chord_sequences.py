"""Chords in a row: bars of a lead sheet that repeat, or chords with their seconds."""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from mousai.conditioning.notation.chord_symbols import read_symbol
from mousai.errors import UserError

BEATS_PER_BAR = 4
SHORTEST, LONGEST = Fraction(1, 16), Fraction(1000)
"""Bars that a chord may last."""
Span = tuple[float, float, str]

_SEPARATORS = re.compile(r"(?:\s|,(?![^()]*\)))+")
_LENGTH = re.compile(r"(.*):(-?(?:\d+(?:\.\d*)?|\.\d+)(?:/\d+)?)")
_EITHER = re.compile(r"([A-G](?:#{0,2}|b{0,2})):([579])(/\d+)?")
_EXAMPLE = '"Am F C G" (a bar each), "Am:2 F:2" (bars), "Am | F G" (bar lines)'


@dataclass(frozen=True)
class BarChords:
    """Chords counted in bars of four beats, repeated to the end of the piece.

    Args:
        chords: (bars, label in Harte's syntax) in their order.
        written: as the user wrote them.
    """

    chords: tuple[tuple[Fraction, str], ...]
    written: str

    def placed(self, start: float, end: float, *, tempo: float, first_downbeat: float) -> tuple[Span, ...]:
        """Return the chords in seconds, from `start` to `end` without a gap.

        Args:
            start: second at which the piece begins.
            end: second at which it ends.
            tempo: beats per minute.
            first_downbeat: second at which the first chord begins; they are repeated before it too.
        """
        bar = BEATS_PER_BAR * 60 / tempo
        total = sum(bars for bars, _ in self.chords)
        turn = math.floor((start - first_downbeat) / (float(total) * bar))
        placed: list[Span] = []
        at = total * turn  # bars after the first downbeat
        while first_downbeat + float(at) * bar < end:
            for bars, label in self.chords:
                first = first_downbeat + float(at) * bar
                at += bars
                last = first_downbeat + float(at) * bar
                if max(first, start) < min(last, end) - 1e-9:
                    placed.append((max(first, start), min(last, end), label))
        return tuple(placed)


@dataclass(frozen=True)
class TimedChords:
    """Chords with their seconds; between them may be gaps without one.

    Args:
        chords: (start, end, label in Harte's syntax) in the order of time; an end that is infinite is the piece's.
        written: as the user wrote them.
    """

    chords: tuple[Span, ...]
    written: str

    def placed(self, start: float, end: float) -> tuple[Span, ...]:
        """Return the chords of a piece that lasts from `start` to `end`, the last one cut where the piece ends.

        Raises:
            UserError: a chord begins before the piece or after it.
        """
        for first, _, label in self.chords:
            if first < start - 1e-9:
                raise UserError("chords", hint=f"{label} begins at {first:g} s, before the piece, at {start:g} s")
            if first >= end:
                hint = f"{label} begins at {first:g} s, after the end of the piece, at {end:g} s; give fewer chords"
                raise UserError("chords", hint=hint)
        return tuple((first, min(last, end), label) for first, last, label in self.chords)


def parse_bars(text: str) -> BarChords:
    """Read bars of chords: "Am F C G", "Am:2 F:1/2 G:1.5", "| Am | F G | % |".

    Without bar lines each chord lasts a bar, or as many as stand after its colon. Between bar lines the chords of a bar
    share it equally. `%` is the bar before once more. Symbols are those of `read_symbol`.

    Raises:
        UserError: a name is no chord (with the nearest that is one), or a length is impossible.
    """
    measures = _measures(text) if "|" in text else [[_token(token)] for token in _tokens(text)]
    if not measures:
        raise UserError("chords", text, f"holds no chord; give bars such as {_EXAMPLE}")
    chords: list[tuple[Fraction, str]] = []
    before: list[tuple[Fraction, str]] = []
    for measure in measures:
        if measure == [(Fraction(1), "%")]:
            if not before:
                raise UserError("chords", text, "begins with %, which repeats the bar before; give a chord first")
        else:
            before = [(bars, _read(symbol)) for bars, symbol in measure]
        chords += before
    return BarChords(tuple(chords), " ".join(text.split()))


def timed_chords(events: Sequence[tuple[Any, Any]], *, written: str | None = None) -> TimedChords:
    """Chords by the seconds at which they begin, JASCO's form: [("Am", 0.0), ("F", 2.0)]; each lasts to the next.

    Raises:
        UserError: an event is no such pair, a name is no chord, or the times do not rise.
    """
    starts: list[float] = []
    labels: list[str] = []
    for event in events:
        if not isinstance(event, Sequence) or isinstance(event, str) or len(event) != 2:
            raise UserError("chords", event, 'must be a chord and the second at which it begins, such as ("Am", 0.0)')
        symbol, start = event
        if not isinstance(symbol, str):
            raise UserError("chords", event, 'must begin with the name of a chord, such as ("Am", 0.0)')
        if isinstance(start, bool) or not hasattr(start, "__float__") or not math.isfinite(float(start)):
            raise UserError("chords", event, 'must end in a number of seconds, such as ("Am", 0.0)')
        if starts and float(start) <= starts[-1]:
            raise UserError("chords", event, f"must begin after the chord before it, at {starts[-1]:g} s")
        starts.append(float(start))
        labels.append(_read(symbol))
    if not starts:
        raise UserError("chords", hint=f'holds no chord; give [("Am", 0.0), ("F", 2.0)] or {_EXAMPLE}')
    ends = [*starts[1:], math.inf]
    stored = json.dumps([[symbol, float(start)] for symbol, start in events], separators=(",", ":"))
    return TimedChords(tuple(zip(starts, ends, labels, strict=True)), stored if written is None else written)


def _read(symbol: str) -> str:
    try:
        return read_symbol(symbol)
    except ValueError as error:
        raise UserError("chords", symbol, str(error)) from None


def _tokens(text: str) -> list[str]:
    return [token for token in _SEPARATORS.split(text) if token]


def _measures(text: str) -> list[list[tuple[Fraction, str]]]:
    """The bars between bar lines, each with its chords and their equal shares of it."""
    measures = []
    for measure in text.replace("||", "|").strip().strip("|").split("|"):
        tokens = _tokens(measure)
        if not tokens:
            raise UserError("chords", text, "has a bar without a chord; write N.C. for none, % for the bar before")
        for token in tokens:
            if (length := _LENGTH.fullmatch(token)) and not _EITHER.fullmatch(token):
                hint = f"has bar lines and a length, {token}; give one of the two: | {length[1]} |, or no bar lines"
                raise UserError("chords", text, hint)
            if token == "%" and len(tokens) > 1:
                raise UserError(
                    "chords", measure.strip(), "% repeats the whole bar before; write out this bar's chords"
                )
        measures.append([(Fraction(1, len(tokens)), token) for token in tokens])
    return measures


def _token(token: str) -> tuple[Fraction, str]:
    """The bars of a chord, and the chord."""
    if either := _EITHER.fullmatch(token):
        root, number, more = either[1], either[2], either[3] or ""
        hint = f"may be the chord {root}{number}{more} or {number}{more} bars of {root}; write {root}{number}{more}"
        raise UserError("chords", token, f"{hint}, or {root}maj:{number}{more}")
    found = _LENGTH.fullmatch(token)
    if found is None:
        return Fraction(1), token
    try:
        bars = Fraction(found[2]) if "/" not in found[2] else _quotient(found[2])
    except ZeroDivisionError:
        bars = Fraction(0)
    if not SHORTEST <= bars <= LONGEST:
        raise UserError("chords", token, f"must last 1/16 to {LONGEST} bars")
    return bars, found[1]


def _quotient(text: str) -> Fraction:
    above, _, below = text.partition("/")
    return Fraction(above) / Fraction(below)
