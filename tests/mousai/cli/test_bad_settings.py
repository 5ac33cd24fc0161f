"""Settings that are impossible, refused before weights are loaded."""

import json
from pathlib import Path

import pytest

from .helpers import generate, tone


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["--duration", "0"], "--duration 0"),
        (["--duration", "-3"], "--duration -3"),
        (["--duration", "nan"], "--duration nan"),
        (["--duration", "inf"], "--duration inf"),
        (["--duration", "1e9"], "3600"),
        (["--duration", "999999999999999999999999"], "3600"),
        (["--steps", "0"], "--steps 0"),
        (["--steps", "-1"], "--steps -1"),
        (["--steps", "1000000"], "--steps 1000000"),
        (["--decoder-steps", "0"], "--decoder-steps 0"),
        (["--sampler", "plms"], "--sampler plms: must be one of ddim, dpmpp_2m, dpmpp_2m_sde, heun, euler_ancestral"),
        (["--time-grid", "linear"], "--time-grid linear: must be one of uniform, cosine, karras, log_snr"),
        (["--guidance-scale", "-1"], "--guidance-scale -1"),
        (["--guidance-scale", "nan"], "--guidance-scale nan"),
        (["--guidance-scale", "1", "--negative-prompt", "drums"], "--guidance-scale 1: uses no --negative-prompt"),
        (["--seed", "-1"], "--seed -1"),
        (["--seed", "9" * 30], "--seed 9"),
        (["--count", "0"], "--count 0"),
        (["--count", "65"], "--count 65"),
        (["--negative-prompt", "x" * 20000], "--negative-prompt"),
        (["--negative-prompt", "\udcff"], "--negative-prompt"),
        (["--model", "nowhere"], "--model nowhere: no such folder"),
        (["--device", "gpu"], "--device gpu: must be auto, cpu, cuda, cuda:1 (the second one) or mps"),
        (["--device", "cuda:7"], "--device cuda:7: "),
        (["--device", "mps"], "--device mps: there is no Apple GPU here"),
        (["--model", "owner/name"], "revision"),
        (["--model", "."], "model_index.json"),
    ],
)
def test_impossible_settings(mousai, work: Path, saved_model: Path, no_weights, words: list[str], shown: str):
    error = mousai(*generate(saved_model, "-o", "out.wav", *words)).error()
    assert shown in error and len(error) < 300
    assert not list(work.iterdir())


def test_the_judges_are_named_where_they_are_missing(mousai, work: Path, saved_model: Path, no_weights, monkeypatch):
    monkeypatch.setattr("mousai.cli.generate.find_spec", lambda name: None)
    words = generate(saved_model, "-o", "out.wav", "--best-of", "2")
    assert "--best-of 2: needs the judges; " in mousai(*words).error()
    monkeypatch.setattr("mousai.cli.evaluate._NEEDED", ("yaml", "no_such_module"))
    assert "evaluating needs no_such_module; " in mousai("evaluate", saved_model, "-o", "out").error()
    assert not list(work.iterdir())


@pytest.mark.parametrize(
    ("prompt", "count", "said"),
    [
        ("jazz, 120 bpm", 0, "--best-of 0: must be 1 to"),
        ("music", 2, "prompt music: names no tempo, key or lead, by which the judges could choose"),
    ],
)
def test_what_the_judges_cannot_choose(mousai, work: Path, saved_model: Path, no_weights, prompt, count, said):
    words = ["generate", prompt, "-o", "a.wav", "--model", saved_model, "--best-of", count]
    assert said in mousai(*words).error()
    assert not list(work.iterdir())


def test_griffin_lim_without_magnitudes(mousai, work: Path, model_copy: Path, no_weights):
    path = model_copy / "autoencoder" / "config.json"
    config = json.loads(path.read_text())
    config["decoder"]["levels"][0]["inject_channels"] = 0
    path.write_text(json.dumps({**config, "prior": None}))
    words = generate(model_copy, "-o", "a.wav", "--griffin-lim", "4", "--decoder-start", "0.5")
    said = "--griffin-lim 4: needs an autoencoder with a magnitude prior, which this model has not; only 0 would do"
    assert mousai(*words).error() == f"mousai: error: {said}\n"


def test_prompts_of_a_stream_are_refused_before_a_model_is_looked_for(mousai, work: Path):
    long = "x" * 10001
    for given in ([long], ["jazz", "--negative-prompt", long]):
        error = mousai("play", *given, "--seconds", "1", "-o", "out.wav", "--model", "nowhere").error()
        assert error.endswith("prompt: 10001 characters; give a sentence or two, the model reads no more\n")


@pytest.mark.parametrize("prompt", ["x" * 20000, "🎹" * 2000, "bad \udcff bytes"])
def test_impossible_prompts(mousai, work: Path, saved_model: Path, no_weights, prompt: str):
    assert "prompt" in mousai("generate", prompt, "-o", "out.wav", "--model", saved_model).error()
    assert not list(work.iterdir())


@pytest.mark.parametrize("words", [["--decoder-steps", "0"], ["--seed", "-1"]])
def test_impossible_settings_of_the_decoder(
    mousai, work: Path, saved_model: Path, latent_file: Path, no_weights, words: list[str]
):
    for command in (["reconstruct", "in.wav"], ["decode", "a.safetensors"]):
        assert " ".join(words) in mousai(*command, "-o", "out.wav", "--model", saved_model, *words).error()


@pytest.mark.parametrize("device", ["gpu", "cuda:7"])
def test_a_device_that_is_not_there(mousai, work: Path, saved_model: Path, latent_file: Path, no_weights, device: str):
    for command in (["reconstruct", "in.wav", "-o", "b.wav"], ["decode", "a.safetensors", "-o", "b.wav"]):
        assert f"--device {device}: " in mousai(*command, "--model", saved_model, "--device", device).error()
    words = ["encode", "in.wav", "-o", "b.safetensors", "--model", saved_model]
    assert f"--device {device}: " in mousai(*words, "--device", device).error()
    assert {path.name for path in work.iterdir()} == {"in.wav", "a.safetensors"}


@pytest.mark.parametrize(
    "words",
    [
        ["--tempo", "3000"],
        ["--first-downbeat", "-1"],
        ["--key", "H"],
        ["--seed", "-1"],
        ["--steps", "0"],
        ["--lora-scale", "2"],
        ["--negative-prompt", "x" * 20000],
    ],
)
def test_what_needs_no_model_is_refused_before_one_is_looked_for(mousai, work: Path, words: list[str]):
    tone(work / "in.wav")
    for command in (["vary", "in.wav", "jazz"], ["loop", "--of", "in.wav", "jazz", "--region", "0:0.2"]):
        error = mousai(*command, "-o", "out.wav", "--model", "nowhere", *words).error()
        assert words[0] in error and "nowhere" not in error


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["generate", "a"], ["--steps", "0"]),
        (["loop", "a, 124 bpm"], ["--steps", "0"]),
        (["play", "a", "--seconds", "1"], ["--steps", "0"]),
        (["reconstruct", "in.wav"], ["--decoder-steps", "-1"]),
        (["reconstruct", "in.wav"], ["--seed", "-1"]),
        (["decode", "in.wav"], ["--decoder-steps", "-1"]),  # and before the latent is read
    ],
)
def test_settings_are_refused_before_a_model_is_looked_for(mousai, work: Path, command: list[str], words: list[str]):
    tone(work / "in.wav")
    error = mousai(*command, "-o", "out.wav", "--model", "nowhere", *words).error()
    assert f"{' '.join(words)}: " in error and "nowhere" not in error
