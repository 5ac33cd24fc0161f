"""The upsampler: lengths, independence, errors, windows, and that it learns what interpolation cannot know."""

import copy
import json
import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from dmae import DiffusionUpsampler, UpsamplerConfig
from dmae.resampling import downsample, upsample
from unet1d import Level, UNet1dConfig
from vdiffusion import DDIM, NoiseSource, VObjective

from .watching import shapes_seen

NET = UNet1dConfig(
    in_channels=4,
    out_channels=2,
    levels=(Level(channels=8), Level(channels=8, factor=4)),
    modulation_features=8,
    fourier_features=8,
    groups=2,
)
CONFIG = UpsamplerConfig(sample_rate=8000, factor=4, net=NET)


@pytest.fixture
def model() -> DiffusionUpsampler:
    return DiffusionUpsampler(CONFIG).eval()


@given(length=st.integers(1, 40), cut=st.integers(0, 3))
def test_every_length_times_the_factor(length: int, cut: int) -> None:
    model, low = DiffusionUpsampler(CONFIG).eval(), 0.1 * torch.randn(1, 2, length)
    assert model.sample(low, num_steps=1).shape == (1, 2, 4 * length)
    assert model.sample(low, num_steps=1, length=4 * length - cut).shape == (1, 2, 4 * length - cut)
    assert model.loss(0.1 * torch.randn(2, 2, length)).isfinite()


def test_the_loss_is_the_v_objective_beside_the_interpolated_wave(model: DiffusionUpsampler) -> None:
    wave, t, noise = torch.randn(2, 2, 37), torch.tensor([0.3, 0.8]), torch.randn(2, 2, 37)
    initial_estimate = upsample(downsample(wave, 4), 4)[..., :37]
    expected = VObjective().loss(
        lambda x_t, t: model.net(torch.cat([x_t, initial_estimate], dim=1), t), wave, t=t, noise=noise
    )
    torch.testing.assert_close(model.loss(wave, t=t, noise=noise), expected)
    seeded = [model.loss(wave, generator=torch.Generator().manual_seed(seed)).item() for seed in (1, 1, 2)]
    assert seeded[0] == seeded[1] != seeded[2]


def test_an_item_does_not_depend_on_its_batch_mates(model: DiffusionUpsampler) -> None:
    low = 0.1 * torch.randn(3, 2, 30)
    for sampler in (None, DDIM(eta=0.7)):
        together = model.sample(low, num_steps=3, noise=NoiseSource(4, range(3)), sampler=sampler)
        for item in range(3):
            alone = model.sample(low[item : item + 1], num_steps=3, noise=NoiseSource(4, [item]), sampler=sampler)
            torch.testing.assert_close(alone[0], together[item], rtol=0, atol=1e-5)
    first, second = (model.sample(low, num_steps=3, noise=NoiseSource(seed, range(3))) for seed in (4, 5))
    assert not first.allclose(second)


def test_the_low_rate_wave_is_read_and_a_long_one_goes_in_windows(model: DiffusionUpsampler) -> None:
    low = torch.randn(1, 2, 200)
    whole = model.sample(low, num_steps=2)
    assert not model.sample(-low, num_steps=2).allclose(whole, atol=1e-2)
    seen = shapes_seen(model)
    windowed = model.sample(low, num_steps=2, window=256)
    assert windowed.shape == whole.shape and windowed.isfinite().all()
    assert seen == {(1, 2, 224)}  # 800 samples in four windows of at most 256, no longer than four need


def test_callback_and_given_noise(model: DiffusionUpsampler) -> None:
    low, noise = torch.randn(1, 2, 10), torch.randn(1, 2, 40)
    steps: list[tuple[int, int]] = []
    wave = model.sample(low, num_steps=3, noise=noise, callback=lambda step, total, x: steps.append((step, total)))
    assert steps == [(0, 3), (1, 3), (2, 3)]
    assert wave.equal(model.sample(low, num_steps=3, noise=noise))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"length": 41}, "length=41: 10 low-rate samples hold 1 to 40 samples"),
        ({"length": 0}, "length=0: 10 low-rate samples hold 1 to 40 samples"),
        ({"noise": NoiseSource(0, [1, 2])}, "noise: 2 indices for a batch of 1; give one per batch member"),
        ({"noise": torch.zeros(1, 2, 39)}, r"noise: expected \[1, 2, 40\], got \[1, 2, 39\]"),
        ({"window": 100}, "window=100: must be a multiple of 32 samples, 8 times the net's factor"),
        ({"num_steps": 0}, "num_steps=0"),
    ],
)
def test_wrong_arguments_are_named(model: DiffusionUpsampler, values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        model.sample(torch.zeros(1, 2, 10), **values)


def test_wrong_waves_are_named(model: DiffusionUpsampler) -> None:
    for shape in ((2, 10), (1, 1, 10), (1, 2, 0)):
        for name, method in (("low", model.sample), ("wave", model.loss)):
            with pytest.raises(
                ValueError, match=rf"{name}: expected \[batch, channels=2, samples of 1 or more\], got "
            ):
                method(torch.zeros(shape))
    with pytest.raises(ValueError, match=r"low: expected floating-point samples in \[-1, 1\], got torch.int16"):
        model.sample(torch.zeros(1, 2, 10, dtype=torch.int16))
    with pytest.raises(ValueError, match="low: 20 of 20 numbers are NaN or infinite"):
        model.sample(torch.full((1, 2, 10), math.nan))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"factor": 1}, "factor must be a whole number of 2 or more, not 1"),
        ({"audio_channels": 0}, "audio_channels must be a whole number of 1 or more, not 0"),
        ({"sample_rate": 8001}, "sample_rate=8001 is not a multiple of factor=4"),
        ({"audio_channels": 1}, "net must have in_channels=2 .* and out_channels=1, not in_channels=4, out_channels=2"),
        ({"net": replace(NET, out_channels=None)}, "and out_channels=2, not in_channels=4, out_channels=None"),
        (
            {"net": replace(NET, levels=(Level(channels=8, inject_channels=3),))},
            r"must have no other input than these, not inject_channels=\{0: 3\}",
        ),
    ],
)
def test_config_errors_name_key_and_value(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"UpsamplerConfig: .*{message}"):
        replace(CONFIG, **values)


def test_config_survives_json() -> None:
    assert UpsamplerConfig.from_dict(json.loads(json.dumps(CONFIG.to_dict()))) == CONFIG
    assert CONFIG.low_rate == 2000
    with pytest.raises(ValueError, match="UpsamplerConfig: unknown key 'faktor'; did you mean 'factor'"):
        UpsamplerConfig.from_dict({**CONFIG.to_dict(), "faktor": 2})
    with pytest.raises(ValueError, match="UpsamplerConfig: net must be a mapping of its fields, not 3"):
        UpsamplerConfig.from_dict({**CONFIG.to_dict(), "net": 3})


def test_bfloat16_and_copies(model: DiffusionUpsampler) -> None:
    wave, t = torch.randn(2, 2, 64), torch.tensor([0.3, 0.8])
    noise = torch.randn(2, 2, 64)
    expected = model.loss(wave, t=t, noise=noise)
    cast = copy.deepcopy(model).bfloat16()
    assert cast.loss(wave, t=t, noise=noise).item() == pytest.approx(expected.item(), rel=0.03)
    assert cast.sample(wave, num_steps=2).dtype == torch.float32
    assert model.loss(wave, t=t, noise=noise).equal(expected)


def chords(batch: int, generator: torch.Generator) -> Tensor:
    """A tone below half the low rate and its fifth harmonic above: the second follows from the first alone."""
    cycles = 0.02 + 0.02 * torch.rand(batch, 1, 1, generator=generator)
    phase = 2 * math.pi * (cycles * torch.arange(128) + torch.rand(batch, 1, 1, generator=generator))
    return torch.sin(phase) + torch.cos(5 * phase)


@pytest.mark.slow
def test_it_learns_the_harmonic_that_interpolation_cannot_know() -> None:
    net = UNet1dConfig(
        in_channels=2,
        out_channels=1,
        levels=(Level(channels=16), Level(channels=32, factor=4), Level(channels=32, factor=4)),
        modulation_features=32,
        fourier_features=32,
        outer_skip=False,
    )
    model = DiffusionUpsampler(UpsamplerConfig(sample_rate=8000, audio_channels=1, factor=8, net=net))
    generator = torch.Generator().manual_seed(1)
    held_out, t = chords(16, generator), torch.linspace(0.02, 0.98, 16)
    noise = torch.randn(held_out.shape, generator=generator)

    def examined() -> float:
        with torch.no_grad():
            return model.loss(held_out, t=t, noise=noise).item()

    start = examined()
    optimizer = torch.optim.Adam(model.parameters(), lr=6e-3)
    for _ in range(150):
        loss = model.loss(chords(8, generator), generator=generator)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    # The variance is one, so the best that is linear in x_t, the answer 0, loses 1 at every t.
    assert examined() < 0.45 < 0.9 < start
    low = downsample(held_out, 8)
    made_up = (model.sample(low, num_steps=10) - held_out).square().mean()
    interpolated = (upsample(low, 8) - held_out).square().mean()
    assert made_up < 0.8 * interpolated
