"""Sound files of a folder that are skipped, and why: otherwise nobody would notice before the music is heard."""

import sys
from collections.abc import Sequence
from pathlib import Path

from mousai.audio.files import READ_SUFFIXES
from mousai.data.listing import list_folder, named, plain, skipped_lines
from mousai.data.records import SIDECARS, TABLES, Record

UNREADABLE = (
    *(".m4a", ".mp4", ".m4b", ".aac", ".alac", ".wma", ".ape", ".wv", ".mpc", ".tta", ".amr", ".ac3", ".dts", ".ra"),
    *(".dsf", ".dff", ".mid", ".midi", ".webm", ".mka", ".mkv", ".mov", ".avi"),
)
"""Endings of files that hold music and that libsndfile does not read."""


def skipped(folder: Path, records: Sequence[Record]) -> list[str]:
    """Files that are skipped below a folder, a line for each reason; none where everything is taken.

    Args:
        folder: folder of audio files.
        records: records that `find_records` found below it.
    """
    listing = list_folder(folder)
    taken = {record.path for record in records}
    unnamed = [path for path in listing.audio if path not in taken]
    unread = [path for path in listing.files if path.suffix.lower() in UNREADABLE]
    sound = (*READ_SUFFIXES, *UNREADABLE)
    songs = {plain(path.with_suffix("")) for path in listing.files if path.suffix.lower() in sound}
    beside = [path for path in listing.files if path.suffix.lower() in SIDECARS and path.name.lower() not in TABLES]
    alone = [path for path in beside if plain(path.with_suffix("")) not in songs]
    lines = []
    if unnamed:
        lines.append(f"{named(unnamed, folder)} in no row of the metadata table above; add a row for each")
    if unread:
        endings = ", ".join(sorted({path.suffix.lower() for path in unread}))
        lines.append(f"{named(unread, folder)} of a format that is not read ({endings}); convert them, to .flac say")
    if alone:
        lines.append(f"{named(alone, folder)} beside no song of that name")
    return [*lines, *skipped_lines(listing)]


def say_skipped(folder: Path, records: Sequence[Record]) -> None:
    """Print the same lines on stderr."""
    for line in skipped(folder, records):
        print(f"skipped: {line}", file=sys.stderr)
