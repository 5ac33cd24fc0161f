"""Text and JSON of files that may be a stranger's: regular files of bounded size, bounded depth, no key twice."""

import json
import math
import os
import stat
from collections.abc import Iterator
from os import PathLike
from typing import Any, BinaryIO, NoReturn

from mousai.errors import UserError

MOST_BYTES = 16 * 2**20
"""Size of a text file, in bytes, that is read unless a caller says otherwise; the paper's largest config has 5,000."""
MOST_DEPTH = 64
"""Depth of objects and lists inside each other; the deepest file of this library has 6."""
_MOST_DIGITS = 40  # transformers writes 31 of them for a length without bound


def read_text(path: str | PathLike[str], *, most: int = MOST_BYTES, error: type[UserError] = UserError) -> str:
    """Read a text file in UTF-8.

    Args:
        path: a regular file or a link to one; a pipe would hang, and a device such as /dev/zero fill the memory.
        most: size that it may have, in bytes.
        error: class of the errors.

    Raises:
        UserError: it is missing, cannot be read, is no regular file, is larger, or is no text; one line that names it.
    """
    with open_regular(path, error=error) as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise error(path, hint=f"has {size} bytes; such a file has {most} at most")
        try:
            data = file.read(most + 1)
        except OSError as reason:
            raise error(path, hint=f"cannot be read: {reason.strerror}") from reason
    if len(data) > most:  # of a file that grows, or whose size is not told, as in /proc
        raise error(path, hint=f"has more than {most} bytes, which such a file has at most")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as reason:
        raise error(path, hint=f"is no text in UTF-8 (byte {reason.start})") from reason


def open_regular(path: str | PathLike[str], *, error: type[UserError] = UserError) -> BinaryIO:
    """Open a regular file, or a link to one, for reading; a pipe does not make it wait.

    Raises:
        UserError: it is missing, cannot be read, or is a folder, a pipe or a device; one line that names it.
    """
    try:
        # Not blocking, because the opening of a pipe would wait for somebody who writes.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except OSError as reason:
        raise error(path, hint=f"cannot be read: {reason.strerror}") from reason
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise error(path, hint="cannot be read: it is a folder, a pipe or a device, no regular file")
    return os.fdopen(descriptor, "rb")


def read_json(
    path: str | PathLike[str], *, most: int = MOST_BYTES, error: type[UserError] = UserError
) -> dict[str, Any]:
    """Read a JSON object.

    Args:
        path: see `read_text`.
        most: size that it may have, in bytes.
        error: class of the errors.

    Raises:
        UserError: see `read_text`; or it is no JSON as `parse_json` takes it, or no object.
    """
    text = read_text(path, most=most, error=error)
    try:
        found = parse_json(text)
    except ValueError as reason:
        raise error(path, hint=f"is not JSON: {reason}") from reason
    if not isinstance(found, dict):
        raise error(path, hint=f"must hold a JSON object, found {type(found).__name__}")
    return found


def parse_json(text: str | bytes) -> Any:
    """Parse JSON more strictly than `json.loads`.

    Raises:
        ValueError: it is no JSON, an object has a key twice, a number has more than 20 digits, is infinite or NaN, or
            lists and objects lie more than `MOST_DEPTH` deep inside each other.
    """
    try:
        found = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_whole_number,
            parse_float=_number,
            parse_constant=_refused,
        )
    except RecursionError:
        raise ValueError(f"lists and objects lie more than {MOST_DEPTH} deep inside each other") from None
    level: list[Any] = [found]
    for _ in range(MOST_DEPTH):
        level = [below for one in level for below in _below(one)]
        if not level:
            check_letters(text, found)
            return found
    raise ValueError(f"lists and objects lie more than {MOST_DEPTH} deep inside each other")


def check_letters(text: str | bytes, found: Any) -> None:
    """Raise ValueError where JSON holds half of a character, as `"\\ud800"` alone is, which no file takes.

    Args:
        text: JSON.
        found: what it stands for.
    """
    if (b"\\ud" if isinstance(text, bytes) else "\\ud") in text.lower():  # type: ignore[operator]
        try:
            json.dumps(found, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("a text holds half of a character, such as \\ud800 alone") from None


def json_lines(text: str) -> Iterator[tuple[int, Any]]:
    """Parse JSON lines: number of the line, from 1, and what it holds; empty lines are left out.

    Only "\\n" ends a line: JSON may hold the other characters that Python takes for ends of lines.

    Raises:
        ValueError: a line is no JSON, see `parse_json`; names its number.
    """
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield number, parse_json(line)
            except ValueError as reason:
                raise ValueError(f"line {number}: {reason}") from reason


def _below(one: Any) -> list[Any]:
    values = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
    return [value for value in values if isinstance(value, dict | list)]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in found if keys.count(key) > 1)
        raise ValueError(f"the key {twice[:80]!r} stands twice in one object")
    return found


def _whole_number(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


def _number(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"the number {digits[:40]} is too large")
    return value


def _refused(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON")
