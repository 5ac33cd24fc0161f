"""Marks of files: text that changes when a file does, without reading all of it."""

import hashlib
import os
from pathlib import Path

from mousai.storage.file_parts import FilePart

_END = 65536  # bytes that are read of the head and of the tail


def content_mark(path: Path) -> str:
    """Size of a file, and a hash of its head and its tail: the same for a copy of it.

    Raises:
        OSError: it cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        for place in (0, max(0, size - _END)):
            file.seek(place)
            digest.update(file.read(_END))
    return f"{size}-{digest.hexdigest()[:16]}"


def file_mark(path: Path | FilePart) -> str:
    """The same with the time of the last change, so that a change in the middle is noticed too.

    Of a part of a file, such as a song in a shard that may lie elsewhere, place and size are the mark; a shard of other
    songs has them at other places.

    Raises:
        OSError: it cannot be read.
    """
    if isinstance(path, FilePart):
        return f"{path.size}-{path.start}-"
    return f"{content_mark(path)}-{path.stat().st_mtime_ns}"


def without_time(mark: str) -> str:
    """The part of a `file_mark` that is the same for a copy."""
    return mark.rpartition("-")[0]
