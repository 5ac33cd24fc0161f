"""`mousai evaluate` from the command line: a miniature model from end to end, limits, and what is refused at once."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mousai.audio.files import write_audio
from mousai.cli import main
from mousai.evaluation.config import EvaluationConfig, EvaluationResult
from mousai.evaluation.rendering import load_pipeline, model_hash
from tests.mousai.refusing import refused_command

from ..adapters import write_adapter


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["evaluate", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def write_limits(folder: Path, text: str) -> str:
    path = folder / "limits.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def read_report(out: Path) -> Any:
    return json.loads((out / "report.json").read_text(encoding="utf-8"))


def test_a_model_is_evaluated_from_end_to_end(
    saved_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    limits = write_limits(tmp_path, "genre: {at_least: 0, at_most: 1}\ncpu_seconds: {at_most: 1.0e-6}\n")
    options = ("--quick", "--prompt-robustness", "--no-reference-renders", "--songs", "0", "--require", limits)
    code, said, _ = run(capsys, str(saved_model), *options, "--device", "cpu", "-o", str(out))
    assert code == 1
    table, _, rest = said.partition("\n\n")
    assert table.startswith("metric") and "\ngenre " in table
    assert rest.splitlines()[0].endswith("report.html")
    assert rest.splitlines()[1].startswith("cpu_seconds: ") and rest.splitlines()[1].endswith("must be at most 1e-06")
    assert len(rest.splitlines()) == 2
    report = read_report(out)
    name = str(saved_model)
    assert [len(clips) for clips in report["clips"].values()] == [4]
    assert report["summaries"][name]["genre"]["total"] == 4
    metrics = report["metrics"]
    assert {"genre", "clipped", "cpu_seconds", "prompt_robustness.no_prompt.silent"} <= set(metrics)
    low, high = metrics["genre"]["interval"]
    assert low <= metrics["genre"]["value"] <= high and metrics["genre"]["reference"] is None
    assert report["prompt_robustness"]["no prompt"]["silent"]["total"] == 4
    order = metrics["prompt_robustness.other_order.genre"]
    assert order["total"] == 2 and order["reference"] is not None
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.count("<audio") == 4 and 'src="clips/000-a.flac"' in page
    assert page.count("data:image/png;base64,") >= 4
    # Once more: the clips are kept, and all limits hold.
    limits = write_limits(tmp_path, "genre: {at_least: 0}\nsilent: {at_most: 1}\n")
    code, said, progress = run(
        capsys,
        str(saved_model),
        "--quick",
        "--no-reference-renders",
        "--songs",
        "0",
        "--require",
        limits,
        "-o",
        str(out),
    )
    assert code == 0 and said.splitlines()[-1] == "all 2 limits hold"
    assert "generating" not in progress


def test_a_folder_of_clips_is_judged_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    noise = 0.1 * np.random.default_rng(0).standard_normal((2, 4 * 48000)).astype(np.float32)
    write_audio(folder / "a.wav", noise, 48000)
    write_audio(folder / "b.wav", np.zeros_like(noise), 48000)
    rows = [{"file_name": "a.wav", "prompt": "drum solo, 90 bpm"}, {"file_name": "b.wav", "prompt": "pop in A minor"}]
    (folder / "clips.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    out = tmp_path / "out"
    options = ("--clips", str(folder), "--no-reference-renders", "--songs", "0", "-o", str(out))
    code, said, _ = run(capsys, *options)
    assert code == 0 and "\nkey " in said and "\nsilent " in said
    report = read_report(out)
    found = report["summaries"]["theirs"]
    assert found["tempo"]["total"] == found["key"]["total"] == 1 and "genre" not in found
    assert found["levels"]["silent"]["count"] == 1 and found["key"]["count"] == 0
    assert not (out / "clips").exists()
    limits = write_limits(tmp_path, "silent: {at_most: 0}\ngenre: {at_least: 0.9}\n")
    code, said, _ = run(capsys, *options, "--require", limits)
    assert code == 1
    assert said.splitlines()[-2:] == ["silent: 0.5, must be at most 0", "genre: not measured; must be at least 0.9"]


@pytest.mark.fluidsynth
def test_a_model_plays_the_prompts_of_clips_beside_them_and_the_composer(
    saved_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    write_audio(folder / "a.wav", 0.1 * np.ones((1, 96000), dtype=np.float32), 48000)
    row = {"file_name": "a.wav", "prompt": "a waltz, 120 bpm, D major", "genre": "classical", "style": "waltz"}
    row |= {"lead": "theremin"}  # an instrument that neither the composer nor the judge knows
    (folder / "metadata.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    out = tmp_path / "out"
    code, said, _ = run(capsys, str(saved_model), "--quick", "--clips", str(folder), "--songs", "1", "-o", str(out))
    assert code == 0 and "theirs" in said.splitlines()[0] and "reference renders" in said.splitlines()[0]
    report = read_report(out)
    assert {name: len(clips) for name, clips in report["clips"].items()} == {
        str(saved_model): 1,
        "theirs": 1,
        "reference renders": 1,
    }
    assert report["summaries"]["reference renders"]["genre"]["count"] == 1
    assert report["summaries"]["reference renders"]["key"]["count"] == 1
    assert report["metrics"]["key"]["reference"] == report["metrics"]["reference.key"]["value"] == 1.0
    assert "lead" not in report["summaries"]["theirs"]
    assert set(report["autoencoder"]["medians"]) == {"songs"}
    distance = report["metrics"]["autoencoder.songs.log_mel_distance"]
    assert distance["value"] > 0 and distance["reference"] > 0
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "theirs" in page and "Griffin-Lim, latent" in page and "Opus" in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--prompts", "41"], "--prompts 41: must be 1 to 40"),
        (["--prompts", "0"], "--prompts 0: must be 1 to 40"),
        (["--seed", "-1"], "--seed -1: must be 0 or more"),
        (["--long", "20"], "--long 20: must be 40 to 3600 seconds"),
        (["--long", "nan"], "--long nan: must be"),
        (["--prompt-robustness", "--clips", "."], "--prompt-robustness: is measured on this command's own prompts"),
        (["--songs", "-1"], "--songs -1: must be 0 to 1000"),
        (["--two-sample-test", "5"], "--two-sample-test 5: must be 6 to 1000 songs"),
        (
            ["--two-sample-test", "6", "--clips", "."],
            "--two-sample-test: is a test of a model's autoencoder; give a MODEL",
        ),
        (["--clips", "nowhere"], "nowhere: no such folder"),
        (["--clips", ".", "--prompts", "3"], "--prompts: with clips, the prompts are those of the clips"),
        (["--files", "nothing.wav"], "--files nothing.wav: no such file"),
        (["--training-songs", "."], "--training-songs .: holds no metadata.jsonl"),
        (["--revision", "abc"], "--revision: is the commit of a model on the hub"),
        (["nowhere"], "nowhere: no such folder"),
        (["--lora", "none.safetensors"], "--lora none.safetensors: no such file"),
        (["--lora", "a", "--clips", "."], "--lora a: is added to a model, and clips alone are judged here; give MODEL"),
        (["--lora-scale", "2"], "--lora-scale 2: says how much of an adapter is added; give --lora too"),
        (["--dtype", "int8"], "argument --dtype: invalid choice"),
        (["--device", "tpu"], "--device tpu: must be auto, cpu, cuda"),
        (["--require", "none.yaml"], "--require none.yaml: no such file"),
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
    ("text", "message"),
    [
        ("gnre: {at_least: 0.9}", "'gnre' is not a metric; did you mean genre?"),
        ("genre: {at_least: 0.9", "is not YAML"),
        ("long_pieces.key: {at_least: 1}", "long_pieces.key is not measured with these options; give --long"),
    ],
)
def test_limits_are_checked_before_anything_is_generated(
    text: str, message: str, saved_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    code, _, said = run(capsys, str(saved_model), "--require", write_limits(tmp_path, text), "-o", str(out))
    assert code == 2 and message in said and said.count("\n") == 1
    assert not out.exists()


def test_a_model_with_an_adapter_is_another_model(
    saved_model: Path,
    controlled_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    adapter, out = tmp_path / "a.safetensors", tmp_path / "out"
    asked: list[EvaluationConfig] = []

    def evaluate(config: EvaluationConfig) -> EvaluationResult:
        asked.append(config)
        return EvaluationResult(settings=config.to_json(), judge_accuracy={})

    monkeypatch.setattr("mousai.evaluation.run.evaluate", evaluate)
    write_adapter(adapter, controlled_model)
    options = ("--lora", str(adapter), "--lora-scale", "0", "-o", str(out))
    code, _, said = run(capsys, str(saved_model), *options)
    assert code == 2 and "a.safetensors: is an adapter of another model than this" in said and not out.exists()
    write_adapter(adapter, saved_model)
    assert run(capsys, str(saved_model), *options)[0] == 0
    config = asked[0]
    assert config.to_json()["lora"] == str(adapter) and config.to_json()["lora_scale"] == 0
    assert config.model_name == f"{saved_model} with {adapter} at 0"
    adapted = load_pipeline(saved_model, device="cpu", dtype="float32", lora=adapter).latent_diffusion.state_dict()
    plain = load_pipeline(saved_model, device="cpu", dtype="float32", lora=adapter, lora_scale=0.0).latent_diffusion
    changed = {name for name, weight in plain.state_dict().items() if not weight.equal(adapted[name])}
    assert changed and all(name.startswith("net.") for name in changed)
    hashes = {
        model_hash(saved_model),
        model_hash(saved_model, lora=adapter),
        model_hash(saved_model, lora=adapter, lora_scale=0.5),
    }
    assert len(hashes) == 3 and model_hash(saved_model, lora=adapter, lora_scale=1.0) in hashes


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
    assert code == 2 and "clips.jsonl: row 1: " in said and "none.wav does not exist" in said
    assert not (tmp_path / "out").exists()
