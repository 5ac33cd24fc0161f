"""Opening an audio file for reading, with one line for all that can be wrong with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from mousai.audio.containers import missing_end, states_length
from mousai.errors import UserError
from mousai.storage.file_parts import FilePart

BLOCK = 65536
"""Frames given to libsndfile at a time: one large block of Ogg Vorbis overflows the encoder's stack."""
_UNSTATED = 2**48  # frames


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
    if isinstance(path, Path):
        _check_file(path)
    elif path.size == 0:
        raise AudioError(str(path), hint="is empty")
    try:
        with (
            path.open("rb") as raw,  # libsndfile never says why it failed
            _Reader(path if isinstance(path, Path) else raw) as file,
        ):
            if reason := missing_end(path, file.format):
                raise AudioError(str(path), hint=f"is cut short: {reason}")
            yield file
    except OSError as error:
        raise AudioError(str(path), hint=f"cannot be read: {error.strerror or error}") from error
    except soundfile.LibsndfileError as error:
        raise AudioError(
            str(path),
            hint=f"cannot be read as audio ({libsndfile_reason(error)}); WAV, FLAC, OGG, OPUS, MP3 and AIFF files can",
        ) from error


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
    return states_length(path, file.format) and file.frames < _UNSTATED
