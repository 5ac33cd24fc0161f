"""The audio files below folders."""

from pathlib import Path

from mousai.data.records import find_records
from mousai.data.skipped import say_skipped


def audio_files(folders: list[Path]) -> list[Path]:
    """All audio files below the folders, in a fixed order: those that `mousai data check` looks at.

    What is skipped is named on stderr.

    Raises:
        UserError: a folder is missing or holds no audio, or a table in it cannot be read.
    """
    found: list[Path] = []
    for folder in folders:
        records = find_records(folder, tags=False)
        say_skipped(folder, records)
        found += [Path(str(record.path)) for record in records]
    return found
