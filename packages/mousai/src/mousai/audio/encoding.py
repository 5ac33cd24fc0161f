"""Encoding of sound into a file, with every error that the disk reports.

libsndfile writes its last bytes when it is closed and drops what goes wrong there: on a full disk it leaves a file that
nobody can read, and says nothing. So it writes here through Python, which keeps the first error.
"""

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from mousai.audio.outputs import FORMATS
from mousai.storage.file_parts import Seekable
from mousai.storage.files import atomic_file


@contextmanager
def encoded_file(
    path: Path,
    sample_rate: int,
    channels: int,
    *,
    replace: bool = True,
    finish: Callable[[Path], None] = lambda encoded: None,
    **settings: Any,
) -> Iterator[soundfile.SoundFile]:
    """Give a sound file to write to, which gets its name when the block ends without an error, whole or not at all.

    Args:
        path: file to make or replace.
        sample_rate: Hz.
        channels: number of channels.
        replace: whether a file that stands there may be replaced.
        finish: called with the encoded file before it gets its name; it may add to it.
        **settings: what `soundfile.SoundFile` takes: format, subtype, ...

    Raises:
        OSError: it cannot be written, such as on a full disk.
        soundfile.LibsndfileError: libsndfile does not write such sound.
    """
    with atomic_file(path, replace=replace) as temporary, temporary.open("r+b") as raw:
        recorder: Any = _Recorder(raw)
        try:
            with soundfile.SoundFile(recorder, "w", sample_rate, channels, **settings) as file:
                yield file
        except (soundfile.LibsndfileError, AssertionError):
            if recorder.error is not None:
                raise recorder.error from None
            raise
        if recorder.error is not None:
            raise recorder.error
        raw.flush()
        if os.fstat(raw.fileno()).st_size < recorder.length:
            raise OSError(f"only {os.fstat(raw.fileno()).st_size} of {recorder.length} bytes are in the file")
        finish(temporary)


def can_encode(suffix: str, sample_rate: int, channels: int) -> bool:
    """Tell whether files of that ending can hold such sound; nothing is written to a disk.

    Args:
        suffix: ending of the name, one of `FORMATS`.
        sample_rate: Hz.
        channels: number of channels.
    """
    settings = {"subtype": "PCM_24", **FORMATS[suffix]}
    try:
        with soundfile.SoundFile(io.BytesIO(), "w", sample_rate, channels, **settings) as file:
            file.write(np.zeros((1024, channels), np.float32))
    except soundfile.LibsndfileError:
        return False
    return True


class _Recorder(Seekable):
    """File for libsndfile whose first error is kept, because an exception in its callbacks would be printed and lost.

    It goes on as if all were written, so that the encoder comes to its end.
    """

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        self.error: OSError | None = None

    def write(self, data: Any) -> int:
        count = len(data)
        if self.error is None:
            try:
                self.raw.seek(self.place)
                self.raw.write(data)
            except OSError as error:
                self.error = error
        self.place += count
        self.length = max(self.length, self.place)
        return count

    def readinto(self, buffer: Any) -> int:
        if self.error is not None:
            return 0
        try:
            self.raw.seek(self.place)
            count: int = self.raw.readinto(buffer)
        except OSError as error:
            self.error = error
            return 0
        self.place += count
        return count

    def read(self, size: int = -1) -> bytes:
        buffer = bytearray(max(0, self.length - self.place) if size < 0 else size)
        count = self.readinto(buffer)
        return bytes(buffer[:count])

    def flush(self) -> None:
        if self.error is None:
            try:
                self.raw.flush()
            except OSError as error:
                self.error = error
