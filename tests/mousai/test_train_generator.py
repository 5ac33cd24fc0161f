"""Stage 2 can go on from a model folder."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from mousai import UserError, write_audio
from mousai.checkpoint import load_config, load_tensors
from mousai.folders import BUNDLED
from mousai.latent_config import LatentDiffusionConfig
from mousai.text import load_tokenizer
from mousai.training.generator import train_generator
from mousai.training.loop import TrainSettings


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    folder = tmp_path / "songs"
    folder.mkdir()
    time = np.arange(48000 * 3) / 48000
    write_audio(folder / "a.wav", np.stack([0.3 * np.sin(2 * np.pi * 440 * time)] * 2).astype(np.float32), 48000)
    (folder / "metadata.jsonl").write_text(json.dumps({"file_name": "a.wav", "caption": "one tone"}) + "\n")
    return folder


def test_goes_on_from_the_bundled_model(songs: Path, tmp_path: Path):
    out = tmp_path / "run"
    settings = TrainSettings(minutes=0.001, learning_rate=1e-4, warmup=1)
    train_generator(songs, BUNDLED / "autoencoder", out, settings, frames=16, batch=1, offsets=1, start_from=BUNDLED)
    before, after = (LatentDiffusionConfig.from_dict(load_config(of / "generator")) for of in (BUNDLED, out))
    assert before == after
    prompt = "calm piano pop, 100 bpm"
    assert load_tokenizer(out / "tokenizer")(prompt) == load_tokenizer(BUNDLED / "tokenizer")(prompt)
    before, _ = load_tensors(BUNDLED / "generator" / "model.safetensors")
    after, _ = load_tensors(out / "generator" / "model.safetensors")
    distance = {key: (after[key].float() - before[key].float()).norm() for key in before}
    assert sum(distance.values()) > 0  # it was trained
    size = torch.stack([value.float().norm() for value in before.values()]).sum()
    assert sum(distance.values()) < 0.1 * size  # from where it stood


def test_refuses_a_generator_of_another_autoencoder(songs: Path, tmp_path: Path, saved_model: Path):
    with pytest.raises(UserError, match="its generator is of another autoencoder"):
        train_generator(
            songs, BUNDLED / "autoencoder", tmp_path / "run", TrainSettings(minutes=1), start_from=saved_model
        )
