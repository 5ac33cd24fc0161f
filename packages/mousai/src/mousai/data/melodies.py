"""Melodies of songs, from the JAMS files that their rows name.

A row of `mousai compose` has chords and sections itself, and names its files below the folder of the table:
`"files": {"jams": "annotations/000000.jams", ...}`. The notes of the melody stand there, in the namespace `note_midi`
(JAMS 0.3: Humphrey et al., "JAMS: a JSON annotated music specification for reproducible MIR research", ISMIR 2014).
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mousai.data.records import TABLES, Record
from mousai.errors import UserError


def with_melodies(records: Sequence[Record]) -> list[Record]:
    """Return the records with the field `melody`, [[start, end, MIDI pitch], ...] in seconds, where JAMS tells it.

    A row that has the field keeps it. A file that is not there is said on stderr, and its song has no melody then.

    Raises:
        UserError: a file is there and cannot be read, or a row names one outside of the folder of its table.
    """
    found, missing = [], []
    for record in records:
        path = None if "melody" in record.fields else _jams_of(record)
        if path is not None and not path.is_file():
            missing.append(path)
            path = None
        melody = None if path is None else read_melody(path)
        found.append(record if melody is None else replace(record, fields={**record.fields, "melody": melody}))
    if missing:
        print(f"no melody: {len(missing)} annotations are not there, such as {missing[0]}", file=sys.stderr)
    return found


def read_melody(path: Path) -> list[list[float]] | None:
    """Read the notes of a JAMS file's first `note_midi`, [[start, end, MIDI pitch], ...]; `None` where it has none.

    Raises:
        UserError: the file cannot be read.
    """
    try:
        annotations = json.loads(path.read_text(encoding="utf-8"))["annotations"]
        notes = next((one["data"] for one in annotations if one["namespace"] == "note_midi"), None)
        if notes is None:
            return None
        melody = [[note["time"], note["time"] + note["duration"], round(note["value"])] for note in notes]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(path, hint=f"cannot be read as JAMS ({type(error).__name__}: {error})") from error
    return [[round(start, 4), round(end, 4), pitch] for start, end, pitch in melody if round(end, 4) > round(start, 4)]


def _jams_of(record: Record) -> Path | None:
    """Path of the JAMS file that a row names."""
    files: Any = record.fields.get("files")
    name = files.get("jams") if isinstance(files, dict) else None
    if not isinstance(name, str) or not isinstance(record.path, Path):
        return None
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise UserError(record.path, hint=f"its row names {name!r}, which must be a path below the folder of the table")
    for parent in record.path.parents:
        if any((parent / table).is_file() for table in TABLES):
            return parent / name
    return None
