"""What is the same to the bit without `exact`: the same call, in the same batch, with as many threads."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from mousai import Mousai
from tests.mousai.editing.recordings import music

PROMPTS = ["calm piano pop, 100 bpm", "fast metal in A minor"]
QUICK: dict[str, Any] = {"num_inference_steps": 2, "decoder_steps": 2, "seed": 5}


def load(model: Path, dtype: str) -> Mousai:
    pipe = Mousai.from_pretrained(model, dtype=dtype, device="cpu")
    pipe.set_progress_bar_config(disable=True)
    return pipe


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_same_call_in_one_process_also_after_an_exact_one(saved_model: Path, dtype: str):
    def made() -> list[torch.Tensor]:
        edited = pipe(PROMPTS[0], inpaint_audio=music(0.5), duration=0.8, **QUICK)
        return [pipe(PROMPTS, duration=0.2, **QUICK).audios, edited.audios]

    pipe, other = load(saved_model, dtype), load(saved_model, "float32")
    torch.set_num_threads(2)
    try:
        first = made()
        other(PROMPTS, duration=0.1, exact=True, **QUICK)
        assert torch.get_num_threads() == 2
        assert all(torch.equal(*both) for both in zip(first, made(), strict=True))
        pipe = load(saved_model, dtype)
        assert all(torch.equal(*both) for both in zip(first, made(), strict=True))
    finally:
        torch.set_num_threads(1)


def test_another_batch_and_another_number_of_threads_are_near_in_float32(saved_model: Path):
    pipe = load(saved_model, "float32")
    alone = pipe(PROMPTS[0], duration=0.2, **QUICK).audios
    torch.set_num_threads(2)
    try:
        batch = pipe(PROMPTS, duration=0.2, **QUICK).audios[:1]
    finally:
        torch.set_num_threads(1)
    away = (batch - alone).double().square().mean() / alone.double().square().mean()
    assert float(away) < 1e-6  # 60 dB


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_same_command_in_two_processes_of_two_threads(saved_model: Path, tmp_path: Path, dtype: str):
    words = ["generate", PROMPTS[0], "--model", str(saved_model), "--dtype", dtype, "--duration", "0.2", "--seed", "5"]
    for name in ("a.wav", "b.wav"):
        command = [sys.executable, "-m", "mousai", *words, "-o", name]
        environment = {**os.environ, "OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "passive"}
        subprocess.run(command, check=True, env=environment, cwd=tmp_path, capture_output=True)
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()
