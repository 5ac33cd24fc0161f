"""`mousai info`."""

import re
from pathlib import Path

import numpy as np
import soundfile
from safetensors.torch import load_file


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
    ):
        assert words in shown.out


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
