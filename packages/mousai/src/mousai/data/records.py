"""Metadata of every audio file below a folder, from tables, files beside it, and its tags.

    metadata.jsonl or metadata.csv   rows with `file_name` (Hugging Face audiofolder; both may stand at any depth)
    song.json, song.txt              beside song.wav: an object of fields, or the caption itself
    tags                             of the file: title, artist, album, genre, year, comment

Of one field the first source that has it counts, in this order.
"""

import csv
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mousai.audio.files import READ_SUFFIXES
from mousai.errors import UserError, install_hint
from mousai.storage.file_parts import FilePart

TABLES = ("metadata.jsonl", "metadata.csv")
CAPTION_FIELDS = (
    *("caption", "title", "artist", "album", "genre", "style", "mood", "year", "key", "bpm", "instruments", "lead"),
)
"""Fields that say something about the music; all others, such as `duration` or `seed`, stay out of captions."""
_TAGS = ("title", "artist", "album", "genre", "year", "comment")


@dataclass(frozen=True)
class Record:
    """One audio file.

    Args:
        path: path of the file, or its place in a shard.
        fields: metadata by name: `caption`, `title`, `genre`, `bpm`, ...
    """

    path: Path | FilePart
    fields: Mapping[str, Any]


def song_name(record: Record, folder: Path) -> str:
    """Name of a song: its path below the folder, the same on every system."""
    return record.path.name if isinstance(record.path, FilePart) else record.path.relative_to(folder).as_posix()


def find_records(folder: Path, *, tags: bool = True) -> list[Record]:
    """All audio files below a folder with their metadata, in a fixed order.

    Where a table stands it decides which files of its folder count, as in the Hugging Face audiofolder layout: a file
    that it does not name is left out, one that it names must be there.

    Args:
        folder: folder of audio files, at any depth; hidden files and folders are ignored, and for what else is not
            taken see `mousai.data.skipped`.
        tags: read the files' own tags too (needs tinytag, mousai-music[train]).

    Raises:
        UserError: the folder is missing or holds no audio, or a table or sidecar cannot be read; one line names it.
    """
    if not folder.is_dir():
        raise UserError(folder, hint="no such folder; give a folder of audio files")
    tables = {path.parent: path for name in reversed(TABLES) for path in visible_files(folder, name)}
    rows: dict[Path, dict[str, Any]] = {}
    for parent, table in sorted(tables.items()):
        for line, row in _rows(table):
            path = parent / row.pop("file_name")
            if not path.is_file():
                raise UserError(table, hint=f"{line}: {path} does not exist")
            if path in rows:
                raise UserError(table, hint=f"{line}: {path.name} stands in it a second time; keep one of the rows")
            rows[path] = row
    found = []
    for path in visible_files(folder, "*"):
        if path.suffix.lower() not in READ_SUFFIXES:
            continue
        if not _is_text(path):
            raise UserError(folder, hint=f"the name of {os.fsencode(path)!r} is not UTF-8 text; rename it")
        if path not in rows and any(parent in tables for parent in path.parents):
            continue
        sources = [rows.get(path, {}), _sidecar(path)]
        if tags and path not in rows:
            sources.append(_tags_of(path))
        fields: dict[str, Any] = {}
        for source in sources:
            fields |= {key: value for key, value in source.items() if key not in fields}
        found.append(Record(path, fields))
    if not found:
        raise UserError(folder, hint=f"holds no audio files ({', '.join(READ_SUFFIXES)})")
    return found


def _is_text(path: Path) -> bool:
    """Tell whether the name is text that any file can hold; the names of files on Linux need not be."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def visible_files(folder: Path, pattern: str) -> list[Path]:
    """Files below a folder whose names match, sorted; neither hidden nor in hidden folders."""
    paths = (path for path in folder.rglob(pattern) if path.is_file())
    return sorted(p for p in paths if not any(part.startswith(".") for part in p.relative_to(folder).parts))


def _rows(table: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Place of a row, and the row."""
    rows = _csv_rows(table) if table.suffix == ".csv" else json_rows(table)
    count = 0
    for where, row in rows:
        name = row.get("file_name")
        if not isinstance(name, str) or not name:
            raise UserError(table, hint=f"{where}: needs the key file_name{_hint(table)}")
        check_below(table, where, name)
        count += 1
        yield where, {key: value for key, value in row.items() if value not in (None, "")}
    if not count:
        raise UserError(table, hint="is empty")


def _hint(table: Path) -> str:
    return " (columns are separated by commas, not by semicolons)" if table.suffix == ".csv" else ""


def check_below(table: Path, where: str, name: str) -> None:
    """Make sure that a row's `file_name` leads nowhere but below the folder of its table.

    Raises:
        UserError: it does; names table, row and name.
    """
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise UserError(table, hint=f"{where}: file_name {name!r} must be a path below {table.parent}")


def json_rows(table: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Place and object of every line of a JSON lines file that is not empty.

    Raises:
        UserError: the file is no text, or a line is no object; names both.
    """
    for number, line in enumerate(_text(table).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise UserError(table, hint=f"line {number}: not JSON ({error})") from error
        if not isinstance(row, dict):
            raise UserError(table, hint=f"line {number}: must be an object, found {type(row).__name__}")
        yield f"line {number}", row


def _csv_rows(table: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    reader = csv.DictReader(_text(table).splitlines(), strict=True)
    try:
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


def _text(table: Path) -> str:
    try:
        return table.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(table, hint=f"cannot be read as UTF-8 text: {error}") from error


def _sidecar(path: Path) -> dict[str, Any]:
    for suffix in (".json", ".txt"):
        beside = path.with_suffix(suffix)
        if not beside.is_file():
            continue
        try:
            text = beside.read_text(encoding="utf-8-sig").strip()
            found = json.loads(text) if suffix == ".json" else {"caption": " ".join(text.split())}
        except (OSError, ValueError) as error:
            raise UserError(beside, hint=f"cannot be read: {error}") from error
        if not isinstance(found, dict):
            raise UserError(beside, hint=f"must hold an object, found {type(found).__name__}")
        return {key: value for key, value in found.items() if value not in (None, "")}
    return {}


def _tags_of(path: Path) -> dict[str, Any]:
    try:
        from tinytag import TinyTag, TinyTagException
    except ImportError:
        raise UserError(f"reading the tags of audio files needs tinytag; {install_hint('train')}") from None
    try:
        tags = TinyTag.get(path)
    except (TinyTagException, OSError, ValueError):
        return {}  # whether the file itself is sound is for `mousai data check` to say
    found = {name: getattr(tags, name, None) for name in _TAGS}
    fields: dict[str, Any] = {name: " ".join(str(value).split()) for name, value in found.items() if value}
    # Our own files and the composer's keep the caption in the comment; other programs keep anything there.
    comment = fields.pop("comment", "")
    return fields | ({"caption": comment} if comment and not comment.startswith("{") else {})
