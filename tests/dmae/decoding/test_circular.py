"""Decoding on a circle: the end runs into the beginning."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from dmae import DMAE, DecodingConfig, DMAEConfig, griffin_lim, spsi
from dmae.phase import initial_estimate
from vdiffusion import NoiseSource

Make = Callable[[DMAEConfig], DMAE]

N_FFT, HOP, LENGTH = 64, 16, 512
WINDOW = torch.hann_window(N_FFT)


def circle_spectrum(wave: Tensor) -> Tensor:
    """Spectrum of frames centred on multiples of the hop, which go across the border."""
    places = torch.arange(0, wave.shape[-1], HOP)[:, None] + torch.arange(-N_FFT // 2, N_FFT // 2)
    return torch.fft.rfft(wave[..., places % wave.shape[-1]] * WINDOW).transpose(-1, -2)


def solve(magnitudes: Tensor, start: Tensor, iterations: int) -> Tensor:
    return griffin_lim(
        magnitudes, start, window=WINDOW, hop_length=HOP, length=LENGTH, iterations=iterations, circular=True
    )


@pytest.mark.parametrize("iterations", [1, 6])
def test_the_true_phases_of_a_circle_are_a_fixed_point(iterations: int) -> None:
    wave = torch.randn(2, LENGTH)
    spectrum = circle_spectrum(wave)
    torch.testing.assert_close(solve(spectrum.abs(), spectrum, iterations), wave, rtol=0, atol=1e-4)


def test_griffin_lim_knows_no_border() -> None:
    magnitudes, start = circle_spectrum(torch.randn(2, LENGTH)).abs(), circle_spectrum(torch.randn(2, LENGTH))
    expected = solve(magnitudes, start, 8).roll(5 * HOP, -1)
    torch.testing.assert_close(solve(magnitudes.roll(5, -1), start.roll(5, -1), 8), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("length", [LENGTH + 8, 48])
def test_a_circle_of_no_whole_number_of_hops_or_shorter_than_a_window_is_refused(length: int) -> None:
    magnitudes = torch.ones(1, 33, length // HOP)
    with pytest.raises(ValueError, match=f"length={length}: a circle must be a multiple of 16 and at least 64"):
        griffin_lim(
            magnitudes,
            magnitudes.to(torch.complex64),
            window=WINDOW,
            hop_length=HOP,
            length=length,
            iterations=1,
            circular=True,
        )


def test_the_phases_of_a_steady_tone_close() -> None:
    # 7.3 bins: on a line the tone would be at another phase after the circle than it began with.
    tone = torch.sin(2 * math.pi * 7.3 / N_FFT * torch.arange(4096))
    frame = torch.fft.rfft(tone[1000 : 1000 + N_FFT] * WINDOW).abs()
    magnitudes = frame[None, :, None].expand(1, -1, LENGTH // HOP)
    phases = spsi(magnitudes, torch.zeros(1, 33), hop_length=HOP, circular=True)
    steps = torch.diff(phases[0, 7], append=phases[0, 7, :1])
    turned = torch.polar(torch.ones_like(steps), steps)
    assert float((turned - turned[0]).abs().max()) < 1e-3  # the step across the border is like any other
    turns = float(turned[0].angle()) * (LENGTH // HOP) / (2 * math.pi)
    assert turns == pytest.approx(round(turns), abs=1e-2)


def test_the_estimate_of_a_steady_tone_has_no_dip_at_the_border() -> None:
    tone = torch.sin(2 * math.pi * 7.3 / N_FFT * torch.arange(4096))
    frame = torch.fft.rfft(tone[1000 : 1000 + N_FFT] * WINDOW).abs()
    magnitudes = frame[None, None, :, None].expand(1, 1, -1, LENGTH // HOP).contiguous()
    wave, _ = initial_estimate(
        magnitudes,
        torch.zeros(1, 1, 33),
        window=WINDOW,
        hop_length=HOP,
        length=LENGTH,
        iterations=8,
        circular=True,
    )
    levels = wave[0, 0].roll(HOP).reshape(-1, 2 * HOP).square().mean(-1).sqrt()
    assert float(levels.min()) > 0.9 * float(levels.max())


def decoded(model: DMAE, latent: Tensor, noise: Tensor, **settings: float) -> Tensor:
    return model.decode(latent, DecodingConfig(num_steps=2, **settings), initial_noise=noise, circular=True)


@pytest.mark.parametrize("frames", [1, 7, 16])
def test_rolling_the_latent_rolls_the_waveform(config: DMAEConfig, make: Make, frames: int) -> None:
    # Of every kind: patches, bands with a prior, and the waveform itself.
    model = make(config)
    latent = 0.4 * torch.rand(2, config.latent_channels, frames) - 0.2
    noise = torch.randn(2, config.diffused_channels, frames * config.hop_length // config.diffused_size)
    wave = decoded(model, latent, noise)
    assert wave.shape == (2, 2, frames * config.hop_length)
    by = 3
    rolled = decoded(model, latent.roll(by, -1), noise.roll(by * config.hop_length // config.diffused_size, -1))
    torch.testing.assert_close(rolled, wave.roll(by * config.hop_length, -1), atol=2e-4, rtol=1e-3)


def test_a_circle_twice_is_decoded_twice(config: DMAEConfig, make: Make) -> None:
    model, latent = make(config), 0.4 * torch.rand(1, config.latent_channels, 5) - 0.2
    noise = torch.randn(1, config.diffused_channels, 5 * config.hop_length // config.diffused_size)
    once = decoded(model, latent, noise)
    twice = decoded(model, latent.repeat(1, 1, 2), noise.repeat(1, 1, 2))
    torch.testing.assert_close(twice, once.repeat(1, 1, 2), atol=2e-4, rtol=1e-3)


def test_with_an_initial_estimate_the_border_is_no_jump(bands: DMAEConfig, make: Make) -> None:
    model, latent = make(bands), 0.4 * torch.rand(1, 6, 40) - 0.2
    wave = model.decode(latent, DecodingConfig(num_steps=1, griffin_lim=8, start=0.1), circular=True)
    steps = wave.diff(dim=-1).abs()
    assert float((wave[..., 0] - wave[..., -1]).abs().max()) <= float(steps.max())
    again = model.decode(latent, DecodingConfig(num_steps=1, griffin_lim=8, start=0.1), circular=True)
    assert torch.equal(again, wave)
    other = model.decode(
        latent, DecodingConfig(num_steps=1, griffin_lim=8, start=0.1), circular=True, noise=NoiseSource(1, [0])
    )
    assert not torch.equal(other, wave)


def test_a_part_of_a_circle_is_refused(bands: DMAEConfig, make: Make) -> None:
    with pytest.raises(ValueError, match="length=100: a circle of 4 latent frames has 128 samples"):
        make(bands).decode(torch.zeros(1, 6, 4), length=100, circular=True)
