"""Folders of clips: planned, and read as others bring them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mousai.audio.files import write_audio
from mousai.errors import UserError
from mousai.evaluation.clips import TABLE, plan_clips, read_clips
from mousai.evaluation.prompts import PROMPTS

GENRES = ("jazz", "pop")


def test_every_clip_has_a_seed_of_its_own() -> None:
    rows = plan_clips([(PROMPTS[0], 2), (PROMPTS[1], 1)], seed=7)
    assert [row["seed"] for row in rows] == [7, 8, 9]
    assert [row["file_name"] for row in rows] == ["000-a.flac", "000-b.flac", "001-a.flac"]
    assert rows[0]["prompt"] == PROMPTS[0].text and rows[0]["key"] == "E minor" and rows[2]["lead"] == "flute"


def brought(folder: Path, *rows: dict[str, Any], table: str = TABLE) -> Path:
    write_audio(folder / "a.wav", np.zeros((1, 4800), dtype=np.float32), 48000, overwrite=True)
    (folder / table).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def test_attributes_are_parsed_from_the_prompt_and_a_row_counts_more(tmp_path: Path) -> None:
    row = {"file_name": "a.wav", "caption": "Sad jazz, 90 bpm, in F# minor", "genre": "polka"}
    (found,) = read_clips(brought(tmp_path, row, table="metadata.jsonl"), genres=GENRES)
    assert (found["bpm"], found["key"], found["genre"], found["lead"]) == (90.0, "F# minor", None, None)
    row = {
        "file_name": "a.wav",
        "prompt": "jazz, 90 bpm",
        "bpm": 100,
        "key": "C major",
        "genre": "jazz",
        "lead": "flute",
    }
    (found,) = read_clips(brought(tmp_path, row), genres=GENRES)
    assert (found["bpm"], found["key"], found["genre"], found["lead"]) == (100, "C major", "jazz", "flute")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "lists no clips"),
        ([{"prompt": "jazz"}], "line 1: must be an object with file_name"),
        ([{"file_name": "b.wav"}], "row 1: .*b.wav does not exist"),
        ([{"file_name": "../a.wav"}], "must be a path below"),
        ([{"file_name": "a.wav", "bpm": "fast"}], "row 1: bpm 'fast' must be a number from 30 to 300"),
        ([{"file_name": "a.wav", "bpm": 9}], "bpm 9 must be a number from 30 to 300"),
        ([{"file_name": "a.wav", "key": "H dur"}], "row 1: key is 'H dur'"),
    ],
)
def test_invalid_rows_are_refused(tmp_path: Path, rows: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_clips(brought(tmp_path, *rows), genres=GENRES)


def test_invalid_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        read_clips(tmp_path / "none", genres=GENRES)
    with pytest.raises(UserError, match=r"holds neither clips.jsonl nor metadata.jsonl"):
        read_clips(tmp_path, genres=GENRES)
    (tmp_path / TABLE).write_text("{", encoding="utf-8")
    with pytest.raises(UserError, match="line 1: not JSON"):
        read_clips(tmp_path, genres=GENRES)
