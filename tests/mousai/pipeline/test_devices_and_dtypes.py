"""Devices and dtypes of a pipeline, and the parts that stay in float32."""

from pathlib import Path

import pytest
import torch

from mousai.pipeline import Mousai
from tests.mousai.pipeline.quick_calls import PROMPT, QUICK
from tests.mousai.refusing import refused


def test_bfloat16_is_for_the_two_nets_and_sounds_much_the_same(pipeline: Mousai, saved_model: Path):
    half = Mousai.from_pretrained(saved_model, dtype="bfloat16")
    for net in (half.latent_diffusion.net, half.autoencoder.decoder):
        assert next(net.parameters()).dtype == torch.bfloat16
    for part in (half.text_encoder, half.autoencoder.encoder, half.autoencoder.prior):
        assert next(part.parameters()).dtype == torch.float32
    audios = half(PROMPT, **QUICK, seed=1).audios
    assert audios.dtype == torch.float32
    exact = pipeline(PROMPT, **QUICK, seed=1).audios
    assert torch.corrcoef(torch.stack([audios.flatten(), exact.flatten()]))[0, 1] > 0.9


def test_what_is_not_named_stays(saved_model: Path):
    pipe = Mousai.from_pretrained(saved_model, dtype="bfloat16", device="cpu")
    assert pipe.to("cpu").dtype == torch.bfloat16
    assert pipe.to(dtype="float32").dtype == torch.float32
    assert pipe.to(torch.bfloat16).dtype == torch.bfloat16
    for part in (pipe.text_encoder, pipe.autoencoder.encoder):  # everything but the U-Nets
        assert next(part.parameters()).dtype == torch.float32
    for net in (pipe.latent_diffusion.net, pipe.autoencoder.decoder):
        assert next(net.parameters()).dtype == torch.bfloat16
    assert Mousai.from_pretrained(saved_model, dtype=torch.bfloat16).dtype == torch.bfloat16


def test_devices_and_dtypes_by_position_as_in_torch(saved_model: Path):
    pipe = Mousai.from_pretrained(saved_model, dtype="float32", device="cpu")
    assert pipe.to("cpu", "bfloat16").dtype == torch.bfloat16
    assert "dtype='float64'" in refused(pipe.to, "cpu", "float64")
    assert "dtype='torch.int8'" in refused(pipe.save_pretrained, saved_model, dtype=torch.int8)
    with pytest.raises(TypeError, match="guidance_scale"):
        pipe.decode(torch.zeros(1, 8, 1), guidance_scale=4.0)
