"""Sound files of a folder that are skipped, and why: otherwise nobody would notice before the music is heard."""

import sys
from collections.abc import Sequence
from pathlib import Path

from mousai.audio.files import READ_SUFFIXES
from mousai.data.records import Record, visible_files

UNREADABLE = (
    *(".m4a", ".mp4", ".m4b", ".aac", ".alac", ".wma", ".ape", ".wv", ".mpc", ".tta", ".amr", ".ac3", ".dts", ".ra"),
    *(".dsf", ".dff", ".mid", ".midi", ".webm", ".mka", ".mkv", ".mov", ".avi"),
)
"""Endings of files that hold music and that libsndfile does not read."""
_NAMED = 3


def skipped(folder: Path, records: Sequence[Record]) -> list[str]:
    """Files that are skipped below a folder, a line for each reason; none where everything is taken.

    Args:
        folder: folder of audio files.
        records: records that `find_records` found below it.
    """
    taken = {record.path for record in records}
    files = visible_files(folder, "*")
    unnamed = [path for path in files if path.suffix.lower() in READ_SUFFIXES and path not in taken]
    unread = [path for path in files if path.suffix.lower() in UNREADABLE]
    songs = {path.with_suffix("") for path in files if path.suffix.lower() in (*READ_SUFFIXES, *UNREADABLE)}
    alone = [path for path in files if path.suffix in (".txt", ".json") and path.with_suffix("") not in songs]
    lines = []
    if unnamed:
        lines.append(f"{_files(unnamed, folder)} in no row of the metadata table above; add a row for each")
    if unread:
        endings = ", ".join(sorted({path.suffix.lower() for path in unread}))
        lines.append(f"{_files(unread, folder)} of a format that is not read ({endings}); convert them, to .flac say")
    if alone:
        lines.append(f"{_files(alone, folder)} beside no song of that name")
    return lines


def say_skipped(folder: Path, records: Sequence[Record]) -> None:
    """Print the same lines on stderr."""
    for line in skipped(folder, records):
        print(f"skipped: {line}", file=sys.stderr)


def _files(paths: Sequence[Path], folder: Path) -> str:
    names = first_names([str(path.relative_to(folder)) for path in paths])
    return f"{len(paths)} {'file' if len(paths) == 1 else 'files'} ({names})"


def first_names(names: Sequence[str]) -> str:
    """The first few of some names."""
    return ", ".join([*names[:_NAMED], *(["..."] if len(names) > _NAMED else [])])
