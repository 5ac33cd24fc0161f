"""Audio file that is written piece by piece, so that its length needs no memory, and whole or not at all."""

import json
import struct
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import soundfile

from mousai.audio.encoding import encoded_file
from mousai.audio.loop_tags import LoopTag, tag_file
from mousai.audio.opening import BLOCK, AudioError, libsndfile_reason
from mousai.audio.outputs import FORMATS, LOSSY

# libsndfile drops a longer WAV comment in silence (about 30,000 bytes with what else stands in the header).
METADATA_LIMIT = 16384
"""Most characters of the comment in which metadata are stored."""
# The size field of a WAV file has 32 bits; the rest is for the header.
_WAV_LIMIT = 2**32 - 2**16
_UNKNOWN = 0xFFFFFFFF  # sizes in the header of a WAV file that is being streamed
_LONGEST = _UNKNOWN - 64


def as_array(sound: Any) -> npt.NDArray[np.float32]:
    """Return sound, an array or a tensor of any dtype and device, as a float32 array, as files and judges take it."""
    found: npt.NDArray[np.float32] = sound if isinstance(sound, np.ndarray) else sound.float().cpu().numpy()
    return found


class AudioWriter:
    """Audio file that grows; a context manager. It takes its place when the block ends without an error.

    Args:
        path: .wav, .flac, .ogg or .mp3, for which `check_output` has no objection; what stands there is replaced.
        sample_rate: Hz.
        channels: 1 or 2.
        samples: length that it will have, for formats that end somewhere.
        metadata: stored as JSON in the comment tag.
        bits: resolution in WAV and FLAC; 32 writes floats into WAV and 24 bits into FLAC.
        replace: whether a file that appears at `path` meanwhile may be replaced.
        loop: says that the whole file repeats, see `write_audio`.
        clip: clip samples beyond ±1; if not, WAV of floats, OGG and MP3 hold them, and other files clip them all the
            same.

    Raises:
        AudioError: it cannot be written, would be too long for its format, or the metadata are too long or no text.
    """

    def __init__(
        self,
        path: Path,
        *,
        sample_rate: int,
        channels: int,
        samples: int,
        metadata: Mapping[str, str] | None = None,
        bits: Literal[16, 24, 32] = 24,
        replace: bool = True,
        loop: LoopTag | None = None,
        clip: bool = True,
    ) -> None:
        suffix = path.suffix.lower()
        if suffix == ".wav" and samples * channels * bits // 8 > _WAV_LIMIT:
            raise AudioError(str(path), hint="more than 4 GiB, which a WAV file cannot hold; write .flac instead")
        self.path, self._stack = path, ExitStack()
        self.as_floats = bits == 32 and suffix == ".wav"
        self.holds_more = self.as_floats or (not clip and suffix in LOSSY)
        self._rate, self._channels, self._settings = sample_rate, channels, dict(FORMATS[suffix])
        self._settings.setdefault("subtype", "FLOAT" if self.as_floats else f"PCM_{min(bits, 24)}")
        self._comment = _comment(path, metadata or {})
        self._file: Any = None
        self._replace, self._loop, self._length = replace, loop, samples

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            try:
                encoded = encoded_file(
                    self.path, self._rate, self._channels, replace=self._replace, finish=self._tag, **self._settings
                )
                self._file = opening.enter_context(encoded)
            except (soundfile.LibsndfileError, OSError) as error:
                raise self._error(error) from error
            if self._comment:
                self._file.comment = self._comment
            self._stack = opening.pop_all()
        return self

    def write(self, sound: npt.NDArray[np.floating[Any]]) -> None:
        """Add samples `[channels, samples]`; beyond ±1 they are clipped, unless the file holds more (`clip`)."""
        try:
            for first in range(0, sound.shape[1], BLOCK):
                block = sound[:, first : first + BLOCK]
                self._file.write((block if self.holds_more else np.clip(block, -1, 1)).T)
        except (soundfile.LibsndfileError, OSError) as error:
            raise self._error(error) from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._stack.__exit__(kind, error, trace)
        except (soundfile.LibsndfileError, OSError) as failed:  # not the error that ended the block, which goes on
            raise self._error(failed) from failed

    def _tag(self, encoded: Path) -> None:
        if self._loop is not None:
            tag_file(encoded, self._loop, samples=self._length, sample_rate=self._rate)

    def _error(self, error: Exception) -> AudioError:
        if isinstance(error, soundfile.LibsndfileError):
            return AudioError(str(self.path), hint=f"cannot be written at {self._rate} Hz: {libsndfile_reason(error)}")
        reason = getattr(error, "strerror", None) or error
        return AudioError(str(self.path), hint=f"cannot be written: {reason}")


def wav_header(sample_rate: int, channels: int, samples: int | None = None) -> bytes:
    """Return the 44 bytes before the samples of a 16-bit WAV file.

    Args:
        sample_rate: Hz.
        channels: 1 or 2.
        samples: length. Where it is `None`, or more than the header can say, both sizes are 0xFFFFFFFF, as programs
            write that stream WAV: it goes on to the end of the file.
    """
    frame = 2 * channels
    size = _UNKNOWN if samples is None or samples * frame > _LONGEST else samples * frame
    whole = size if size == _UNKNOWN else size + 36
    about = struct.pack("<IHHIIHH", 16, 1, channels, sample_rate, sample_rate * frame, frame, 16)
    return b"RIFF" + struct.pack("<I", whole) + b"WAVEfmt " + about + b"data" + struct.pack("<I", size)


def _comment(path: Path, metadata: Mapping[str, str]) -> str:
    """The metadata as JSON in pure ASCII, which every container's comment tag carries unchanged."""
    for key, value in metadata.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise AudioError(str(path), hint=f"metadata must map text to text, got {key!r}: {value!r}")
    comment = json.dumps(dict(metadata)) if metadata else ""
    if len(comment) > METADATA_LIMIT:
        raise AudioError(
            str(path), hint=f"metadata of {len(comment)} characters; {METADATA_LIMIT} fit into an audio file"
        )
    return comment
