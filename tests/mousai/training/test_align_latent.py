"""A new autoencoder is put onto the latent of an old one by a linear map in its weights."""

from pathlib import Path

import pytest
import torch
from torch import nn

from mousai.errors import UserError
from mousai.storage.folders import load_autoencoder
from mousai.training.align_latent import align_latent, linear_map, map_inputs


def test_a_layer_reads_a_latent_through_the_map_to_its_own() -> None:
    torch.manual_seed(0)
    old, true, bias = 0.2 * torch.randn(400, 6), torch.randn(6, 6), torch.randn(6)
    weight, found, left = linear_map(old, old @ true.T + bias)
    torch.testing.assert_close(weight, true, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found, bias, atol=1e-4, rtol=1e-4)
    assert left < 1e-6
    half = linear_map(torch.randn(4000, 6), torch.randn(4000, 6))[2]
    assert half > 0.98  # nothing in common
    layer, beside = nn.Linear(9, 4), torch.randn(400, 3)
    expected = layer(torch.cat([beside, old @ true.T + bias], dim=1))
    map_inputs(layer, true, bias)
    torch.testing.assert_close(layer(torch.cat([beside, old], dim=1)), expected, atol=1e-4, rtol=1e-4)


def test_a_latent_that_was_only_rotated_gives_the_same_magnitudes(saved_model: Path) -> None:
    old, new = load_autoencoder(saved_model), load_autoencoder(saved_model)
    wave = 0.1 * torch.randn(1, 2, 60 * 1024, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        turn = torch.linalg.qr(torch.randn(8, 8, generator=torch.Generator().manual_seed(1)))[0]
        for layer in (new.encoder.net.linear, new.encoder.net.to_out):
            layer.weight.copy_(turn @ layer.weight)
            layer.bias.copy_(turn @ layer.bias)
        latents = tuple(model.encode(wave)[0].T for model in (old, new))
        for layer in (new.prior.net.linear, new.prior.net.to_in):
            layer.weight.copy_(layer.weight @ turn.T)
        bands = new.prior(latents[1].T[None])
        left = align_latent(old, new, latents)
        assert left < 1e-4
        assert torch.equal(new.encode(wave), old.encode(wave))
        torch.testing.assert_close(new.prior(new.encode(wave)), bands, rtol=1e-2, atol=1e-2)


def test_a_model_without_a_magnitude_prior_is_refused(saved_model: Path) -> None:
    old = load_autoencoder(saved_model)
    new = load_autoencoder(saved_model)
    new.prior = nn.Identity()
    with pytest.raises(UserError, match="new: has no magnitude prior"):
        align_latent(old, new, (torch.zeros(2, 8), torch.zeros(2, 8)))
