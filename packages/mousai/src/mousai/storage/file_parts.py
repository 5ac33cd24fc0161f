"""Files that lie inside another file, such as songs in a tar archive, read in place."""

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal


@dataclass(frozen=True)
class FilePart:
    """Bytes `start` to `start + size` of a file, as a file of their own that can be read.

    Args:
        holder: gives the path of the file around it when it is opened, and may fetch that file first.
        start: where it begins, in bytes.
        size: in bytes.
        name: name in messages.
    """

    holder: Callable[[], Path]
    start: int
    size: int
    name: str

    def open(self, mode: Literal["rb"] = "rb") -> BinaryIO:
        """Open it for reading, as a `Path` is; the end of the part is the end of the file."""
        return io.BufferedReader(_Window(self.holder(), self.start, self.size), 2**16)

    def read(self) -> bytes:
        """All of it."""
        with self.open() as file:
            return file.read()

    def __str__(self) -> str:
        return self.name


class _Window(io.RawIOBase):
    def __init__(self, path: Path, start: int, size: int) -> None:
        super().__init__()
        self._file = path.open("rb", buffering=0)
        self._start, self._size, self._place = start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        left = min(len(buffer), max(0, self._size - self._place))
        self._file.seek(self._start + self._place)
        count = self._file.readinto(memoryview(buffer)[:left]) or 0
        self._place += count
        return count

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}[whence]
        return self._place

    def tell(self) -> int:
        return self._place

    def close(self) -> None:
        self._file.close()
        super().close()
