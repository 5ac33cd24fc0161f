"""Music that is not finite is an error and no file."""

import pytest
import torch

from mousai import Mousai, UserError
from mousai.cli import main
from mousai.codec import limited
from mousai.storage.weights import load_tensors, save_tensors


def spoil(folder, part, number: float) -> None:
    path = folder / part / "model.safetensors"
    save_tensors(path, {key: torch.full_like(weight, number) for key, weight in load_tensors(path)[0].items()})


@pytest.mark.parametrize("part", ["latent_diffusion", "autoencoder"])
def test_weights_that_overflow_make_no_file(model_copy, tmp_path, capsys, part):
    spoil(model_copy, part, 1e30)
    words = [
        "generate",
        "jazz",
        "--model",
        str(model_copy),
        "--dtype",
        "float32",
        "--duration",
        "0.1",
        "--device",
        "cpu",
    ]
    assert main([*words, "-o", str(tmp_path / "a.wav")]) == 2
    said = capsys.readouterr().err
    assert "numbers that are not finite" in said and "Traceback" not in said
    assert not (tmp_path / "a.wav").exists()


def test_latents_that_are_not_finite_are_an_error_too(model_copy):
    spoil(model_copy, "latent_diffusion", 1e30)
    pipeline = Mousai.from_pretrained(model_copy, device="cpu", dtype="float32")
    pipeline.set_progress_bar_config(disable=True)
    with pytest.raises(UserError, match="not finite"):
        pipeline("jazz", duration=0.1, output_type="latent", seed=0)


def test_samples_that_are_not_finite_are_an_error():
    for number in (float("nan"), float("inf")):
        with pytest.raises(UserError, match="not finite"):
            limited(torch.full((1, 2, 100), number))
