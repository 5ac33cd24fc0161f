"""`mousai evaluate` from the command line: a miniature model from end to end, and what it refuses at once."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mousai.audio.files import write_audio
from mousai.cli import main


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["evaluate", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_model_is_evaluated_from_end_to_end(
    saved_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    code, said, _ = run(
        capsys, str(saved_model), "--quick", "--reworded", "--no-true-renders", "--songs", "0", "-o", str(out)
    )
    assert code == 0
    assert "style" in said and "MISSED" in said and said.rstrip().endswith("report.html")
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    name = str(saved_model)
    assert [len(clips) for clips in report["clips"].values()] == [4]
    assert report["summaries"][name]["style"]["asked"] == 4
    assert {"style", "clipped pieces", "CPU for 20 s of music"} <= {target["name"] for target in report["targets"]}
    tempo = next(target for target in report["targets"] if target["name"] == "tempo")
    assert tempo["verdict"] == "not measured"  # a share of what the judge hears, which nobody asked it
    assert report["reworded"]["no prompt"]["pieces"] == 4
    assert report["reworded"]["other order"]["style"]["asked"] == 2
    words = next(target for target in report["targets"] if target["name"] == "meaningless words (as written)")
    assert re.match(r"style \d of 2 \(\d\), tempo \d of 2 \(\d\), ", words["shown"])
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.count("<audio") == 4 and 'src="clips/000-a.flac"' in page
    assert page.count("data:image/png;base64,") >= 4


def test_a_folder_of_clips_is_judged_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    noise = 0.1 * np.random.default_rng(0).standard_normal((2, 4 * 48000)).astype(np.float32)
    write_audio(folder / "a.wav", noise, 48000)
    write_audio(folder / "b.wav", np.zeros_like(noise), 48000)
    rows = [{"file_name": "a.wav", "prompt": "drum solo, 90 bpm"}, {"file_name": "b.wav", "prompt": "pop in A minor"}]
    (folder / "clips.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    out = tmp_path / "out"
    code, said, _ = run(capsys, "--clips", str(folder), "--no-true-renders", "--songs", "0", "-o", str(out))
    assert code == 0 and "theirs" in said
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    found = report["summaries"]["theirs"]
    assert found["tempo"]["asked"] == found["key"]["asked"] == 1 and "style" not in found
    assert found["levels"]["silent"] == 1 and found["key"]["right"] == 0
    assert not (out / "clips").exists()


@pytest.mark.fluidsynth
def test_a_model_plays_the_prompts_of_clips_beside_them_and_the_composer(
    saved_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    write_audio(folder / "a.wav", 0.1 * np.ones((1, 96000), dtype=np.float32), 48000)
    row = {"file_name": "a.wav", "prompt": "a waltz, 120 bpm, D major", "genre": "classical", "style": "waltz"}
    row |= {"lead": "theremin"}  # is none of the composer's, and no judge knows it
    (folder / "metadata.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    out = tmp_path / "out"
    asked = (str(saved_model), "--quick", "--clips", str(folder), "--songs", "1", "-o", str(out))
    assert run(capsys, *asked)[0] == 0
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert {name: len(clips) for name, clips in report["clips"].items()} == {
        str(saved_model): 1,
        "theirs": 1,
        "true renders": 1,
    }
    assert report["summaries"]["true renders"]["style"]["right"] == 1
    assert report["summaries"]["true renders"]["key"]["right"] == 1
    assert "lead" not in report["summaries"]["theirs"]
    assert set(report["autoencoder"]["medians"]) == {"songs"}
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "theirs" in page and "Griffin-Lim, latent" in page and "Opus" in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--prompts", "41"], "--prompts 41: must be 1 to 40"),
        (["--prompts", "0"], "--prompts 0: must be 1 to 40"),
        (["--seed", "-1"], "--seed -1: must be 0 or more"),
        (["--long", "20"], "--long 20: must be 40 to 3600 seconds"),
        (["--reworded", "--clips", "."], "--reworded: is measured on the prompts of this command"),
        (["--long", "nan"], "--long nan: must be"),
        (["--songs", "-1"], "--songs -1: must be 0 to 1000"),
        (["--clips", "nowhere"], "--clips nowhere: no such folder"),
        (["--clips", ".", "--prompts", "3"], "--prompts: with --clips the prompts are those of the clips"),
        (["--files", "nothing.wav"], "--files nothing.wav: no such file"),
        (["--training-songs", "."], "--training-songs .: holds no metadata.jsonl"),
        (["--revision", "abc"], "--revision: is the commit of a model of the hub"),
        (["nowhere"], "nowhere: no such folder"),
        (["--dtype", "int8"], "argument --dtype: invalid choice"),
    ],
)
def test_mistakes_are_one_line(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        code = main(["evaluate", *arguments])
    except SystemExit as stopped:  # as argparse does
        code = int(str(stopped.code))
    said = capsys.readouterr().err
    assert code == 2 and message in said and said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_mistake_is_said_before_anything_heavy_is_loaded() -> None:
    script = (
        "import sys\nfrom mousai.cli import main\ncode = main(['evaluate', '--prompts', '99'])\n"
        "print(code, sorted({'torch', 'librosa', 'sklearn', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2", "[]"]


def test_a_folder_of_clips_with_a_bad_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "clips.jsonl").write_text('{"file_name": "none.wav"}\n', encoding="utf-8")
    code, _, said = run(capsys, "--clips", str(tmp_path), "-o", str(tmp_path / "out"))
    assert code == 2 and "none.wav does not exist" in said
    assert not (tmp_path / "out").exists()
