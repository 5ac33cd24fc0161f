"""Sound through a pipe: raw samples, or a WAV file whose length nobody knows yet."""

import os
import sys
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from mousai.audio.writing import wav_header
from mousai.errors import UserError

FORMATS = ("wav", "s16le", "f32le")


class Pipe:
    """Standard output as a stream of sound; a context manager.

    Args:
        kind: one of `FORMATS`; a WAV file has 16 bits.
        sample_rate: Hz.
        channels: 1 or 2.
        samples: length; `None` where it has no end.

    Raises:
        UserError: standard output is a terminal, or there is none.
    """

    def __init__(self, kind: str, *, sample_rate: int, channels: int, samples: int | None = None) -> None:
        if sys.stdout is None or sys.stdout.isatty():
            hint = "is a terminal, which shows no sound; add `| aplay`, `| ffmpeg -i - …` or `> file`"
            raise UserError("output", "-", hint)
        self._kind, self._out = kind, sys.stdout.buffer
        self._header = wav_header(sample_rate, channels, samples) if kind == "wav" else b""

    def __enter__(self) -> Self:
        self._send(self._header)
        return self

    def write(self, sound: npt.NDArray[np.float32]) -> None:
        """Send samples `[channels, samples]` in [-1, 1]; wait until there is room. BrokenPipeError: nobody reads."""
        if self._kind == "f32le":
            self._send(sound.T.astype("<f4").tobytes())
        else:
            self._send(np.rint(np.clip(sound.T, -1, 1) * 32767.0).astype("<i2").tobytes())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, BrokenPipeError):
            # What is still in the buffer has nowhere to go; Python would complain when it flushes it at the end.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._out.fileno())
            os.close(nowhere)

    def _send(self, data: bytes) -> None:
        self._out.write(data)
        self._out.flush()
