"""A file made of parts of another one and of bytes that stand in between, for a reader that believes headers."""

import io
import os
from collections.abc import Sequence
from typing import BinaryIO

Part = tuple[int, int] | bytes
"""Start and end in the original, or bytes that take the place of something."""


class Spliced(io.RawIOBase):
    """Reads parts of a file one after the other as if they were a file of their own.

    Args:
        file: the original, which is closed with this one.
        parts: what of it is read, in this order.
    """

    def __init__(self, file: BinaryIO, parts: Sequence[Part]) -> None:
        super().__init__()
        self._file, self._place = file, 0
        self._parts: list[tuple[int, int, Part]] = []
        position = 0
        for part in parts:
            size = len(part) if isinstance(part, bytes) else part[1] - part[0]
            if size > 0:
                self._parts.append((position, position + size, part))
                position += size
        self._size = position

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that any place of it can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill the buffer, across the borders of parts, because libsndfile takes a short read for the end."""
        done = 0
        for begin, end, part in self._parts:
            while done < len(buffer) and begin <= self._place < end:
                count = min(len(buffer) - done, end - self._place)
                offset = self._place - begin
                if isinstance(part, bytes):
                    data = part[offset : offset + count]
                else:
                    self._file.seek(part[0] + offset)
                    data = self._file.read(count)
                if not data:
                    return done  # the file has become shorter since
                buffer[done : done + len(data)] = data
                self._place += len(data)
                done += len(data)
        return done

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place, as every file does."""
        self._place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}[whence]
        return self._place

    def tell(self) -> int:
        """Place of the next byte."""
        return self._place

    def close(self) -> None:
        """Close the original too."""
        self._file.close()
        super().close()
