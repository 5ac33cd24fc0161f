"""The fit of slope and gain, against coefficients whose slope and gain are known."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from dmae import DMAE, DMAEConfig, fit_sigma

Make = Callable[[DMAEConfig], DMAE]
MakeWave = Callable[..., Tensor]


def plain_log_sigma(model: DMAE, wave: Tensor) -> Tensor:
    """What the prior predicts with slope 1 and gain 0."""
    with torch.no_grad():
        model.prior.slope.fill_(1)
        model.prior.log_gain.zero_()
        prediction: Tensor = model.prior.log_sigma(model.prior(model.encode(wave)))
    return prediction


def test_slope_and_gain_of_made_up_coefficients_are_found(bands: DMAEConfig, make: Make, make_wave: MakeWave) -> None:
    model, wave = make(bands), make_wave(16, 1600)
    slope, gain = torch.linspace(0.4, 1.1, 32)[:, None], torch.linspace(-1, 1, 32)[:, None]
    predicted = plain_log_sigma(model, wave)
    mean = predicted.mean(dim=(0, 2), keepdim=True)
    made_up = torch.exp(slope * (predicted - mean) + mean + gain) * torch.randn_like(predicted)
    model.transform.analyse = lambda _: made_up
    report = fit_sigma(model, [wave])
    assert predicted.std() > 0.3  # or there would be no slope to find
    torch.testing.assert_close(model.prior.slope.detach().view(32, 1), slope, rtol=0, atol=0.15)
    torch.testing.assert_close(model.prior.log_gain.detach().view(32, 1), gain, rtol=0, atol=0.05)
    torch.testing.assert_close(model.prior.log_mean.view(32, 1), mean[0], rtol=0, atol=0.05)
    # Half a square of variance one, and the mean log sigma: what the best fit has.
    best = 0.5 + (slope * (predicted - mean) + mean + gain).mean()
    assert report["after"] == pytest.approx(best.item(), abs=0.02) and report["after"] < report["before"] - 0.1


def test_afterwards_every_channel_has_a_mean_square_of_one(bands: DMAEConfig, make: Make, make_wave: MakeWave) -> None:
    model, waves = make(bands), [make_wave(2, 640, seed=s) for s in range(3)]
    report = fit_sigma(model, waves)
    with torch.no_grad():
        normalised = [
            model.transform.analyse(wave) / model.prior.log_sigma(model.prior(model.encode(wave))).exp()
            for wave in waves
        ]
    mean_square = torch.cat(normalised).square().mean(dim=(0, 2))
    torch.testing.assert_close(mean_square, torch.ones(32), rtol=1e-3, atol=0)
    assert report["after"] <= report["before"]
    assert model.prior.slope.min() >= 0.2 and model.prior.slope.max() <= 1.2


def test_it_starts_anew_each_time_and_touches_nothing_else(bands: DMAEConfig, make: Make, make_wave: MakeWave) -> None:
    model, wave = make(bands), make_wave(3, 640)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    first = fit_sigma(model, [wave])
    after = model.state_dict()
    changed = {name for name, value in before.items() if not value.equal(after[name])}
    assert changed == {"prior.slope", "prior.log_gain", "prior.log_mean"}
    again = fit_sigma(model, [wave])
    assert again == pytest.approx(first, rel=1e-3)
    assert all(parameter.requires_grad and parameter.grad is None for parameter in model.parameters())


def test_silence_is_finite(bands: DMAEConfig, make: Make) -> None:
    model = make(bands)
    fit_sigma(model, [torch.zeros(2, 2, 640)])
    assert model.prior.slope.isfinite().all() and model.prior.log_gain.isfinite().all()


def test_what_it_cannot_do_is_named(patches: DMAEConfig, bands: DMAEConfig, make: Make, make_wave: MakeWave) -> None:
    with pytest.raises(ValueError, match=r"no magnitude prior, which this needs; give config\.prior"):
        fit_sigma(make(patches), [make_wave(1, 64)])
    with pytest.raises(ValueError, match="waves: empty"):
        fit_sigma(make(bands), [])
