"""`--exact`: the same bytes on the command line, and what a file says of it."""

import os
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mousai.audio.files import read_audio, read_metadata
from mousai.cli.common.made_again import command_of
from mousai.pipeline import Mousai
from mousai.storage.folders import describe

from ..adapters import write_adapter
from .helpers import generate, tone

FEW = ("--steps", 1, "--decoder-steps", 1)


@pytest.fixture(autouse=True)
def short_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    from mousai.streaming import latents

    for name, seconds in (("FIRST_WINDOW", 1.0), ("NEW", 1.0), ("CONTEXT", 0.5)):
        monkeypatch.setattr(latents, name, seconds)


COMMANDS = {
    "generate": ("calm piano", "--duration", 0.2),
    "edit": ("in.wav", "jazz", "--region", "0.1:0.3", "--no-estimates"),
    "extend": ("in.wav", "jazz", "--after", 0.3, "--no-estimates"),
    "vary": ("in.wav", "jazz", "--strength", 0.5, "--no-estimates"),
    "loop": ("jazz", "--bars", 1, "--tempo", 290),
    "play": ("calm piano, 240 bpm", "--seconds", 1.2),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_says_so_and_is_made_again_with_two_threads(mousai, work: Path, saved_model: Path, command: str):
    tone(work / "in.wav", 0.5)
    words = [command, *COMMANDS[command], "-o", "a.wav", "--model", saved_model, "--seed", 3, *FEW, "--exact"]
    assert mousai(*words).code == 0
    made = read_metadata("a.wav")
    assert (made["exact"], made["dtype"]) == ("True", "float32")  # --dtype is auto
    again = shlex.split(mousai("info", "a.wav").out.splitlines()[-1])
    assert "--exact" in again and again[again.index("-o") + 1] == "a-again.wav"
    torch.set_num_threads(2)
    try:
        assert mousai(*again[1:]).code == 0
    finally:
        torch.set_num_threads(1)
    assert np.array_equal(read_audio("a.wav"), read_audio("a-again.wav"))


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["--dtype", "bfloat16"], "--exact: is promised in float32 alone, not in bfloat16; "),
        (["--compile"], "--exact: is not promised of compiled nets"),
    ],
)
@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_not_exact_is_refused_before_weights_are_loaded(
    mousai, work: Path, saved_model: Path, no_weights, command: str, words: list[str], shown: str
):
    tone(work / "in.wav", 0.5)
    error = mousai(command, *COMMANDS[command], "-o", "a.wav", "--model", saved_model, "--exact", *words).error()
    assert shown in error and not (work / "a.wav").exists()


def test_a_gpu_is_refused(mousai, work: Path, saved_model: Path, no_weights, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a GPU")
    error = mousai(*generate(saved_model, "-o", "a.wav", "--exact")).error()
    assert "--exact: is promised on the CPU alone, not on cuda; load the model with device cpu" in error


def test_a_model_may_be_exact_unless_it_is_told_otherwise(mousai, work: Path, model_copy: Path):
    pipe = Mousai.from_pretrained(model_copy, dtype="float32", device="cpu")
    pipe.defaults = replace(pipe.defaults, exact=True)
    pipe.save_pretrained(work / "model")
    assert describe(work / "model").defaults.exact
    assert "--exact" in mousai("info", "model").out and "--exact" not in mousai("info", model_copy).out
    assert "--exact: " in mousai(*generate(Path("model"), "-o", "a.wav"), "--dtype", "bfloat16").error()
    assert mousai(*generate(Path("model"), "-o", "a.wav")).code == 0 and read_metadata("a.wav")["exact"] == "True"
    assert mousai(*generate(Path("model"), "-o", "b.wav", "--no-exact")).code == 0
    assert "--no-exact" in shlex.split(mousai("info", "b.wav").out.splitlines()[-1])


def test_a_strangers_file_sets_it_or_not_and_adds_no_word():
    made = {"mousai": "0.1.0", "prompt": "jazz", "seed": "3"}
    plain = command_of(made, "again.wav")
    for more in ({"exact": "rm"}, {"exact": "--yes"}, {"no_exact": "another prompt"}, {"exact": ""}):
        assert command_of({**made, **more}, "again.wav") == plain
    assert shlex.split(command_of({**made, "exact": "True"}, "again.wav") or "").count("--exact") == 1


@pytest.mark.slow
def test_processes_of_one_and_two_threads_write_the_same_file(work: Path, saved_model: Path):
    write_adapter(work / "adapter.safetensors", saved_model, value=0.013)
    command, prompt, *more = generate(saved_model, "--seed", "5", "--exact", "--lora", "adapter.safetensors")
    for count, prompts in ((1, []), (2, ["metal", "jazz"])):
        environment = {**os.environ, "OMP_NUM_THREADS": str(count), "OMP_WAIT_POLICY": "passive"}
        words = [sys.executable, "-m", "mousai", command, prompt, *prompts, *more, "-o", f"{count}.wav"]
        subprocess.run([str(word) for word in words], check=True, env=environment, cwd=work, capture_output=True)
    assert (work / "1.wav").read_bytes() == (work / "2-1.wav").read_bytes()
