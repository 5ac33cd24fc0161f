"""The prior: sigma of every coefficient from the log-power of the bands, against closed forms."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from dmae import DMAE, DMAEConfig
from dmae.prior import MagnitudePrior
from dmae.representation import MDCT, to_mid_side

Make = Callable[[DMAEConfig], DMAE]


def fresh(config: DMAEConfig) -> MagnitudePrior:
    prior = DMAE(config).prior
    return prior


def white_bands(config: DMAEConfig, std: float, frames: int) -> Tensor:
    """What white noise of this standard deviation has in every band: its variance times the window's energy."""
    power = std**2 * 3 / 8 * config.spectrogram.n_fft + config.spectrogram.floor
    return torch.full((1, config.n_bands, frames), math.log(power))


@pytest.mark.parametrize("std", [0.03, 0.1, 1.0])
def test_sigma_of_white_noise_is_its_standard_deviation(bands: DMAEConfig, std: float) -> None:
    log_sigma = fresh(bands).log_sigma(white_bands(bands, std, 40))
    assert log_sigma.shape == (1, 32, 20)
    torch.testing.assert_close(log_sigma.exp(), torch.full((1, 32, 20), std), rtol=1e-5, atol=0)


@pytest.mark.parametrize("std", [0.03, 0.5])
def test_normalised_coefficients_of_white_noise_have_unit_variance(bands: DMAEConfig, std: float) -> None:
    wave = std * torch.randn(1, 2, 64_000)
    coefficients = MDCT(16)(to_mid_side(wave))
    normalised = coefficients / fresh(bands).log_sigma(white_bands(bands, std, 8000)).exp().detach()
    assert abs(float(normalised.std()) - 1) < 0.01
    torch.testing.assert_close(normalised.std(dim=2), torch.ones(1, 32), rtol=0, atol=0.05)


def test_sigma_is_the_mean_of_neighbouring_bins_and_frames(bands: DMAEConfig) -> None:
    prior = fresh(bands)
    with torch.no_grad():
        prior.log_gain.normal_()
        prior.log_mean.normal_()
        prior.slope.uniform_(0.5, 1.2)
    log_power = torch.randn(2, 12, 8) + 2
    got = prior.log_sigma(log_power)
    power = prior.bands.power(log_power)  # [2, 2, 17, 8]
    for signal in range(2):
        for k in range(16):
            line = (power[:, signal, k] + power[:, signal, k + 1]) / 2
            line = torch.cat([line, line[:, -1:]], dim=1)  # the last frame stands for the one after the end, too
            for block in range(4):
                a, b, c = line[:, 2 * block], line[:, 2 * block + 1], line[:, 2 * block + 2]
                variance = (a / 4 + b / 2 + c / 4) / (3 / 8 * 32)
                gain, slope, mean = (p[signal, k] for p in (prior.log_gain, prior.slope, prior.log_mean))
                expected = slope * (variance.log() / 2 - mean) + mean + gain
                torch.testing.assert_close(got[:, 16 * signal + k, block], expected)


def test_a_block_of_one_frame_lies_between_two_frames(bands: DMAEConfig) -> None:
    # hop 16 = one block; a latent frame of 32 samples is then two spectra.
    config = replace(
        bands,
        spectrogram=replace(bands.spectrogram, hop_length=16),
        encoder=replace(bands.encoder, factors=(2,)),
        decoder=replace(
            bands.decoder, levels=(replace(bands.decoder.levels[0], inject_channels=12), bands.decoder.levels[1])
        ),
    )
    prior = fresh(config)
    log_power = torch.zeros(1, 12, 2)
    log_power[..., 1] = 1.0
    power = prior.bands.power(log_power)[:, :, 0]
    expected = (torch.stack([power.mean(-1), power[..., 1]], dim=-1) / (3 / 8 * 32)).log() / 2
    torch.testing.assert_close(prior.log_sigma(log_power)[:, [0, 16]], expected)


def test_the_likelihood_is_least_at_the_true_sigma(bands: DMAEConfig) -> None:
    prior = fresh(bands)
    coefficients = 0.2 * torch.randn(1, 32, 4000)

    def at(sigma: float) -> float:
        return float(prior.negative_log_likelihood(coefficients, torch.full_like(coefficients, math.log(sigma))))

    assert at(0.2) == pytest.approx(0.5 + math.log(0.2), abs=0.01)
    for factor in (0.9, 1.1):
        # Its height above the least value is 1/2 (1/f^2 - 1) + log f.
        assert at(0.2 * factor) - at(0.2) == pytest.approx((factor**-2 - 1) / 2 + math.log(factor), abs=0.003)
        assert at(0.2 * factor) > at(0.2)


def test_the_gain_learns_what_the_bands_get_wrong(bands: DMAEConfig) -> None:
    prior = fresh(bands)
    loudness = torch.linspace(0.05, 0.4, 32)[None, :, None]  # another one for every coefficient
    coefficients = loudness * torch.randn(1, 32, 500)
    log_power = white_bands(bands, 0.2, 1000)
    optimizer = torch.optim.Adam([prior.log_gain], lr=0.1)
    for _ in range(150):
        loss = prior.negative_log_likelihood(coefficients, prior.log_sigma(log_power))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    expected = coefficients.square().mean(2).sqrt().log() - math.log(0.2)
    torch.testing.assert_close(prior.log_gain.detach().view(1, 32), expected, rtol=0, atol=0.01)


def test_latents_at_and_beyond_the_bound_give_finite_bands(bands: DMAEConfig, make: Make) -> None:
    prior = make(bands).prior
    at = {value: prior(torch.full((1, 6, 5), value)) for value in (-1.2, -1.0, 0.0, 1.0, 1.2)}
    assert at[0.0].shape == (1, 12, 20)
    assert at[1.2].equal(at[1.0]) and at[-1.2].equal(at[-1.0])
    assert not at[1.0].allclose(at[-1.0])
    assert all(prior.log_sigma(log_power).isfinite().all() for log_power in at.values())


def test_the_magnitudes_are_the_roots_of_the_bands_power(bands: DMAEConfig, make: Make) -> None:
    model = make(bands)
    latent = torch.rand(2, 6, 3) - 0.5
    magnitudes = model.prior.magnitudes(model.prior.conditions(latent))
    assert magnitudes.shape == (2, 2, 17, 13)  # as many frames as torch.stft has of 96 samples
    torch.testing.assert_close(magnitudes[..., :-1].square(), model.prior.bands.power(model.prior(latent)))
    assert magnitudes[..., -1].equal(magnitudes[..., -2])


def test_condition_and_sigma_fit_the_coefficients(bands: DMAEConfig, make: Make) -> None:
    model = make(bands)
    latent = torch.rand(2, 6, 3) - 0.5
    packed = model.prior.conditions(latent)["bands"]
    assert packed.shape == (2, 24, 6)
    log_power = model.prior(latent)
    for band in (0, 11):
        standard = (log_power[:, band] - model.prior.mean[band]) / model.prior.scale[band]
        torch.testing.assert_close(packed[:, band], standard[:, ::2])
        torch.testing.assert_close(packed[:, 12 + band], standard[:, 1::2])


def test_without_a_prior_magnitudes_are_an_error(patches: DMAEConfig, make: Make) -> None:
    prior = make(patches).prior
    assert prior.conditions(torch.zeros(1, 4, 3)) == {}
    x = torch.randn(1, 2, 96)
    assert prior.whiten(x, {}) is x and prior.unwhiten(x, {}) is x
    with pytest.raises(ValueError, match="no magnitude prior"):
        prior.require_magnitudes()
