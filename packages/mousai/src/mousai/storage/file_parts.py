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
        return io.BufferedReader(_Window(self.holder().open("rb", buffering=0), self.start, self.size), 2**16)

    def read(self) -> bytes:
        """All of it."""
        with self.open() as file:
            return file.read()

    def __str__(self) -> str:
        return self.name


class Seekable:
    """Place within `length` bytes, which is moved as in every file."""

    place = 0
    """Place of the next byte."""
    length = 0
    """Bytes that there are."""

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place; return it."""
        self.place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self.place, os.SEEK_END: self.length}[whence]
        return self.place

    def tell(self) -> int:
        """Place of the next byte."""
        return self.place


class FileView(Seekable, io.RawIOBase):
    """Base of what reads another file as if it were one of its own; it gives `readinto`.

    Args:
        file: the other file, which is closed with this one.
        length: bytes that can be read.
    """

    def __init__(self, file: BinaryIO | io.FileIO, length: int) -> None:
        super().__init__()
        self._file, self.length = file, length

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that any place of it can be read."""
        return True

    def close(self) -> None:
        """Close the other file too."""
        self._file.close()
        super().close()


class _Window(FileView):
    def __init__(self, whole: io.FileIO, start: int, size: int) -> None:
        super().__init__(whole, size)
        self._whole, self._start = whole, start

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        left = min(len(buffer), max(0, self.length - self.place))
        self._whole.seek(self._start + self.place)
        count = self._whole.readinto(memoryview(buffer)[:left]) or 0
        self.place += count
        return count
