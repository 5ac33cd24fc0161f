"""Store of sounds: uploads and results in a private temporary folder, named by id, kept for a while."""

import asyncio
import secrets
import shutil
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mousai.server.errors import ApiError
from mousai.storage.leftovers import sweep, temporary_name
from mousai.storage.system import temporary_root
from mousai.verbs.command_line import command_of

MEGABYTE = 10**6
FULL_RATE = 96_000
"""Greatest sample rate at which a recording may have the length that the server allows, Hz."""


@dataclass(kw_only=True)
class StoredFile:
    """A sound of the store.

    Args:
        id: name that clients use.
        path: where it lies; no client is told.
        kind: "upload", "result", or "midi": an upload that is the MIDI file of a tune, without rate and channels.
        container: "wav", "flac", "ogg", "mp3" or another that libsndfile reads.
        size: bytes.
        seconds: length.
        sample_rate: Hz.
        channels: 1 or 2.
        peak: its loudest sample.
        made: what mousai stored in it, empty for other recordings.
        created: `time.monotonic()` of its making.
        last_used: `time.monotonic()` of the last use.
        pins: jobs that need it.
        fetched: whether it was downloaded.
    """

    id: str
    path: Path
    kind: str
    container: str
    size: int
    seconds: float
    sample_rate: int
    channels: int
    peak: float = 0.0
    made: Mapping[str, str] = field(default_factory=dict)
    created: float = field(default_factory=time.monotonic)
    last_used: float = field(default_factory=time.monotonic)
    pins: int = 0
    fetched: bool = False

    @property
    def file_name(self) -> str:
        """Name under which it is downloaded."""
        return f"{self.id}.{self.container}"

    @property
    def command(self) -> str | None:
        """Command line that makes a result again, where there is one; recordings have the names of their downloads.

        An upload has none: its words are a stranger's, and somebody would paste them into a shell.
        """
        return None if self.kind != "result" else command_of(self.made, f"again.{self.container}")

    @property
    def media_type(self) -> str:
        """MIME type."""
        return media_type_of(self.container)


def media_type_of(container: str) -> str:
    """Return the MIME type of a container; the table of the system may not know it, or call it otherwise."""
    return {"mid": "audio/midi", "mp3": "audio/mpeg", "oga": "audio/ogg", "opus": "audio/ogg"}.get(
        container, f"audio/{container}"
    )


def sound_content(*containers: str) -> dict[str, Any]:
    """Return the content of a response that is sound, for the OpenAPI document."""
    return {media_type_of(one): {"schema": {"type": "string", "format": "binary"}} for one in containers}


class FileStore:
    """Folder of sounds that only this user can read; removed by `close`.

    Args:
        keep: seconds for which a file is kept after its last use.
        limit: most bytes of all files together.
    """

    def __init__(self, *, keep: float, limit: int) -> None:
        around = temporary_root()
        sweep(around, again=True)  # what killed servers left
        self.folder = around / temporary_name(".serve")
        self.folder.mkdir(mode=0o700)
        self._keep, self._limit = keep, limit
        self._files: dict[str, StoredFile] = {}
        self._coming: dict[Path, int] = {}  # bytes of files that are being written, or are there for one download
        self._lock = threading.Lock()
        self._reading = asyncio.Semaphore(2)

    @property
    def size(self) -> int:
        """Bytes of all files, with those that are being written."""
        with self._lock:
            return self._size()

    @property
    def count(self) -> int:
        """Number of files."""
        return len(self._files)

    def check_room(self, more: int = 0) -> None:
        """Raise `ApiError` where the store is full, or would be with `more` bytes."""
        with self._lock:
            self._check_room(more)

    def reserve(self, path: Path, size: int) -> None:
        """Count a file of the folder that is no file of the store yet, until `add` or `release`.

        Args:
            path: the file.
            size: bytes that it has, or may come to have; called again where they change.

        Raises:
            ApiError: the store would be full with it.
        """
        with self._lock:
            before = self._coming.get(path, 0)
            self._check_room(size - before)
            self._coming[path] = size

    def release(self, path: Path) -> None:
        """Remove a file that `reserve` counted, and count it no more."""
        with self._lock:
            self._coming.pop(path, None)
        path.unlink(missing_ok=True)

    def new_path(self, suffix: str) -> tuple[str, Path]:
        """Return a new id and the path for its file."""
        name = secrets.token_hex(16)
        return name, self.folder / f"{name}{suffix}"

    @property
    def reading(self) -> asyncio.Semaphore:
        """Turn to hold a whole sound, of an upload or of a conversion, so that many at once do not fill the memory."""
        return self._reading

    def add(self, file: StoredFile) -> StoredFile:
        """Add a file that lies in the folder."""
        with self._lock:
            self._coming.pop(file.path, None)
            self._files[file.id] = file
        return file

    def get(self, name: str) -> StoredFile:
        """Return a file, which counts as a use of it.

        Raises:
            ApiError: there is none of that id.
        """
        with self._lock:
            found = self._files.get(name)
            if found is None:
                raise ApiError(404, f"there is no file {name}; it may have been removed after its time")
            found.last_used = time.monotonic()
            return found

    def recording(self, name: str, *, field: str = "recording") -> StoredFile:
        """Return a file that is sound.

        Raises:
            ApiError: there is none of that id, or it is a MIDI file.
        """
        found = self.get(name)
        if found.kind == "midi":
            raise ApiError(422, f"{field}: is a MIDI file, which has no sound; give it as melody", param=field)
        return found

    def pin(self, names: list[str]) -> None:
        """Keep files until `unpin`.

        Raises:
            ApiError: there is none of that id; then none is pinned.
        """
        found = [self.get(name) for name in names]
        with self._lock:
            for one in found:
                one.pins += 1

    def unpin(self, names: list[str]) -> None:
        """Let files be removed again."""
        with self._lock:
            for name in names:
                self._files[name].pins -= 1
                self._files[name].last_used = time.monotonic()

    def delete(self, name: str) -> None:
        """Remove a file.

        Raises:
            ApiError: there is none of that id, or a job needs it.
        """
        with self._lock:
            found = self._files.get(name)
            if found is None:
                raise ApiError(404, f"there is no file {name}; it may have been removed after its time")
            if found.pins:
                raise ApiError(409, f"file {name} is needed by a job; cancel that first", retry_after=5.0)
            self._remove(found)

    def discard(self, name: str) -> None:
        """Remove a file if it is there and no job needs it."""
        with self._lock:
            found = self._files.get(name)
            if found is not None and not found.pins:
                self._remove(found)

    def sweep(self, now: float | None = None) -> None:
        """Remove files whose time is over."""
        now = time.monotonic() if now is None else now
        with self._lock:
            for one in [one for one in self._files.values() if not one.pins and now - one.last_used > self._keep]:
                self._remove(one)

    def has_unfetched_since(self, moment: float) -> bool:
        """Whether a result of that moment or later was not downloaded yet."""
        with self._lock:
            return any(
                one.kind == "result" and one.created >= moment and not one.fetched for one in self._files.values()
            )

    def close(self) -> None:
        """Remove the folder with all files."""
        with self._lock:
            self._files.clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _size(self) -> int:
        return sum(one.size for one in self._files.values()) + sum(self._coming.values())

    def _check_room(self, more: int) -> None:
        if self._size() + more >= self._limit:
            message = (
                f"the store of {self._limit // MEGABYTE} MB is full; delete files, or wait until old ones are removed"
            )
            raise ApiError(429, message, retry_after=60.0)

    def _remove(self, file: StoredFile) -> None:
        del self._files[file.id]
        file.path.unlink(missing_ok=True)


def longest_at(sample_rate: int, max_duration: float) -> float:
    """Return the most seconds of a sound, which bound its samples: a small file may hold hours of silence.

    Args:
        sample_rate: of the sound, Hz.
        max_duration: seconds that the server allows.
    """
    return max_duration * min(1.0, FULL_RATE / sample_rate)
