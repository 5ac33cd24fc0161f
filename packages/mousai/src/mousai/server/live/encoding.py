"""Samples of a stream as bytes: as they are, or as Opus in pages of Ogg, each sent as soon as it is full."""

import io
from typing import Any, BinaryIO, Protocol, TypeAlias, cast

import numpy as np

from mousai.errors import UserError

Sound: TypeAlias = "np.ndarray[Any, np.dtype[np.float32]]"
OPUS_RATES = (8000, 12000, 16000, 24000, 48000)
"""Sample rates of Opus, Hz (RFC 6716, section 2)."""


class Encoder(Protocol):
    """Encoder of one stream."""

    def encode(self, sound: Sound) -> bytes:
        """Encode samples `[channels, samples]`; returns what can be sent by now."""
        ...

    def close(self) -> bytes:
        """End the stream; returns what is left of it."""
        ...


def encoder_of(kind: str, sample_rate: int, channels: int) -> Encoder:
    """Return the encoder of a format.

    Args:
        kind: s16le, f32le or opus.
        sample_rate: Hz.
        channels: 1 or 2.
    """
    return OggOpus(sample_rate, channels) if kind == "opus" else Pcm(kind)


def check_format(kind: str, sample_rate: int) -> None:
    """Raise `UserError` where a stream of this rate cannot be sent in a format."""
    if kind != "opus":
        return
    import soundfile

    if sample_rate not in OPUS_RATES:
        raise UserError("format", kind, f"has no {sample_rate} samples a second, the model's rate; use s16le")
    if "OPUS" not in soundfile.available_subtypes("OGG"):
        raise UserError("format", kind, "is not known to the libsndfile of this server; use s16le")


class Pcm:
    """Interleaved samples.

    Args:
        kind: s16le or f32le.
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def encode(self, sound: Sound) -> bytes:
        """See `Encoder`."""
        if self._kind == "f32le":
            return bytes(sound.T.astype("<f4").tobytes())
        return bytes(np.rint(np.clip(sound.T, -1, 1) * 32767.0).astype("<i2").tobytes())

    def close(self) -> bytes:
        """See `Encoder`."""
        return b""


class OggOpus:
    """Opus in Ogg. libsndfile fills a page with a second of sound, so what is sent is up to a second behind.

    Args:
        sample_rate: Hz.
        channels: 1 or 2.
    """

    def __init__(self, sample_rate: int, channels: int) -> None:
        import soundfile

        self._pages = _Pages()
        pages = cast(BinaryIO, self._pages)  # all of one that libsndfile asks for
        self._file = soundfile.SoundFile(pages, "w", sample_rate, channels, format="OGG", subtype="OPUS")

    def encode(self, sound: Sound) -> bytes:
        """See `Encoder`."""
        self._file.write(np.clip(sound.T, -1, 1))
        return self._pages.taken()

    def close(self) -> bytes:
        """See `Encoder`."""
        self._file.close()
        return self._pages.taken()


class _Pages(io.RawIOBase):
    """A file that only grows, of which all that was taken is gone."""

    def __init__(self) -> None:
        self._new = bytearray()
        self._end = self._at = 0

    def write(self, data: Any) -> int:
        if self._at != self._end:
            raise OSError("what was sent cannot be changed")
        self._new += data
        self._at = self._end = self._end + len(data)
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._end}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return b""

    def taken(self) -> bytes:
        """Return what has come since it was last asked."""
        found, self._new = bytes(self._new), bytearray()
        return found
