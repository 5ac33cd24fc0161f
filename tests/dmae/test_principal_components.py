"""The start from data: the best linear latent there is, against a singular value decomposition."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from dmae import DMAE, DMAEConfig, initialise_from_data

Make = Callable[[DMAEConfig], DMAE]


def music(items: int, *, seed: int = 0) -> Tensor:
    """Noise through slowly changing resonances, so that bands move together. [items, 2, 1280]"""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(items, 2, 1280, generator=generator)
    spectrum = torch.fft.rfft(noise)
    frequency = torch.linspace(0, 1, spectrum.shape[-1])
    peaks = torch.rand(items, 2, 1, generator=generator)
    spectrum = spectrum * (0.02 + torch.exp(-((frequency - peaks) ** 2) * 60))
    swell = torch.rand(items, 1, 20, generator=generator).repeat_interleave(64, 2)
    return 0.3 * swell * torch.fft.irfft(spectrum, n=1280)


def oracle(model: DMAE, wave: Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features [frames, 4 * 12], the best approximation of rank 6 in the weighted norm, and singular values as std."""
    features = model.spectrogram(wave)  # [B, 12, F]
    x = features.transpose(1, 2).reshape(-1, 4 * 12).double().numpy()
    weight = np.tile(model.spectrogram.weights.double().sqrt().numpy(), 4)
    mean = x.mean(axis=0)
    u, s, v = np.linalg.svd((x - mean) * weight, full_matrices=False)
    best = (u[:, :6] * s[:6]) @ v[:6] / weight + mean
    return x, best, s / np.sqrt(len(x) - 1)


def test_bands_come_back_as_the_best_approximation_of_that_rank(bands: DMAEConfig) -> None:
    model, wave = DMAE(bands), music(12)
    report = initialise_from_data(model, wave.split(5))
    x, best, std = oracle(model, wave)
    with torch.no_grad():
        got = model.prior(model.encode(wave)).transpose(1, 2).reshape(-1, 48).double().numpy()
    np.testing.assert_allclose(got, best, atol=2e-3)
    assert np.abs(x - best).mean() > 0.1  # six numbers for 48 do lose something
    assert report["frames"] == 12 * 40
    assert report["explained"] == pytest.approx((std[:6] ** 2).sum() / (std**2).sum(), rel=1e-6)


@pytest.mark.parametrize(("largest_std", "exponent"), [(0.5, 0.5), (0.3, 0.0), (0.2, 1.0)])
def test_the_latents_spread_follows_the_rule(bands: DMAEConfig, largest_std: float, exponent: float) -> None:
    model, wave = DMAE(bands), music(12)
    initialise_from_data(model, [wave], largest_std=largest_std, exponent=exponent)
    _, _, std = oracle(model, wave)
    with torch.no_grad():
        latent = model.encoder(model.spectrogram(wave)).transpose(0, 1).flatten(1).double().numpy()
    np.testing.assert_allclose(latent.mean(axis=1), 0, atol=1e-4)
    covariance = np.cov(latent)
    expected = largest_std * (std[:6] / std[0]) ** exponent
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), expected, rtol=1e-3)
    np.testing.assert_allclose(covariance - np.diag(np.diag(covariance)), 0, atol=1e-5)


def test_mean_and_scale_are_those_of_the_data_on_both_sides(bands: DMAEConfig) -> None:
    model, wave = DMAE(bands), music(6)
    initialise_from_data(model, [wave])
    features = model.spectrogram(wave).transpose(0, 1).flatten(1)
    for part in (model.encoder, model.prior):
        assert part is not None
        torch.testing.assert_close(part.mean, features.mean(1), rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(part.scale, features.std(1), rtol=1e-4, atol=1e-4)


def test_any_length_is_filled_up(bands: DMAEConfig) -> None:
    model = DMAE(bands)
    assert initialise_from_data(model, [music(3)[..., :1250], music(1)[..., :33]])["frames"] == 3 * 40 + 2


def test_it_is_better_than_a_random_start(bands: DMAEConfig) -> None:
    model, wave = DMAE(bands), music(8, seed=1)
    before = model.losses(wave, diffusion=False).magnitude
    initialise_from_data(model, [music(12)])
    after = model.losses(wave, diffusion=False).magnitude  # of other music
    assert before is not None and after is not None and after < 0.4 * before


def test_what_it_cannot_do_is_named(patches: DMAEConfig, bands: DMAEConfig) -> None:
    bare = replace(
        bands,
        prior=None,
        decoder=replace(
            bands.decoder, levels=(replace(bands.decoder.levels[0], inject_channels=0), bands.decoder.levels[1])
        ),
    )
    for config in (patches, bare):
        with pytest.raises(ValueError, match=r"needs a model with spectrogram\.bands and a prior"):
            initialise_from_data(DMAE(config), [music(1)])
    with pytest.raises(ValueError, match="waves: 6 latent frames are too few for 6 components"):
        initialise_from_data(DMAE(bands), [music(2)[..., :96]])
    with pytest.raises(ValueError, match="waves: 0 latent frames are too few"):
        initialise_from_data(DMAE(bands), [])
    with pytest.raises(ValueError, match=r"wave: expected \[batch, channels=2"):
        initialise_from_data(DMAE(bands), [torch.zeros(1, 1, 640)])
