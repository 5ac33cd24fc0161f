"""Latent to waveform: lengths, noise, copies, dtypes, errors, and an oracle with a net that is known."""

import copy
import math
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from dmae import DMAE, DecodingConfig, DMAEConfig
from dmae.representation import to_mid_side
from vdiffusion import DDIM, NoiseSource

from .latents import a_latent, zero

Make = Callable[[DMAEConfig], DMAE]
MakeWave = Callable[..., Tensor]


# ---- lengths


@given(length=st.integers(1, 3 * 32 + 5))
def test_exactly_the_length_that_went_in_comes_out(length: int, model: DMAE, make_wave: MakeWave) -> None:
    latent = model.encode(make_wave(1, length))
    wave = model.decode(latent, DecodingConfig(num_steps=1), length=length)
    assert wave.shape == (1, 2, length) and wave.dtype == torch.float32 and wave.isfinite().all()
    whole = model.decode(latent, DecodingConfig(num_steps=1))
    assert whole.shape == (1, 2, 32 * latent.shape[-1])
    assert wave.equal(whole[..., :length])  # what is cut does not change what stays


def test_no_gradient_is_recorded(config: DMAEConfig, make: Make) -> None:
    latent = a_latent(config, 1, 2).requires_grad_()
    assert not make(config).decode(latent, DecodingConfig(num_steps=1)).requires_grad


# ---- an oracle


def test_with_a_net_that_knows_white_noise_decode_is_a_formula(bands: DMAEConfig, make: Make) -> None:
    model, steps = make(bands), 7
    model.denoise = zero  # type: ignore[method-assign, assignment]
    latent = a_latent(bands, 2, 5)
    # With v = 0 a step from t to s multiplies by cos(pi/2 (t - s)); all steps are of one size.
    noise = NoiseSource(3, range(2)).draw((32, 10), stage="decoder")
    sigma = model.prior.log_sigma(model.prior(latent)).exp()
    coefficients = noise * math.cos(math.pi / 2 / steps) ** steps * sigma
    expected = to_mid_side(model.transform.inverse(coefficients))
    torch.testing.assert_close(
        model.decode(latent, DecodingConfig(num_steps=steps), noise=NoiseSource(3, range(len(latent)))),
        expected,
        rtol=1e-4,
        atol=1e-6,
    )


def test_the_undiffused_prior_already_has_the_latents_loudness(bands: DMAEConfig, make: Make) -> None:
    model = make(bands)
    model.denoise = zero  # type: ignore[method-assign, assignment]
    with torch.no_grad():
        model.prior.slope.fill_(1)
        model.prior.log_gain.zero_()
    latent = a_latent(bands, 1, 3).mean(2, keepdim=True).expand(-1, -1, 400)
    wave = model.decode(latent, DecodingConfig(num_steps=100))
    wanted = model.prior.log_sigma(model.prior(latent)).detach().mul(2).exp().mean()
    assert float(wave.square().mean() / wanted) == pytest.approx(1, abs=0.1)


# ---- noise


def test_the_seed_decides(config: DMAEConfig, make: Make) -> None:
    model, latent = make(config), a_latent(config, 2, 4)
    first = model.decode(latent, DecodingConfig(num_steps=2), noise=NoiseSource(1, range(len(latent))))
    assert model.decode(latent, DecodingConfig(num_steps=2), noise=NoiseSource(1, range(len(latent)))).equal(first)
    assert not model.decode(latent, DecodingConfig(num_steps=2), noise=NoiseSource(2, range(len(latent)))).allclose(
        first, rtol=1e-2
    )
    assert not first[0].allclose(first[1], rtol=1e-2)
    noise = NoiseSource(1, [0, 1]).draw((config.diffused_channels, 4 * 32 // config.diffused_size), stage="decoder")
    assert model.decode(latent, DecodingConfig(num_steps=2), initial_noise=noise).equal(first)


@pytest.mark.parametrize("settings", [DecodingConfig(num_steps=3), DecodingConfig(num_steps=3, sampler=DDIM(eta=1.0))])
def test_an_item_does_not_depend_on_its_batch_mates(config: DMAEConfig, make: Make, settings: DecodingConfig) -> None:
    model, latent = make(config), a_latent(config, 3, 4)
    together = model.decode(latent, settings)
    for item in range(3):
        alone = model.decode(latent[item : item + 1], settings, noise=NoiseSource(0, [item]))
        torch.testing.assert_close(alone, together[item : item + 1], rtol=0, atol=1e-5)
    one_seed = model.decode(latent[:1].expand(3, -1, -1), settings, noise=NoiseSource(0, [5, 6, 5]))
    torch.testing.assert_close(one_seed[0], one_seed[2], rtol=0, atol=1e-5)
    assert not one_seed[0].allclose(one_seed[1], atol=1e-3)


def test_a_random_sampler_draws_from_the_seed(config: DMAEConfig, make: Make) -> None:
    model, latent = make(config), a_latent(config, 1, 4)
    noise = torch.randn(1, config.diffused_channels, 4 * 32 // config.diffused_size)
    waves = [
        model.decode(
            latent,
            DecodingConfig(num_steps=3, sampler=DDIM(eta=0.5)),
            noise=NoiseSource(s, range(len(latent))),
            initial_noise=noise,
        )
        for s in (0, 0, 1)
    ]
    assert waves[0].equal(waves[1]) and not waves[0].allclose(waves[2], atol=1e-3)


def test_the_noise_of_the_steps_is_not_that_of_the_start(bands: DMAEConfig, make: Make) -> None:
    model = make(bands)
    model.denoise = zero  # type: ignore[method-assign, assignment]
    estimates: list[Tensor] = []
    model.decode(
        a_latent(bands, 1, 3),
        DecodingConfig(num_steps=2, sampler=DDIM(eta=1.0)),
        callback=lambda step, total, estimate: estimates.append(estimate),
    )
    # From v = 0 at t = 1 eta = 1 goes to sin(pi/4) z at t = 1/2, whose estimate is cos(pi/4) of it: z / 2.
    z, start = 2 * estimates[1], NoiseSource(0, [0]).draw((32, 6), stage="decoder")
    assert 0.8 < z.std() < 1.2
    assert abs(float((z * start).mean())) < 0.3


def test_the_latent_matters(config: DMAEConfig, make: Make) -> None:
    model, latent = make(config), a_latent(config, 1, 4)
    other = latent.clone()
    other[..., 2:] *= -1
    assert not model.decode(latent, DecodingConfig(num_steps=2)).allclose(
        model.decode(other, DecodingConfig(num_steps=2)), rtol=1e-2
    )


def test_the_callback_sees_every_step(config: DMAEConfig, make: Make) -> None:
    model, latent = make(config), a_latent(config, 2, 3)
    seen: list[tuple[int, int]] = []
    estimates: list[Tensor] = []

    def callback(step: int, total: int, estimate: Tensor) -> None:
        seen.append((step, total))
        estimates.append(estimate)

    model.decode(latent, DecodingConfig(num_steps=4), callback=callback)
    assert seen == [(0, 4), (1, 4), (2, 4), (3, 4)]
    assert {estimate.shape for estimate in estimates} == {(2, config.diffused_channels, 3 * 32 // config.diffused_size)}


# ---- copies and types


@pytest.mark.parametrize("way", ["deepcopy", "state_dict"])
def test_a_copy_computes_with_its_own_weights(config: DMAEConfig, make: Make, make_wave: MakeWave, way: str) -> None:
    model, wave = make(config), make_wave(1, 128)
    if way == "deepcopy":
        twin = copy.deepcopy(model)
    else:
        twin = DMAE(config).eval()
        twin.load_state_dict(model.state_dict())

    def results(of: DMAE) -> tuple[Tensor, Tensor, Tensor]:
        latent = of.encode(wave)
        loss = of.losses(wave, t=torch.tensor([0.5]), noise=torch.ones(1, config.diffused_channels, 128 // of_size))
        return latent, of.decode(latent, DecodingConfig(num_steps=2)), loss.total()

    of_size = config.diffused_size
    before = results(model)
    for a, b in zip(before, results(twin), strict=True):
        assert a.equal(b)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.5).add_(0.05)
    for a, b, c in zip(before, results(twin), results(model), strict=True):
        assert a.equal(b) and not a.allclose(c, rtol=1e-3)


def test_bfloat16_weights_decode(config: DMAEConfig, make: Make) -> None:
    model, latent = make(config), a_latent(config, 1, 8)
    expected = model.decode(latent, DecodingConfig(num_steps=4))
    cast = copy.deepcopy(model).bfloat16()
    wave = cast.decode(latent.bfloat16(), DecodingConfig(num_steps=4))
    assert wave.dtype == torch.float32 and not wave.equal(expected)
    assert (wave - expected).std() < 0.1 * expected.std()
    cast.decoder.float()  # back in float32 the weights stay rounded, but the net computes exactly
    assert cast.decode(latent, DecodingConfig(num_steps=4)).isfinite().all()


# ---- errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"length": 0}, "length=0: 3 latent frames hold 1 to 96 samples"),
        ({"length": 97}, "length=97: 3 latent frames hold 1 to 96 samples"),
        ({"noise": NoiseSource(0, [1, 2, 3])}, "noise: 3 indices for a batch of 2; give one per batch member"),
        ({"initial_noise": torch.zeros(2, 5, 3)}, r"initial_noise: expected \[2, \d+, \d+\], got \[2, 5, 3\]"),
    ],
)
def test_impossible_arguments_are_named(
    config: DMAEConfig, make: Make, arguments: Mapping[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make(config).decode(a_latent(config, 2, 3), DecodingConfig(num_steps=1), **arguments)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_steps": 0}, "num_steps=0 leaves only the initial estimate; give griffin_lim=1 or more iterations"),
        ({"num_steps": -1}, "num_steps must be a whole number of 0 or more, not -1"),
        ({"window_frames": 15}, "window_frames must be a whole number of 16 or more, not 15"),
        ({"griffin_lim": -1}, "griffin_lim must be a whole number of 0 or more, not -1"),
        ({"start": 0.0}, "start must be a time above 0, up to 1, not 0.0"),
        ({"start": 1.1, "griffin_lim": 1}, "start must be a time above 0, up to 1, not 1.1"),
        ({"start": float("nan")}, "start must be a time above 0, up to 1, not nan"),
        ({"start": 0.5}, "start=0.5 needs an initial estimate; give griffin_lim=1 or more iterations, or start=1"),
        ({"sampler": "ddim"}, r"sampler must have a method `sample`, such as vdiffusion.DDIM\(\), not 'ddim'"),
    ],
)
def test_impossible_settings_are_named(settings: Mapping[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"DecodingConfig: {message}"):
        DecodingConfig(**settings)


def test_wrong_latents_are_named(config: DMAEConfig, make: Make) -> None:
    model, z = make(config), config.latent_channels
    for shape in ((z, 3), (1, z + 1, 3), (1, z, 0)):
        with pytest.raises(ValueError, match=rf"latent: expected \[batch, channels={z}, frames of 1 or more\], got "):
            model.decode(torch.zeros(shape))
    with pytest.raises(ValueError, match=r"latent: expected floating-point numbers, got torch.int64"):
        model.decode(torch.zeros(1, z, 3, dtype=torch.int64))
    with pytest.raises(ValueError, match=rf"latent: {2 * z} of {3 * z} numbers are NaN or infinite"):
        model.decode(torch.tensor([float("nan"), 0.0, float("inf")]).expand(1, z, 3))
