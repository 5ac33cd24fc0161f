"""Opening an audio file for reading, with one line for all that can be wrong with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from mousai.audio.containers import examine, what_follows
from mousai.audio.containers.splice import Spliced
from mousai.errors import UserError
from mousai.storage.file_parts import FilePart

BLOCK = 65536
"""Frames given to libsndfile at a time: one large block of Ogg Vorbis overflows the encoder's stack."""
LOWEST_RATE, HIGHEST_RATE = 1000, 768_000
"""Sample rates that are read and written, in Hz. Resamplers crash at a few Hz."""
HIGHEST_PEAK = 8.0
"""Samples beyond ±1 are common in float files; beyond this they are whole numbers that were stored as floats."""
_UNSTATED = 2**48  # frames
# No format packs more samples into a byte: 65535 of silence take 11 bytes in a FLAC file, 5760 take 2 in an Ogg file.
_MOST_PER_BYTE = 8192


class AudioError(UserError):
    """An audio file that cannot be read or written as asked; one line that names it and what would do."""


class _Reader(soundfile.SoundFile):
    """Reads MP3 files, and files that do not state their length, from the start to the end without ever seeking.

    soundfile seeks after every read to where it already is. In an MP3 file of variable bit rate libsndfile then lands
    elsewhere (it goes by the Xing header's table of hundredths), and the sound has jumps. In a FLAC file of unstated
    length it fails.
    """

    def seekable(self) -> bool:
        return self.format != "MP3" and self.frames < _UNSTATED and super().seekable()


@contextmanager
def opened(path: Path | FilePart) -> Iterator[soundfile.SoundFile]:
    """Open an audio file for reading, and make one line of everything that can go wrong in it until it is closed."""
    try:
        if isinstance(path, Path):
            _check_file(path)
        elif path.size == 0:
            raise AudioError(str(path), hint="is empty")
        container = examine(path)
        if container.wrong:
            raise AudioError(str(path), hint=container.wrong)
        with path.open("rb") as raw:  # libsndfile never says why it failed
            source: Any = Spliced(raw, container.parts) if container.parts else raw
            with _Reader(path if source is raw and isinstance(path, Path) else source) as file:
                _check_header(path, file)
                yield file
    except OSError as error:
        raise AudioError(str(path), hint=f"cannot be read: {error.strerror or error}") from error
    except soundfile.LibsndfileError as error:
        raise AudioError(
            str(path),
            hint=f"cannot be read as audio ({libsndfile_reason(error)}); WAV, FLAC, OGG, OPUS, MP3 and AIFF files can",
        ) from error


def _check_header(path: Path | FilePart, file: soundfile.SoundFile) -> None:
    if not LOWEST_RATE <= file.samplerate <= HIGHEST_RATE:
        raise AudioError(
            str(path),
            hint=f"has {file.samplerate} samples a second; {LOWEST_RATE:,} to {HIGHEST_RATE:,} Hz can be read",
        )
    size = path.size if isinstance(path, FilePart) else path.stat().st_size
    if _MOST_PER_BYTE * size < file.frames < _UNSTATED:
        raise AudioError(
            str(path), hint=f"promises {file.frames} samples, which {size} bytes cannot hold; it is damaged"
        )


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise AudioError(str(path), hint="is a folder; give the name of an audio file")
    if not path.exists():
        raise AudioError(str(path), hint="does not exist")
    if not path.is_file():
        raise AudioError(str(path), hint="is not a regular file")
    if path.stat().st_size == 0:
        raise AudioError(str(path), hint="is empty")
    if path.suffix.lower() == ".raw":  # soundfile would ask for what such a file does not say
        raise AudioError(
            str(path), hint="cannot be read as audio: .raw files do not state their rate; convert it to WAV"
        )


def libsndfile_reason(error: soundfile.LibsndfileError) -> str:
    """Reason of a failure in libsndfile's words, without its preamble."""
    reason: str = error.error_string.removeprefix("Error : ").strip().rstrip(".")
    # What libsndfile says of an MP3 file without a single whole frame.
    return "no sound was found in it" if reason.startswith("File does not exist") else reason


def read_frames(file: soundfile.SoundFile, first: int, stop: int) -> npt.NDArray[np.float32]:
    """Samples `first` to `stop` of the file as `[samples, channels]`, fewer if it ends before."""
    if file.seekable():
        file.seek(first)
        position = first
    else:
        position = 0
        while position < first:
            skipped = len(file.read(min(BLOCK, first - position), dtype="float32"))
            if skipped == 0:
                break
            position += skipped
    blocks = [np.empty((0, file.channels), np.float32)]
    # In pieces, because the length that a header promises may be a guess, or a lie that memory could not hold.
    while position < stop:
        blocks.append(file.read(min(16 * BLOCK, stop - position), dtype="float32", always_2d=True))
        if len(blocks[-1]) == 0:
            break
        position += len(blocks[-1])
    return np.concatenate(blocks)


def is_length_stated(path: Path | FilePart, file: soundfile.SoundFile) -> bool:
    """Tell whether the number of frames is what the file says, and no guess of libsndfile (MP3) or a huge number."""
    return file.frames < _UNSTATED and examine(path).is_counted


def check_end(path: Path | FilePart) -> None:
    """Raise `AudioError` where more sound follows than the header tells of; to be asked when all of that was read."""
    if follows := what_follows(path):
        raise AudioError(str(path), hint=follows)


def check_samples(path: Path | FilePart, audio: npt.NDArray[np.float32], begin: float, rate: int) -> None:
    """Raise `AudioError` where samples `[samples, channels]` are no numbers or far beyond ±1.

    Args:
        path: file that they were read from.
        audio: the samples.
        begin: second of the file at which they begin.
        rate: samples a second.
    """
    if not np.isfinite(audio).all():
        where = int(np.argmin(np.isfinite(audio).all(axis=1)))
        raise AudioError(
            str(path), hint=f"holds a sample that is not a number, {begin + where / rate:.3f} s from its start"
        )
    if (peak := float(np.abs(audio).max(initial=0.0))) > HIGHEST_PEAK:
        raise AudioError(str(path), hint=f"reaches {peak:g}, far beyond ±1; turn it down to within ±1 first")
