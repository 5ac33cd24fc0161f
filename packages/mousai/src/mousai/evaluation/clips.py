"""Folders of clips: their table of rows, planned here or brought by others.

FOLDER/clips.jsonl   a row for each clip: file_name, prompt, and what was asked for: genre, style, bpm, key, lead
FOLDER/000-a.flac ...
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mousai.conditioning.attributes import key_name, parse_attributes
from mousai.data.tables import check_below, json_rows
from mousai.errors import UserError
from mousai.evaluation.features.waveform import CLIP_SECONDS
from mousai.evaluation.judges.key import key_parts
from mousai.evaluation.prompts import Prompt
from mousai.storage.files import write_text
from mousai.storage.system import is_terminal

TABLE = "clips.jsonl"
TABLES = (TABLE, "metadata.jsonl")
Row = dict[str, Any]


def plan_clips(prompts: Sequence[tuple[Prompt, int]], *, seed: int, duration: float = CLIP_SECONDS) -> list[Row]:
    """Rows of clips to generate.

    Args:
        prompts: each prompt with its number of clips.
        seed: seed of the first clip; the others follow.
        duration: length of each clip in seconds.
    """
    rows: list[Row] = []
    for number, (prompt, pieces) in enumerate(prompts):
        attributes = {key: value for key, value in asdict(prompt).items() if key != "text"}
        for piece in range(pieces):
            name = f"{number:03d}-{'abcdefgh'[piece]}.flac"
            rows.append({"file_name": name, "prompt": prompt.text, **attributes, "piece": piece, "duration": duration})
    return [{**row, "seed": seed + place} for place, row in enumerate(rows)]


def read_clips(folder: Path, *, genres: Sequence[str]) -> list[Row]:
    """The rows of a folder's `clips.jsonl` or `metadata.jsonl`, with the attributes that are known of each clip.

    Tempo and key are parsed from `prompt` (or `caption`) where the row itself has none.

    Args:
        folder: folder of clips.
        genres: genres that the judge knows; another one is not judged.

    Raises:
        UserError: there is no table, or a row or file is invalid.
    """
    if not folder.is_dir():
        raise UserError("clips", str(folder), "no such folder")
    table = next((folder / name for name in TABLES if (folder / name).is_file()), None)
    if table is None:
        raise UserError(
            "clips", str(folder), f"holds neither {' nor '.join(TABLES)}; write one with file_name and prompt"
        )
    rows = [_known(table, number, row, genres) for number, row in enumerate(read_rows(table), start=1)]
    if not rows:
        raise UserError(table, hint="lists no clips")
    return rows


def read_rows(table: Path) -> list[Row]:
    """The rows of a table as they are.

    Raises:
        UserError: a row is not a JSON object with `file_name`.
    """
    rows: list[Row] = []
    for where, row in json_rows(table):
        if not isinstance(row.get("file_name"), str):
            raise UserError(table, hint=f"{where}: must be an object with file_name")
        rows.append(row)
    return rows


def write_rows(table: Path, rows: Sequence[Row]) -> None:
    """Write a table, whole or not at all."""
    write_text(table, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def _known(table: Path, number: int, row: Mapping[str, Any], genres: Sequence[str]) -> Row:
    where = f"row {number}"
    path = table.parent / row["file_name"]
    check_below(table, where, row["file_name"])
    if not path.is_file():
        raise UserError(table, hint=f"{where}: {path} does not exist")
    prompt = str(row.get("prompt") or row.get("caption") or "")
    parsed = parse_attributes(prompt)
    bpm, key, genre, lead = (row.get(name) for name in ("bpm", "key", "genre", "lead"))
    if bpm is None:
        bpm = parsed.tempo
    elif isinstance(bpm, bool) or not isinstance(bpm, int | float) or not 30 <= bpm <= 300:
        raise UserError(table, hint=f"{where}: bpm {bpm!r} must be a number from 30 to 300")
    if key:
        try:
            key_parts(str(key))
        except ValueError as error:
            raise UserError(table, hint=f"{where}: {error}") from error
    elif parsed.key is not None:
        key = key_name(parsed.key)
    return {
        "file_name": row["file_name"],
        "prompt": prompt,
        "genre": genre if genre in genres else None,
        "style": row.get("style") if row.get("style") in _style_names() else None,
        "bpm": bpm,
        "key": key or None,
        "lead": lead or None,
        "duration": CLIP_SECONDS,
    }


def _style_names() -> set[str]:
    from mousai.compose import STYLES

    return {style.name for style in STYLES}


@contextmanager
def progress(things: Sequence[Any], description: str) -> Iterator[Iterator[Any]]:
    """A progress bar on stderr over some things, with the time left."""
    import sys

    from tqdm import tqdm

    with tqdm(
        things,
        desc=description,
        file=sys.stderr,
        disable=not things,
        mininterval=0.1 if is_terminal() else 30.0,
        bar_format="{desc} {percentage:3.0f}% |{bar}| {n_fmt} of {total_fmt}, {remaining} left",
    ) as bar:
        yield iter(bar)
