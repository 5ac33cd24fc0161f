"""The audio files below folders."""

from pathlib import Path

from mousai.audio.files import READ_SUFFIXES
from mousai.errors import UserError


def audio_files(folders: list[Path]) -> list[Path]:
    """All audio files below the folders, in a fixed order.

    Raises:
        UserError: a folder is missing or holds no audio.
    """
    found: list[Path] = []
    for folder in folders:
        if not folder.is_dir():
            raise UserError(folder, hint="no such folder; give a folder of audio files")
        files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in READ_SUFFIXES)
        if not files:
            raise UserError(folder, hint=f"holds no audio files ({', '.join(READ_SUFFIXES)})")
        found += files
    return found
