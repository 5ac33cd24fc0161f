"""The training loss: its parts, where its gradient goes, and that it falls."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from dmae import DMAE, DMAEConfig, Losses
from dmae.losses import attack_l1
from vdiffusion import VObjective

Make = Callable[[DMAEConfig], DMAE]
MakeWave = Callable[..., Tensor]


def parts(**given: float | None) -> Losses:
    values: dict[str, Any] = {
        "diffusion": None,
        "magnitude": None,
        "attack": None,
        "likelihood": None,
        "latent": 0.0,
        "saturation": 0.5,
    }
    return Losses(**{key: None if x is None else torch.tensor(x) for key, x in {**values, **given}.items()})


def test_the_total_is_the_sum_with_a_light_latent() -> None:
    assert parts(diffusion=1.0, latent=3.0).total().item() == pytest.approx(1.003)
    assert parts(diffusion=1.0, magnitude=2.0, likelihood=-4.0, latent=5.0).total(
        latent_weight=0.1
    ).item() == pytest.approx(-0.5)
    assert parts(magnitude=2.0).total().item() == 2.0  # saturation is watched, not trained
    assert parts(magnitude=2.0, attack=4.0).total().item() == 2.0
    assert parts(magnitude=2.0, attack=4.0).total(attack_weight=0.5).item() == 4.0
    assert parts(diffusion=1.0).total(attack_weight=0.5).item() == 1.0  # a model without magnitudes


def test_each_kind_has_its_parts(patches: DMAEConfig, bands: DMAEConfig, make: Make, make_wave: MakeWave) -> None:
    wave = make_wave(2, 100)
    plain, full = make(patches).losses(wave), make(bands).losses(wave)
    assert plain.diffusion is not None and plain.magnitude is None and plain.likelihood is None
    assert full.diffusion is not None and full.magnitude is not None and full.likelihood is not None
    for losses in (plain, full):
        found = [value for value in vars(losses).values() if value is not None]
        assert all(value.ndim == 0 and value.isfinite() for value in found)
    half = make(bands).losses(wave, diffusion=False)
    assert half.diffusion is None and half.likelihood is None and half.magnitude is not None


def test_the_attack_is_the_error_of_how_the_bands_change(bands: DMAEConfig, make: Make, make_wave: MakeWave) -> None:
    model, wave = make(bands), make_wave(2, 128)
    losses = model.losses(wave, diffusion=False)
    error = (model.prior(model.encode(wave)) - model.spectrogram(model.pad(wave))).detach().double()
    frames, expected = error.shape[-1], 0.0
    for lag in (1, 2, 4):
        changes = [(error[:, :, n + lag] - error[:, :, n]).abs().mean(dim=0) for n in range(frames - lag)]
        expected += float((torch.stack(changes).mean(dim=0) * model.prior.bands.weights).mean()) / 3
    assert losses.attack is not None and losses.attack.item() == pytest.approx(expected, rel=1e-5)


def test_a_constant_error_is_no_attack_and_neither_is_a_single_frame(bands: DMAEConfig, make: Make) -> None:
    model = make(bands)
    weights = model.prior.bands.weights
    constant = torch.randn(2, model.config.n_bands, 1).expand(-1, -1, 9)
    assert float(attack_l1(constant, weights)) == 0.0
    assert float(attack_l1(torch.randn(2, model.config.n_bands, 1), weights)) == 0.0
    assert float(attack_l1(torch.randn(2, model.config.n_bands, 2), weights)) > 0.0  # the longer lags find no pair


def test_loss_is_the_total_and_the_generator_decides(config: DMAEConfig, make: Make, make_wave: MakeWave) -> None:
    model, wave = make(config), make_wave(3, 100)

    def seeded(seed: int) -> torch.Generator:
        return torch.Generator().manual_seed(seed)

    first = model.loss(wave, generator=seeded(1))
    assert model.loss(wave, generator=seeded(1)).equal(first)
    assert model.losses(wave, generator=seeded(1)).total().equal(first)
    assert not model.loss(wave, generator=seeded(2)).equal(first)


def test_the_diffusion_loss_is_the_v_objective_on_normalised_coefficients(
    bands: DMAEConfig, make: Make, make_wave: MakeWave
) -> None:
    model, wave = make(bands), make_wave(2, 128)
    t, noise = torch.tensor([0.3, 0.8]), torch.randn(2, 32, 8)
    got = model.losses(wave, t=t, noise=noise)
    latent = model.encode(wave)
    log_power = model.prior(latent)
    log_sigma = model.prior.log_sigma(log_power)
    x = model.transform.analyse(wave)
    expected = VObjective().loss(
        model.denoise,
        (x / log_sigma.exp()).clamp(-4, 4),  # dmae.prior.magnitude.OUTLIER
        t=t,
        noise=noise,
        latent=latent,
        **model.prior.conditions(latent),
    )
    assert got.diffusion is not None and got.likelihood is not None and got.magnitude is not None
    torch.testing.assert_close(got.diffusion, expected)
    torch.testing.assert_close(got.likelihood, ((x / log_sigma.exp()).square() / 2 + log_sigma).mean())
    error = (log_power - model.spectrogram(wave)).abs().mean(dim=(0, 2))
    torch.testing.assert_close(got.magnitude, (error * model.prior.bands.weights).mean())
    torch.testing.assert_close(got.latent, latent.atanh().square().mean(), rtol=1e-3, atol=0)


def test_with_a_net_that_knows_everything_the_diffusion_loss_is_zero(
    config: DMAEConfig, make: Make, make_wave: MakeWave
) -> None:
    model, wave = make(config), make_wave(1, 64)
    t = torch.tensor([0.4])
    noise = torch.randn(1, config.diffused_channels, 64 // config.diffused_size)
    x = model.transform.analyse(wave)
    if config.prior is not None:
        x = (x / model.prior.log_sigma(model.prior(model.encode(wave))).exp()).clamp(-4, 4)
    alpha, sigma = torch.cos(t * torch.pi / 2), torch.sin(t * torch.pi / 2)
    model.denoise = lambda *args, **conditions: alpha * noise - sigma * x  # type: ignore[method-assign]
    loss = model.losses(wave, t=t, noise=noise).diffusion
    assert loss is not None and loss.item() < 1e-9


def gradients(module: nn.Module) -> float:
    """Sum of the absolute gradients of a module's weights."""
    return sum(float(p.grad.abs().sum()) for p in module.parameters() if p.grad is not None)


def test_the_diffusion_trains_the_papers_encoder(patches: DMAEConfig, make: Make, make_wave: MakeWave) -> None:
    model = make(patches)
    loss = model.losses(make_wave(2, 128)).diffusion
    assert loss is not None
    loss.backward()
    assert all(gradients(part) > 0 for part in (model.encoder, model.decoder, model.transform))


def test_beside_a_prior_the_diffusion_leaves_the_encoder_alone(
    bands: DMAEConfig, make: Make, make_wave: MakeWave
) -> None:
    model = make(bands)
    losses = model.losses(make_wave(2, 128))
    assert losses.diffusion is not None and losses.likelihood is not None and losses.magnitude is not None
    losses.diffusion.backward(retain_graph=True)
    assert gradients(model.decoder) > 0
    assert gradients(model.encoder) == gradients(model.prior) == 0
    model.zero_grad()
    losses.likelihood.backward(retain_graph=True)
    with_gradient = {name for name, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    assert with_gradient == {"prior.log_gain", "prior.slope"}
    model.zero_grad()
    losses.magnitude.backward()
    assert gradients(model.encoder) > 0 and gradients(model.prior.net) > 0 and gradients(model.decoder) == 0


def test_every_weight_is_trained(config: DMAEConfig, make: Make, make_wave: MakeWave) -> None:
    model = make(config)
    model.loss(make_wave(2, 128)).backward()
    idle = {name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()}
    assert idle == set()


def test_saturation_is_the_share_of_latents_at_the_bound(config: DMAEConfig, make: Make, make_wave: MakeWave) -> None:
    model, wave = make(config), make_wave(2, 320)
    assert model.losses(wave).saturation.item() == (model.encode(wave).abs() > 0.99).float().mean().item()
    with torch.no_grad():
        for parameter in model.encoder.parameters():
            parameter.mul_(100)
    assert model.losses(wave).saturation.item() > 0.9
    with torch.no_grad():
        for parameter in model.encoder.parameters():
            parameter.zero_()
    losses = model.losses(wave)
    assert losses.saturation.item() == 0 and losses.latent.item() == 0


def test_noise_on_the_latent_makes_it_harder(bands: DMAEConfig, make: Make, make_wave: MakeWave) -> None:
    model, wave = make(bands), make_wave(2, 320)

    def magnitude(latent_noise: float) -> Tensor:
        generator = torch.Generator().manual_seed(3)
        losses = model.losses(wave, latent_noise=latent_noise, generator=generator, diffusion=False)
        assert losses.magnitude is not None
        return losses.magnitude

    assert magnitude(0.1).equal(magnitude(0.1))
    assert not magnitude(0.1).equal(magnitude(0.0))
    assert magnitude(0.0).equal(model.losses(wave, diffusion=False).magnitude)


def test_silence_has_a_finite_loss_and_gradient(config: DMAEConfig, make: Make) -> None:
    model = make(config)
    model.loss(torch.zeros(1, 2, 64)).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


def test_autocast_trains(config: DMAEConfig, make: Make, make_wave: MakeWave) -> None:
    model, wave = make(config), make_wave(2, 128)
    settings = {
        "t": torch.tensor([0.3, 0.8]),
        "noise": torch.randn(2, config.diffused_channels, 128 // config.diffused_size),
    }
    expected = model.losses(wave, **settings).total()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = model.losses(wave, **settings).total()
    loss.backward()
    assert loss.item() == pytest.approx(expected.item(), rel=0.03) and not loss.equal(expected)
    assert gradients(model.decoder) > 0


def test_one_clip_is_learned(config: DMAEConfig, make_wave: MakeWave) -> None:
    model, wave = DMAE(config), make_wave(4, 128)
    if config.transform == "patches":
        wave = 10 * wave  # at a standard deviation of one there is something to learn beside the noise
    t = torch.tensor([0.2, 0.5, 0.7, 0.9])
    noise = torch.randn(4, config.diffused_channels, 128 // config.diffused_size)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    history: list[Losses] = []
    for _ in range(60):
        losses = model.losses(wave, t=t, noise=noise)
        optimizer.zero_grad()
        losses.total().backward()
        optimizer.step()
        history.append(losses)
    first, last = history[0], history[-1]
    assert first.diffusion is not None and last.diffusion is not None
    assert last.diffusion < 0.7 * first.diffusion
    assert last.total() < first.total()
    if first.magnitude is not None and last.magnitude is not None:
        assert last.magnitude < 0.5 * first.magnitude
        assert first.likelihood is not None and last.likelihood is not None and last.likelihood < first.likelihood
