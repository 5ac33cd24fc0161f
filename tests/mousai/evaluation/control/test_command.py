"""`mousai evaluate --control` from end to end with models in miniature, and what is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mousai.audio.files import write_audio
from mousai.cli import main
from mousai.evaluation.control_config import PARTS
from mousai.evaluation.metrics.control_metrics import CONTROL_METRICS
from mousai.evaluation.report.control import ASKED
from tests.mousai.evaluation.sounds import RATE, chords
from tests.mousai.refusing import refused_command

PROGRESSION = ((60, 64, 67), (65, 69, 72), (67, 71, 74), (60, 64, 67))
LABELS = ("C:maj", "F:maj", "G:maj", "C:maj")


@pytest.fixture(scope="module")
def references(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two annotated songs of 12 s: a cadence, and the same a tone higher."""
    folder = tmp_path_factory.mktemp("references")
    rows = []
    for number, shift in enumerate((0, 2)):
        sound = chords([tuple(note + shift for note in chord) for chord in PROGRESSION], times=3)
        write_audio(folder / f"{number}.wav", np.stack([sound, sound]), RATE)
        labels = LABELS if not shift else ("D:maj", "G:maj", "A:maj", "D:maj")
        events = [[float(second), second + 1.0, labels[second % 4]] for second in range(12)]
        tune = [[second / 2, second / 2 + 0.5, 72 + shift + second % 5] for second in range(24)]
        key = "D major" if shift else "C major"
        rows.append({"file_name": f"{number}.wav", "style": "waltz", "bpm": 120, "first_downbeat": 0.0, "key": key})
        rows[-1] |= {"chords": events, "melody": tune}
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["evaluate", "--control", "--quick", "--device", "cpu", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def read_report(out: Path) -> Any:
    return json.loads((out / "report.json").read_text(encoding="utf-8"))


@pytest.mark.slow
def test_everything_is_measured_and_an_interrupted_run_goes_on(
    controlled_model: Path, references: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    given = (str(controlled_model), "--references", str(references), "--control-songs", "2", "-o", str(out))
    code, said, _ = run(capsys, *given)
    assert code == 0
    report = read_report(out)
    assert set(report["control"]) == set(PARTS) and "clips" not in report
    assert set(report["metrics"]) == set(CONTROL_METRICS)
    for name in ("edit.outside", "extend.outside", "loop.length"):  # whatever the weights are
        assert report["metrics"][f"control.{name}"]["value"] == 1.0
    recall = report["metrics"]["control.chords.recall"]
    assert recall["reference"] > 0.8 and recall["total"] == 2 and recall["by_chance"] is not None
    table = said.splitlines()
    assert table[0].split()[:3] == ["control", "asked", "measured"]
    assert table[1].split()[0] == "edit.outside" and table[1].split()[-1] == "yes"
    page = (out / "report.html").read_text(encoding="utf-8")
    assert 'src="control/extend/000.flac"' in page and 'src="control/stream/changes/001.flac"' in page
    # A song that is gone, as after an interruption, is made again; nothing else is.
    kept = out / "control" / "edit" / "000.flac"
    before = kept.stat().st_mtime_ns
    (out / "control" / "edit" / "001.flac").unlink()
    limits = tmp_path / "limits.yaml"
    limits.write_text("control.edit.outside: {at_least: 1}\ncontrol.loop.length: {at_least: 1}\n", encoding="utf-8")
    code, said, progress = run(capsys, *given, "--require", str(limits))
    assert code == 0 and said.splitlines()[-1] == "all 2 limits hold"
    assert "editing" in progress and "extending" not in progress and "looping" not in progress
    assert kept.stat().st_mtime_ns == before


def test_a_model_without_chords_and_melody_gets_a_line_for_each(
    saved_model: Path, references: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    options = ("--references", str(references), "--control-parts", "chords", "melody", "loop", "-o", str(out))
    code, said, _ = run(capsys, str(saved_model), *options)
    assert code == 0
    assert "chords: this model does not follow chords" in said and "melody: this model does not follow melody" in said
    report = read_report(out)
    assert report["control"]["chords"] == "this model does not follow chords"
    assert report["metrics"]["control.loop.length"]["value"] == 1.0
    assert "does not follow melody" in (out / "report.html").read_text(encoding="utf-8")


def test_songs_of_which_too_little_is_known(
    saved_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "songs").mkdir()
    write_audio(tmp_path / "songs" / "a.wav", 0.1 * np.ones((2, RATE), np.float32), RATE)
    options = ("--references", str(tmp_path / "songs"), "--control-parts", "edit", "-o", str(tmp_path / "out"))
    code, _, said = run(capsys, str(saved_model), *options)
    assert code == 2 and said.count("\n") == 1
    assert "holds no song that is long enough and has a tempo, for edit" in said


def test_every_limit_of_the_table_is_a_metric() -> None:
    assert set(ASKED) <= set(CONTROL_METRICS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--control", "--control-songs", "0"], "--control-songs 0: must be 1 to 1000"),
        (["--control-songs", "3"], "--control-songs: says how control is measured; give --control too"),
        (["--control", "--control-stream-seconds", "1"], "--control-stream-seconds 1: must be 4 to 7200 seconds"),
        (["--control", "--references", "nowhere"], "--references nowhere: no such folder"),
        (["--control", "--control-parts", "mix"], "argument --control-parts: invalid choice: 'mix'"),
        (["--control", "--prompts", "3"], "--prompts: is measured on clips of prompts; give --control-and-clips"),
        (["--control", "--long", "60"], "--long: is measured on clips of prompts; give --control-and-clips"),
        (["--control", "--control-and-clips"], "--control: is part of --control-and-clips; leave one of the two out"),
        (["--control-and-clips", "--clips", "."], "--control-and-clips: measures control of a model; give a MODEL"),
    ],
)
def test_mistakes_are_one_line(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert message in refused_command(["evaluate", *arguments], tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize(
    ("limit", "options", "message"),
    [
        ("control.edit.seam: {at_most: 1}", (), "control.edit.seam is not measured with these options; give --control"),
        ("genre: {at_least: 1}", ("--control",), "genre is measured on clips of prompts; give --control-and-clips"),
        (
            "control.loop.seam: {at_most: 1}",
            ("--control", "--control-parts", "edit"),
            "control.loop.seam is not measured with these options; add loop to --control-parts",
        ),
        ("control.loop.seam: {at_most_of_reference: 1}", ("--control",), "control.loop.seam: has no reference"),
    ],
)
def test_limits_that_could_not_be_decided_are_refused(
    limit: str,
    options: tuple[str, ...],
    message: str,
    saved_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "limits.yaml"
    path.write_text(limit + "\n", encoding="utf-8")
    out = tmp_path / "out"
    code = main(["evaluate", str(saved_model), "--require", str(path), "-o", str(out), *options])
    said = capsys.readouterr().err
    assert code == 2 and message in said and said.count("\n") == 1 and not out.exists()
