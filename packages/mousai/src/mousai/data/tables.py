"""Rows of metadata tables: JSON lines and CSV.

A line ends with a line feed and nothing else: `str.splitlines` would also break it at characters of titles.
"""

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mousai.errors import UserError
from mousai.storage.json_files import check_letters, read_text

_NOTHING = {"nan", "null", "none", "<na>"}
"""What programs write where there is nothing; compared in lower case."""
_LONGEST = 2**30  # bytes of a table
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
"""Letters that stand between columns in the tables of some programs."""


def table_rows(table: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Place of a row, its `file_name`, and the fields that it states.

    Raises:
        UserError: the table is empty or cannot be read, or a row names no file below the table's folder.
    """
    is_csv = table.suffix.lower() == ".csv"
    count = 0
    for where, row in csv_rows(table, need=["file_name"]) if is_csv else json_rows(table):
        name = row.pop("file_name", None)
        if not isinstance(name, str) or not name:
            raise UserError(table, hint=f"{where}: needs the key file_name")
        check_below(table, where, name)
        count += 1
        yield where, name, known_fields(row)
    if not count:
        raise UserError(table, hint="is empty")


def known_fields(row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a row that say something: neither empty nor what programs write for "nothing" (NaN, null)."""
    found = {}
    for key, value in row.items():
        if isinstance(value, list):
            value = [part for part in value if not _is_nothing(part)] or None
        if not _is_nothing(value):
            found[key] = value
    return found


def _is_nothing(value: Any) -> bool:
    if isinstance(value, str):
        return not value.strip() or value.strip().lower() in _NOTHING
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def check_below(table: Path, where: str, name: str) -> None:
    """Make sure that a row's `file_name` leads nowhere but below the folder of its table.

    Raises:
        UserError: it does; names table, row and name.
    """
    if Path(name).is_absolute() or ".." in Path(name).parts or "\0" in name:
        raise UserError(table, hint=f"{where}: file_name {name!r} must be a path below {table.parent}")


def json_rows(table: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Place and object of every line of a JSON lines file that is not empty.

    Raises:
        UserError: the file is no text, or a line is no object; names both.
    """
    for number, line in enumerate(read_text(table, most=_LONGEST).split("\n"), start=1):
        if line.strip():
            yield f"line {number}", parse_object(table, f"line {number}: ", line)


def csv_rows(table: Path, *, need: Sequence[str] = ()) -> Iterator[tuple[str, dict[str, Any]]]:
    """Place and fields of every row of a CSV file, by the names in its head.

    Args:
        table: the file.
        need: columns that it must have.

    Raises:
        UserError: the file is no text or no CSV, the head has a name twice or lacks one that is needed, or a row has
            more values than the head has names.
    """
    text = io.StringIO(read_text(table, most=_LONGEST), newline="")  # which leaves line breaks in quotes as they are
    reader = csv.DictReader(text, strict=True, skipinitialspace=True)
    try:
        if reader.fieldnames is not None:
            reader.fieldnames = [name.strip() for name in reader.fieldnames]
            if mistake := _mistake_of_head(reader.fieldnames, need):
                raise UserError(table, hint=mistake)
        for number, row in enumerate(reader, start=1):
            if None in row:
                raise UserError(
                    table,
                    hint=f"row {number}: has more values than the head has names (a text that holds commas must "
                    "stand in quotes)",
                )
            yield f"row {number}", dict(row)
    except csv.Error as error:
        raise UserError(table, hint=f"line {reader.line_num}: not CSV ({error})") from error


def _mistake_of_head(names: Sequence[str], need: Sequence[str]) -> str | None:
    """The mistake in the head of a CSV file, if there is one; columns without a name count for nothing."""
    seen: set[str] = set()
    for name in names:
        if name and name in seen:
            return f"has two columns named {name}; rename one of them, or remove it"
        seen.add(name)
    if missing := [name for name in need if name not in seen]:
        found = next((kind for letter, kind in _SEPARATORS.items() if any(letter in name for name in names)), None)
        hint = f" (columns are separated by commas, not by {found})" if found else ""
        return f"has no column {missing[0]}{hint}"
    return None


def parse_object(path: Path, where: str, text: str) -> dict[str, Any]:
    """An object in JSON as other programs write it: with NaN where there is nothing, which `parse_json` refuses.

    Raises:
        UserError: it is no JSON, too deep, or no object; `where` stands before the reason.
    """
    try:
        found = json.loads(text)
        check_letters(text, found)
    except ValueError as error:
        raise UserError(path, hint=f"{where}not JSON ({error})") from error
    except RecursionError:
        raise UserError(path, hint=f"{where}brackets within brackets, too deep to be read") from None
    if not isinstance(found, dict):
        raise UserError(path, hint=f"{where}must be an object, found {type(found).__name__}")
    return found
