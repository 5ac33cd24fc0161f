"""Checks, before the slow part, that a file can be written under the name that was given."""

import os
import stat
import tempfile
from os import PathLike
from pathlib import Path
from typing import Any

from mousai.audio.opening import AudioError

FORMATS: dict[str, dict[str, Any]] = {
    ".wav": {"format": "WAV"},
    ".flac": {"format": "FLAC"},
    ".ogg": {"format": "OGG", "subtype": "VORBIS", "compression_level": 0.3},
    # A constant rate (224 kbit/s for stereo at 48 kHz), because decoders cannot seek exactly in a variable one.
    ".mp3": {"format": "MP3", "subtype": "MPEG_LAYER_III", "bitrate_mode": "CONSTANT", "compression_level": 0.33},
}
"""How `soundfile.SoundFile` writes a file of each ending."""
LOSSY = (".ogg", ".mp3")
"""Endings of files whose encoders take floats as they are, beyond ±1 too, and whose decoders give them back."""
HOLD_MORE = (".wav", *LOSSY)
"""Endings of files that can hold samples beyond ±1; WAV as floats."""
AUDIO_SUFFIXES = tuple(FORMATS)
"""Endings of files that are written."""


def check_output(path: str | PathLike[str], overwrite: bool, *, suffixes: tuple[str, ...] = AUDIO_SUFFIXES) -> Path:
    """Make sure, before the slow part, that a file can be written at `path`; return it as a Path.

    Raises:
        AudioError: the name is empty, too long or no text, its suffix is none of `suffixes`, the file exists and
            `overwrite` is false, it is a folder, a device or a link to nothing, or its folder is missing or cannot be
            written.
    """
    if not os.fspath(path):
        raise AudioError("output", "", "is empty; give the name of a file")
    path = Path(path)
    try:
        found = path.lstat()
        found = path.stat() if stat.S_ISLNK(found.st_mode) else found
    except FileNotFoundError:
        found = None
    except (OSError, ValueError) as error:  # a NUL, or half of a character, which only a program can give
        why = error.strerror if isinstance(error, OSError) else error
        raise AudioError(str(path), hint=f"cannot be the name of a file: {why}") from error
    if path.is_symlink() and found is None:
        raise AudioError(str(path), hint="is a link to a file that does not exist; remove it, or name that file")
    if found is not None and stat.S_ISDIR(found.st_mode):
        raise AudioError(str(path), hint="is a folder; give the name of a file")
    if path.suffix.lower() not in suffixes:
        raise AudioError(str(path), hint=f"the name must end in {' or '.join(suffixes)}")
    if found is not None and not stat.S_ISREG(found.st_mode):
        raise AudioError(str(path), hint="is a device or a pipe, which is never replaced; give the name of a file")
    if found is not None and not overwrite:
        raise AudioError(
            str(path), hint="exists already; choose another name, or allow it to be replaced (--overwrite)"
        )
    if not path.parent.is_dir():
        raise AudioError(path.parent, hint="the folder does not exist; make it first")
    folder = Path(os.path.realpath(path)).parent  # of the file itself, where the name is a link
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise AudioError(folder, hint=f"the folder cannot be written: {error.strerror or error}") from error
    return path
