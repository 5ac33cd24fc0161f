"""`mousai info`."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import load_file, save_file

from ..adapters import write_adapter
from .helpers import generate


def test_what_a_model_is(mousai, saved_model: Path, no_weights):
    shown = mousai("info", saved_model)
    assert shown.code == 0 and shown.err == ""
    total = 0
    for part in ("text_encoder", "latent_diffusion", "autoencoder"):
        count = sum(tensor.numel() for tensor in load_file(saved_model / part / "model.safetensors").values())
        total += count
        assert re.search(rf"{part.replace('_', ' ')}: +{count:,} parameters", shown.out)
    assert f"{total:,} parameters" in shown.out
    for words in (
        str(saved_model),
        "A model in miniature.\nIts weights are random.\n",
        "48000 Hz, stereo",
        "8 channels, 46.88 frames a second: 256 times fewer",
        "64 tokens",
        "--steps 3 --guidance-scale 2 --attribute-guidance-scale 0 --sampler ddim --time-grid uniform",
        "--decoder-steps 2 --griffin-lim 0 --decoder-start 1",
    ):
        assert words in shown.out


def test_whether_a_model_has_usual_tempos(mousai, model_copy: Path, no_weights):
    words = re.compile(r"usual tempo: +learned, for prompts that state none")
    assert not words.search(mousai("info", model_copy).out)
    (model_copy / "text_encoder" / "usual_tempo.json").write_text(json.dumps({"weight": [0.0] * 32, "bias": 7.0}))
    assert words.search(mousai("info", model_copy).out)


def test_info_of_what_is_no_model(mousai, work: Path, model_copy: Path, no_weights):
    assert "no such folder" in mousai("info", "nowhere").error()
    assert "model_index.json" in mousai("info", work).error()
    (work / "a.txt").write_text("words")
    assert "a.txt" in mousai("info", "a.txt").error()
    assert "--revision" in mousai("info", "a.txt", "--revision", "abc").error()
    soundfile.write("plain.wav", np.zeros((100, 1)), 8000)
    shown = mousai("info", "plain.wav")
    assert shown.code == 0 and "not made by mousai" in shown.out
    (model_copy / "latent_diffusion" / "model.safetensors").unlink()
    assert "latent_diffusion/model.safetensors" in mousai("info", model_copy).error()


# ---- adapters, and --model


@pytest.fixture
def adapter(work: Path, saved_model: Path) -> Path:
    """An adapter of all matrices of the model, as `mousai export` writes one."""
    write_adapter(work / "adapter.safetensors", saved_model, value=0.0)
    return work / "adapter.safetensors"


def test_what_an_adapter_is(mousai, adapter: Path, saved_model: Path, no_weights):
    shown = mousai("info", adapter)
    assert shown.code == 0 and shown.err == "" and len(shown.out) < 600
    tensors = load_file(adapter)
    for words in (
        f"{adapter}: an adapter (LoRA); mousai generate PROMPT --lora {adapter} -o OUT",
        "trained on:       miniature",
        "rank:             2, alpha 4.0",
        f"{len(tensors) // 2} weights, by {sum(one.numel() for one in tensors.values()):,} parameters",
    ):
        assert words in shown.out
    assert f"fits:             {saved_model}" in mousai("info", adapter, "--model", saved_model).out


def test_an_adapter_of_another_model(mousai, adapter: Path, saved_model: Path, no_weights):
    tensors = load_file(adapter)
    name = next(iter(tensors)).rpartition(".lora_")[0]
    tensors[f"{name}.lora_B"] = torch.zeros(99, 2)
    save_file(tensors, adapter, metadata={"format": "mousai lora", "rank": "2", "alpha": "4"})
    told = mousai("info", adapter, "--model", saved_model).error()
    assert f"is an adapter of another model than {saved_model} ({name}: [" in told


def test_a_latent_beside_a_model(mousai, latent_file: Path, saved_model: Path, model_copy: Path):
    assert f"fits the model {saved_model}" in mousai("info", latent_file, "--model", saved_model).out
    path = model_copy / "autoencoder" / "model.safetensors"
    save_file({key: 2 * value for key, value in load_file(path).items()}, path)
    assert "other weights" in mousai("info", latent_file, "--model", model_copy).error()


def test_the_model_may_be_given_as_an_option(mousai, work: Path, saved_model: Path):
    assert mousai("info", "--model", saved_model).out == mousai("info", saved_model).out
    assert "give one of the two" in mousai("info", saved_model, "--model", saved_model).error()
    soundfile.write("plain.wav", np.zeros((100, 1)), 8000)
    assert "no latent and no adapter" in mousai("info", "plain.wav", "--model", saved_model).error()


def test_the_device_that_auto_takes_and_why(mousai, saved_model: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "A fast GPU")
    shown = mousai("info", saved_model).out
    assert "device:           cuda: A fast GPU, the first of 2 GPUs (--device auto)" in shown


def test_a_model_with_a_part_of_its_makers_own(mousai, work: Path, model_copy: Path):
    path = model_copy / "model_index.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "own": {"text_encoder": "Letters"}}))
    shown = mousai("info", model_copy)
    assert shown.code == 0 and "text encoder:     of its maker's own, a Letters" in shown.out
    told = mousai(*generate(model_copy, "-o", "a.wav")).error()
    assert "text_encoder: was written by a class Letters of its maker's own" in told
