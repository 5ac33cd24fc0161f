"""Annotating a folder of music: what is missing is estimated, what a person wrote stays, and training reads both."""

import json
from pathlib import Path

import numpy as np
import pytest

from mousai.audio.files import write_audio
from mousai.cli import main
from mousai.data.annotation import attributes_of
from mousai.data.records import ANNOTATIONS, find_records
from mousai.errors import UserError
from mousai.evaluation.annotate import annotate_folder
from tests.mousai.evaluation.sounds import RATE, chords

# C, F, G, C at 100 bpm: a chord a bar, struck on every beat.
BAR = 2.4
CADENCE = ((60, 64, 67), (53, 57, 60), (55, 59, 62), (60, 64, 67))


def song() -> np.ndarray:
    beats = [chord for chord in CADENCE for _ in range(4)]
    sound = chords(beats, seconds=BAR / 4, times=2)
    return np.stack([sound, sound])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    music = tmp_path / "music"
    (music / "album").mkdir(parents=True)
    write_audio(music / "album" / "hymn.flac", song(), RATE)
    write_audio(music / "silence.flac", np.zeros((2, 3 * RATE), np.float32), RATE)
    (music / "album" / "hymn.json").write_text('{"key": "A minor", "caption": "a hymn"}')
    return music


def rows(folder: Path) -> dict[str, dict]:
    lines = (folder / ANNOTATIONS).read_text(encoding="utf-8").splitlines()
    return {row["file_name"]: row for row in map(json.loads, lines)}


@pytest.fixture
def annotated(folder: Path) -> Path:
    annotate_folder(folder)
    return folder


def test_what_is_missing_is_estimated_with_a_confidence(annotated: Path):
    row = rows(annotated)["album/hymn.flac"]
    assert "key" not in row  # a person wrote it
    assert any(abs(row["bpm"] - tempo) < 1 for tempo in (50, 100, 200))
    assert abs((row["first_downbeat"] + BAR / 2) % BAR - BAR / 2) < 0.05
    assert [part["label"] for part in row["chords"]][:3] == ["C:maj", "F:maj", "G:maj"]
    assert row["loudness"] < 0
    assert row["confidence"].keys() == {"bpm", "first_downbeat", "chords", "loudness"}
    assert all(0.5 <= sure <= 1 for sure in row["confidence"].values())


def test_of_silence_nothing_is_known(annotated: Path):
    assert rows(annotated)["silence.flac"]["confidence"] == {}


def test_records_have_both_and_the_persons_word_counts(annotated: Path):
    fields = {one.path.name: one.fields for one in find_records(annotated)}["hymn.flac"]  # type: ignore[union-attr]
    assert fields["caption"] == "a hymn" and "confidence" not in fields and "size" not in fields
    found = attributes_of(fields)
    assert found.key == (9, True) and found.tempo is not None


def test_a_second_call_goes_on_and_listens_to_new_files_alone(annotated: Path):
    before = (annotated / ANNOTATIONS).read_bytes()
    again = annotate_folder(annotated)
    assert again.already == ["album/hymn.flac", "silence.flac"] and not any(again.counts.values())
    assert (annotated / ANNOTATIONS).read_bytes() == before
    write_audio(annotated / "silence.flac", np.zeros((2, 4 * RATE), np.float32), RATE, overwrite=True)
    assert annotate_folder(annotated).already == ["album/hymn.flac"]


def test_what_is_not_certain_enough_is_left_out(folder: Path):
    found = annotate_folder(folder, min_confidence=1.0)
    assert found.counts["chords"] == 0 and found.unsure["chords"] == 2
    assert found.counts["loudness"] == 1


def test_bad_files_are_named_and_the_others_annotated(folder: Path):
    (folder / "broken.flac").write_bytes(b"fLaC")
    found = annotate_folder(folder)
    assert list(found.bad) == ["broken.flac"]
    assert rows(folder).keys() == {"album/hymn.flac", "silence.flac"}


def test_an_interrupted_call_keeps_what_it_has(folder: Path):
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        annotate_folder(folder, each=stop)
    assert list(rows(folder)) == ["album/hymn.flac"]


def test_somebody_elses_table_is_not_replaced(folder: Path):
    table = folder / ANNOTATIONS
    table.write_text('{"file_name": "album/hymn.flac", "bpm": 90}\n')
    for overwrite in (False, True):
        with pytest.raises(UserError, match="was not written by `mousai data annotate`"):
            annotate_folder(folder, overwrite=overwrite)
    assert "90" in table.read_text()


def test_the_command_says_what_it_found(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["data", "annotate", str(folder)]) == 0
    told = capsys.readouterr().out
    assert "chords:         1 songs, 1 too uncertain" in told and told.endswith(f"{folder / ANNOTATIONS}\n")
    assert main(["data", "annotate", str(folder), "--min-confidence", "2"]) == 2
    assert "--min-confidence 2: must be 0 to 1" in capsys.readouterr().err


def test_a_tempo_in_a_csv_table_counts(folder: Path):
    (folder / "album" / "metadata.csv").write_text("file_name,bpm\nhymn.flac,100\n")
    annotate_folder(folder)
    row = rows(folder)["album/hymn.flac"]
    assert "bpm" not in row and abs((row["first_downbeat"] + BAR / 2) % BAR - BAR / 2) < 0.05
