"""Folders of clips: planned, made, gone on with, and read as others bring them."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from mousai.audio.files import read_audio, write_audio
from mousai.errors import UserError
from mousai.evaluation import clips
from mousai.evaluation.clips import CLIPS, fingerprint, plan_clips, play, read_clips
from mousai.evaluation.prompts import PROMPTS

GENRES = ("jazz", "pop")


class Player:
    """A pipeline that plays noise and counts."""

    def __init__(self) -> None:
        self.played: list[tuple[str, int]] = []

    def __call__(self, prompt: str, *, duration: float, seed: int, **settings: Any) -> SimpleNamespace:
        self.played.append((prompt, seed))
        noise = np.random.default_rng(seed).uniform(-0.5, 0.5, (1, 2, round(duration * 48000))).astype(np.float32)
        return SimpleNamespace(audios=torch.from_numpy(noise))


def test_every_piece_has_a_seed_of_its_own() -> None:
    rows = plan_clips([(PROMPTS[0], 2), (PROMPTS[1], 1)], seed=7)
    assert [row["seed"] for row in rows] == [7, 8, 9]
    assert [row["file_name"] for row in rows] == ["000-a.flac", "000-b.flac", "001-a.flac"]
    assert rows[0]["prompt"] == PROMPTS[0].text and rows[0]["key"] == "E minor" and rows[2]["lead"] == "flute"


def test_what_is_there_is_kept_and_what_was_made_otherwise_is_made_anew(tmp_path: Path) -> None:
    rows = plan_clips([(prompt, 1) for prompt in PROMPTS[:3]], seed=0, duration=0.1)
    first = Player()
    play(tmp_path, rows[:2], first, model="one")  # type: ignore[arg-type]
    assert len(first.played) == 2
    again = Player()
    found = play(tmp_path, rows, again, model="one")  # type: ignore[arg-type]
    assert again.played == [(PROMPTS[2].text, 2)]
    assert all("cpu" in row for row in found)
    assert [json.loads(line)["file_name"] for line in (tmp_path / CLIPS).read_text().splitlines()] == [
        row["file_name"] for row in rows
    ]
    (tmp_path / rows[0]["file_name"]).unlink()
    again = Player()
    play(tmp_path, rows, again, model="one")  # type: ignore[arg-type]
    assert [seed for _, seed in again.played] == [0]
    other = Player()
    play(tmp_path, rows, other, model="two")  # type: ignore[arg-type]
    assert len(other.played) == 3


def test_ctrl_c_keeps_what_is_done(tmp_path: Path) -> None:
    class Stopped(Player):
        def __call__(self, prompt: str, **settings: Any) -> SimpleNamespace:
            if len(self.played) == 2:
                raise KeyboardInterrupt
            return super().__call__(prompt, **settings)

    rows = plan_clips([(prompt, 1) for prompt in PROMPTS[:4]], seed=0, duration=0.1)
    with pytest.raises(KeyboardInterrupt):
        play(tmp_path, rows, Stopped(), model="one")  # type: ignore[arg-type]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["000-a.flac", "001-a.flac", CLIPS]
    rest = Player()
    play(tmp_path, rows, rest, model="one")  # type: ignore[arg-type]
    assert [seed for _, seed in rest.played] == [2, 3]


@pytest.mark.fluidsynth
def test_true_renders_are_what_was_wished_for(tmp_path: Path) -> None:
    (row,) = clips.render(tmp_path, plan_clips([(PROMPTS[4], 1)], seed=0, duration=3.0))
    assert read_audio(tmp_path / row["file_name"]).shape == (2, 3 * 48000)
    assert row["song"] == clips.render(tmp_path, plan_clips([(PROMPTS[4], 1)], seed=99, duration=3.0))[0]["song"]


def brought(folder: Path, *rows: dict[str, Any], table: str = CLIPS) -> Path:
    write_audio(folder / "a.wav", np.zeros((1, 4800), dtype=np.float32), 48000, overwrite=True)
    (folder / table).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def test_what_a_prompt_states_is_read_and_a_row_counts_more(tmp_path: Path) -> None:
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
def test_rows_that_are_none(tmp_path: Path, rows: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_clips(brought(tmp_path, *rows), genres=GENRES)


def test_folders_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        read_clips(tmp_path / "none", genres=GENRES)
    with pytest.raises(UserError, match=r"holds neither clips.jsonl nor metadata.jsonl"):
        read_clips(tmp_path, genres=GENRES)
    (tmp_path / CLIPS).write_text("{", encoding="utf-8")
    with pytest.raises(UserError, match="line 1: not JSON"):
        read_clips(tmp_path, genres=GENRES)


def test_a_fingerprint_is_of_weights_and_settings(model_copy: Path) -> None:
    before = fingerprint(model_copy)
    (model_copy / "notes.txt").write_text("of no matter")
    assert fingerprint(model_copy) == before
    index = model_copy / "model_index.json"
    index.write_text(index.read_text().replace('"decoder_steps": 2', '"decoder_steps": 3'))
    assert fingerprint(model_copy) != before
