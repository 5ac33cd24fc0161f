"""`mousai reconstruct`, `encode` and `decode`."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from mousai.audio.files import audio_info, read_audio, read_metadata

from .helpers import everything_below, tone


@pytest.mark.parametrize(("rate", "channels", "seconds"), [(48000, 2, 0.2), (44100, 1, 0.3), (22050, 2, 1 / 22050)])
def test_reconstructing_keeps_the_duration(
    mousai, work: Path, saved_model: Path, rate: int, channels: int, seconds: float
):
    tone(work / "in.wav", seconds, rate=rate, channels=channels)
    done = mousai("reconstruct", "in.wav", "-o", "out.wav", "--model", saved_model, "--seed", "2")
    assert done.code == 0 and "out.wav: rendering" in done.err and "composing" not in done.err
    info = audio_info("out.wav")
    assert (info.sample_rate, info.channels, info.frames) == (48000, 2, read_audio("in.wav").shape[1])
    assert read_metadata("out.wav")["reconstructed_from"] == "in.wav"
    assert "in.wav" in mousai("info", "out.wav").out


def test_encoding_and_decoding_is_reconstructing(mousai, work: Path, saved_model: Path):
    tone(work / "in.wav", 0.123)
    model = ["--model", saved_model, "--dtype", "float32"]
    done = mousai("encode", "in.wav", "-o", "in.safetensors", *model)
    assert (done.code, done.err) == (0, "") and done.out == "in.safetensors: latent [8, 6], 0.12 s\n"
    assert load_file("in.safetensors")["latent"].shape == (8, 6)
    assert mousai("decode", "in.safetensors", "-o", "a.wav", *model, "--seed", "3").code == 0
    assert mousai("reconstruct", "in.wav", "-o", "b.wav", *model, "--seed", "3").code == 0
    assert audio_info("a.wav").frames == 5904
    assert np.array_equal(read_audio("a.wav"), read_audio("b.wav"))
    assert mousai("decode", "in.safetensors", "-o", "c.wav", *model, "--seed", "4").code == 0
    assert not np.array_equal(read_audio("a.wav"), read_audio("c.wav"))
    shown = mousai("info", "in.safetensors")
    assert shown.code == 0 and "[8, 6]" in shown.out and "0.12 s" in shown.out


def header(path: Path) -> dict[str, str]:
    from mousai.storage.weights import load_tensors

    return load_tensors(path)[1]


@pytest.mark.parametrize(
    ("tensors", "about", "shown"),
    [
        ({"latent": torch.zeros(9, 10)}, {}, "channels=9"),
        ({"latent": torch.zeros(8, 10)}, {"sample_rate": "44100"}, "sample_rate=44100"),
        ({"latent": torch.zeros(8, 10)}, {"hop_length": "1000"}, "hop_length=1000"),
        ({"latent": torch.zeros(8, 10)}, {"autoencoder": "0123456789abcdef"}, "other weights"),
        ({"latent": torch.zeros(8, 11)}, {}, "11 frames"),
        ({"latent": torch.zeros(8, 10)}, {"samples": "0"}, "samples='0'"),
        ({"latent": torch.zeros(8, 10)}, {"samples": "9" * 5000}, "samples="),
        ({"latent": torch.zeros(8, 10)}, {"samples": "many"}, "samples='many'"),
        ({"latent": torch.zeros(8, 10)}, {"samples": None}, "samples=''"),
        ({"latent": torch.full((8, 10), float("nan"))}, {}, "NaN"),
        ({"latent": torch.full((8, 10), float("inf"))}, {}, "NaN or infinity"),
        ({"latent": torch.zeros(8, 10, dtype=torch.int32)}, {}, "int32"),
        ({"latent": torch.zeros(1, 8, 10)}, {}, "[1, 8, 10]"),
        ({"latent": torch.zeros(8, 0)}, {}, "[8, 0]"),
        ({"weight": torch.zeros(8, 10)}, {}, "weight"),
        ({}, {}, "nothing"),
    ],
)
def test_a_latent_of_another_kind(
    mousai, work: Path, saved_model: Path, latent_file: Path, no_weights, tensors: dict, about: dict, shown: str
):
    stored = {**header(latent_file), **about}
    save_file(tensors, latent_file, metadata={key: value for key, value in stored.items() if value is not None})
    before = everything_below(work)
    error = mousai("decode", latent_file, "-o", "out.wav", "--model", saved_model).error()
    assert str(latent_file) in error and shown in error
    assert len(error) < 400 + 5000 * ("9999" in error)
    assert everything_below(work) == before


@pytest.mark.parametrize("content", [None, b"", b"no safetensors at all", b"\x00" * 64])
def test_a_latent_that_cannot_be_read(mousai, work: Path, saved_model: Path, no_weights, content: bytes | None):
    if content is not None:
        (work / "a.safetensors").write_bytes(content)
    assert "a.safetensors" in mousai("decode", "a.safetensors", "-o", "b.wav", "--model", saved_model).error()
    assert not (work / "b.wav").exists()


def test_a_latent_of_a_model_with_other_weights(mousai, work: Path, latent_file: Path, model_copy: Path):
    weights = model_copy / "autoencoder" / "model.safetensors"
    tensors = load_file(weights)
    save_file(
        {key: 2 * value if key == "encoder.net.linear.bias" else value for key, value in tensors.items()}, weights
    )
    assert "other weights" in mousai("decode", latent_file, "-o", "b.wav", "--model", model_copy).error()
    # Another decoder for the same latents is welcome.
    save_file({key: 2 * value if key.startswith("decoder.") else value for key, value in tensors.items()}, weights)
    assert mousai("decode", latent_file, "-o", "b.wav", "--model", model_copy).code == 0
