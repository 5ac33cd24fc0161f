"""A file made of parts of another one and of bytes that stand in between, for a reader that believes headers."""

from collections.abc import Sequence
from typing import BinaryIO

from mousai.storage.file_parts import FileView

Part = tuple[int, int] | bytes
"""Start and end in the original, or bytes that take the place of something."""


class Spliced(FileView):
    """Reads parts of a file one after the other as if they were a file of their own.

    Args:
        file: the original, which is closed with this one.
        parts: what of it is read, in this order.
    """

    def __init__(self, file: BinaryIO, parts: Sequence[Part]) -> None:
        self._parts: list[tuple[int, int, Part]] = []
        position = 0
        for part in parts:
            size = len(part) if isinstance(part, bytes) else part[1] - part[0]
            if size > 0:
                self._parts.append((position, position + size, part))
                position += size
        super().__init__(file, position)
        self._original = file

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill the buffer, across the borders of parts, because libsndfile takes a short read for the end."""
        done = 0
        for begin, end, part in self._parts:
            while done < len(buffer) and begin <= self.place < end:
                count = min(len(buffer) - done, end - self.place)
                offset = self.place - begin
                if isinstance(part, bytes):
                    data = part[offset : offset + count]
                else:
                    self._original.seek(part[0] + offset)
                    data = self._original.read(count)
                if not data:
                    return done  # the file has become shorter since
                buffer[done : done + len(data)] = data
                self.place += len(data)
                done += len(data)
        return done
