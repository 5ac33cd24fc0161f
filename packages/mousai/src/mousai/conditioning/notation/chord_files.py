"""Chords of a piece from what a user gives: bars, pairs, or a file (.lab of mir_eval, .json and .jams)."""

import os
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from mousai.conditioning.notation.chord_sequences import BarChords, TimedChords, parse_bars, timed_chords
from mousai.conditioning.notation.chord_symbols import read_symbol
from mousai.errors import UserError, clipped, is_finite
from mousai.storage.json_files import parse_json, read_text

LAB_SUFFIXES, JSON_SUFFIXES = (".lab",), (".json", ".jams")
JAMS_NAMESPACES = ("chord", "chord_harte")
_LONGEST = 4_000_000  # bytes of a file of chords


def read_chords(given: Any) -> BarChords | TimedChords:
    """Read chords from what a user gives.

    Args:
        given: bars ("Am F C G", see `parse_bars`), a list of symbols, one a bar; [("Am", 0.0), ("F", 2.0)], see
            `timed_chords`, or the same as JSON; a path that ends in .lab (start, end and label a line, as mir_eval
            reads them), .json or .jams (the first annotation of namespace `chord`, or a list of such pairs).

    Raises:
        UserError: it is none of these, there is no chord in it, or a name is no chord.
    """
    if isinstance(given, BarChords | TimedChords):
        return given
    if isinstance(given, PathLike) or (isinstance(given, str) and _suffix(given)):
        return _file(Path(given))
    if isinstance(given, str):
        if Path(given).suffix and os.path.isfile(given):  # False too for a text that is too long for a name
            raise UserError("chords", given, "must be a file that ends in .lab, .json or .jams")
        return _pairs(given) if given.lstrip().startswith("[") else parse_bars(given)
    if isinstance(given, Sequence) and not isinstance(given, bytes):
        if given and all(isinstance(one, str) for one in given):
            return parse_bars(" ".join(given))
        return timed_chords(given)
    raise UserError("chords", type(given).__name__, 'must be bars ("Am F C G"), pairs [("Am", 0.0)] or a path')


def _suffix(text: str) -> str:
    suffix = Path(text.strip()).suffix.lower()
    return suffix if suffix in (*LAB_SUFFIXES, *JSON_SUFFIXES) else ""


def _pairs(text: str) -> TimedChords:
    try:
        found = parse_json(text)
    except ValueError:
        raise UserError("chords", text, 'is no JSON list; give [["Am", 0], ["F", 2]]') from None
    return timed_chords(found)


def _file(path: Path) -> TimedChords:
    suffix = _suffix(str(path))
    if not suffix:
        raise UserError("chords", path, "must be a file that ends in .lab, .json or .jams")
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise UserError("chords", path, "no such file") from None
    except OSError as error:
        raise UserError(path, hint=f"cannot be read: {error.strerror}") from None
    text = read_text(path, most=_LONGEST)
    return _lab(path, text) if suffix in LAB_SUFFIXES else _json(path, text)


def _lab(path: Path, text: str) -> TimedChords:
    events = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split(maxsplit=2)
        if not words or line.lstrip().startswith("#"):
            continue
        try:
            start, end = (float(word) for word in words[:2])
            label = words[2].strip()
        except (ValueError, IndexError):
            hint = f"line {number}: {line.strip()[:60]!r} is no start, end and label, such as 0.0 2.0 A:min"
            raise UserError(path, hint=hint) from None
        events.append((f"line {number}", start, end, label))
    return _checked(path, events)


def _json(path: Path, text: str) -> TimedChords:
    try:
        found = parse_json(text)
    except ValueError as error:
        raise UserError(path, hint=f"is no JSON: {error}") from None
    if isinstance(found, list):
        try:
            return timed_chords(found, written=str(path))
        except UserError as error:
            shown = "" if error.value is None else f"{clipped(repr(error.value))} "
            raise UserError(path, hint=f"{shown}{error.hint}") from None
    annotations = found.get("annotations") if isinstance(found, dict) else None
    if not isinstance(annotations, list):
        raise UserError(path, hint='holds neither pairs [["Am", 0.0], ["F", 2.0]] nor the annotations of a JAMS file')
    chords = [one for one in annotations if isinstance(one, dict) and one.get("namespace") in JAMS_NAMESPACES]
    if not chords:
        raise UserError(path, hint="holds no annotation of the namespace chord")
    observations = chords[0].get("data")
    events = []
    for number, one in enumerate(observations if isinstance(observations, list) else [None]):
        try:
            start, seconds = float(one["time"]), float(one["duration"])
            label = str(one["value"])
        except (TypeError, KeyError, ValueError):
            raise UserError(path, hint=f"chord {number + 1} has no time, duration and value") from None
        events.append((f"chord {number + 1}", start, start + seconds, label))
    return _checked(path, events)


def _checked(path: Path, events: Sequence[tuple[str, float, float, str]]) -> TimedChords:
    """Chords of a file: (where it stands, start, end, symbol or label), in the order of time."""
    spans: list[tuple[float, float, str]] = []
    for where, start, end, symbol in events:
        if not (is_finite(start) and is_finite(end) and start < end):
            raise UserError(path, hint=f"{where}: {start:g} to {end:g} s is no stretch of time")
        if spans and start < spans[-1][1] - 1e-3:
            raise UserError(path, hint=f"{where}: begins at {start:g} s, before the end of the one above it")
        try:
            label = read_symbol(symbol)
        except ValueError as error:
            raise UserError(path, hint=f"{where}: {symbol!r} {error}") from None
        spans.append((max(start, spans[-1][1]) if spans else start, end, label))
    if not spans:
        raise UserError(path, hint="holds no chord")
    return TimedChords(tuple(spans), str(path))
