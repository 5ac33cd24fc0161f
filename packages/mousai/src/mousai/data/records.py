"""Metadata of every audio file below a folder, from tables, files beside it, and its tags.

    metadata.jsonl, metadata.csv     rows with `file_name` (Hugging Face audiofolder; both may stand at any depth)
    song.json, song.txt              beside song.wav: an object of fields, or the caption itself
    tags                             of the file: title, artist, album, genre, year, comment
    annotations.jsonl                of the folder: what `mousai data annotate` estimates; it names no files

The fields of all of them add up. Of one field the first source that has it counts, in this order; of two tables the one
that is nearer to the file.
"""

import os
import struct
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mousai.audio.files import READ_SUFFIXES
from mousai.data.listing import Listing, list_folder, plain, skipped_lines
from mousai.data.tables import known_fields, parse_object, table_rows
from mousai.errors import UserError, install_hint
from mousai.storage.file_parts import FilePart
from mousai.storage.json_files import read_text

TABLES = ("metadata.jsonl", "metadata.csv")
ANNOTATIONS = "annotations.jsonl"
"""Table that `mousai data annotate` writes."""
CAPTION_FIELDS = (
    *("caption", "title", "artist", "album", "genre", "style", "mood", "year", "key", "bpm", "instruments", "lead"),
)
"""Fields that say something about the music; all others, such as `duration` or `seed`, stay out of captions."""
SIDECARS = (".json", ".txt")
"""Endings of files beside a song that tell of it, in any case."""
_LONGEST_SIDECAR = 2**20  # bytes
_LONGEST_TAG = 4096  # characters
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
    """Name of a song: its path below the folder, the same on every system, however that writes accents."""
    if isinstance(record.path, FilePart):
        return record.path.name
    return unicodedata.normalize("NFC", record.path.relative_to(folder).as_posix())


def find_records(folder: Path, *, tags: bool = True, annotations: bool = True) -> list[Record]:
    """All audio files below a folder with their metadata, in a fixed order.

    Where a table stands it decides which files of its folder count, as in the Hugging Face audiofolder layout: a file
    that it does not name is left out, one that it names must be there.

    Args:
        folder: folder of audio files, at any depth, listed by `mousai.data.listing`; for what is not taken see
            `mousai.data.skipped`.
        tags: read the files' own tags too (needs tinytag, mousai-music[train]).
        annotations: read `annotations.jsonl` too.

    Raises:
        UserError: the folder is missing or holds no audio, or a table or sidecar cannot be read; one line names it.
    """
    listing = list_folder(folder)
    tables = tables_of(listing)
    rows = _rows(listing, tables)
    estimates = _estimates(folder) if annotations else {}
    beside: dict[tuple[str, str], list[Path]] = defaultdict(list)
    for path in listing.files:
        if path.suffix.lower() in SIDECARS:
            beside[plain(path.with_suffix("")), path.suffix.lower()].append(path)
    found = []
    for path in listing.audio:
        if not _is_text(path):
            raise UserError(folder, hint=f"the name of {os.fsencode(path)!r} is not UTF-8 text; rename it")
        if path not in rows and any(parent in tables for parent in path.parents):
            continue
        fields = dict(rows.get(path, {}))
        for suffix in SIDECARS:
            for one in beside[plain(path.with_suffix("")), suffix]:
                _add(fields, _sidecar(one))
        if tags and path not in rows:
            _add(fields, _tags_of(path))
        record = Record(path, fields)
        _add(fields, estimates.get(song_name(record, folder), {}))
        found.append(record)
    if not found:
        why = "".join(f"; {line}" for line in skipped_lines(listing))
        raise UserError(folder, hint=f"holds no audio files ({', '.join(READ_SUFFIXES)}){why}")
    return found


def tables_of(listing: Listing) -> dict[Path, list[Path]]:
    """Tables of a folder by the folder in which they stand, in the order in which they count."""
    found: dict[Path, list[Path]] = defaultdict(list)
    for name in TABLES:
        for path in listing.files:
            if path.name.lower() == name:
                found[path.parent].append(path)
    return dict(found)


def _rows(listing: Listing, tables: Mapping[Path, list[Path]]) -> dict[Path, dict[str, Any]]:
    rows: dict[Path, dict[str, Any]] = {}
    for parent in sorted(tables, key=lambda path: (-len(path.parts), path)):  # the nearest table counts first
        for table in tables[parent]:
            named: set[Path] = set()
            for where, name, fields in table_rows(table):
                path = listing.found(parent / name) or parent / name
                if not os.path.isfile(path):
                    raise UserError(table, hint=f"{where}: {path} does not exist")
                if path in named:
                    raise UserError(
                        table, hint=f"{where}: {path.name} stands in it a second time; keep one of the rows"
                    )
                named.add(path)
                _add(rows.setdefault(path, {}), fields)
    return rows


def _estimates(folder: Path) -> dict[str, dict[str, Any]]:
    """Estimated fields by song; those of a song that is gone count for nothing."""
    table = folder / ANNOTATIONS
    if not table.is_file():
        return {}
    rows = {name: fields for _, name, fields in table_rows(table)}
    own = ("annotator", "size", "confidence")
    return {name: {key: value for key, value in fields.items() if key not in own} for name, fields in rows.items()}


def _add(fields: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        fields.setdefault(key, value)


def _is_text(path: Path) -> bool:
    """Tell whether the name is text that any file can hold; the names of files on Linux need not be."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def _sidecar(path: Path) -> dict[str, Any]:
    text = read_text(path, most=_LONGEST_SIDECAR)
    if path.suffix.lower() == ".json":
        return known_fields(parse_object(path, "", text))
    return known_fields({"caption": " ".join(text.split())})


def _tags_of(path: Path) -> dict[str, Any]:
    try:
        from tinytag import TinyTag, TinyTagException
    except ImportError:
        raise UserError(f"reading the tags of audio files needs tinytag; {install_hint('train')}") from None
    try:
        tags = TinyTag.get(path)
    except (TinyTagException, OSError, ValueError, LookupError, ArithmeticError, RecursionError, struct.error):
        return {}  # a damaged tag; whether the file itself is sound is for `mousai data check` to say
    found = {name: getattr(tags, name, None) for name in _TAGS}
    fields: dict[str, Any] = {name: " ".join(str(value).split()) for name, value in found.items() if value}
    fields = {name: value for name, value in known_fields(fields).items() if len(value) <= _LONGEST_TAG}
    # Our own files and the composer's keep the caption in the comment; other programs keep anything there.
    comment = fields.pop("comment", "")
    return fields | ({"caption": comment} if comment and not comment.startswith("{") else {})
