"""Loops brought to a length: still loops, and where the pitch must not move, of the same pitch."""

import math

import pytest
import torch
from torch import Tensor

from mousai.verbs.fitting import FADE, MOST_CENTS, cents, fit_circle, resampled_circle

RATE = 48000


def turns(length: int, *counts: int) -> Tensor:
    """Sines that go round the circle so often, stereo."""
    time = torch.arange(length, dtype=torch.float64) / length
    wave = sum(torch.sin(2 * math.pi * count * time + count) for count in counts) / len(counts)
    return torch.stack([wave, -wave]).float()[None]


@pytest.mark.parametrize("samples", [4000, 4001, 4095, 4097, 5003])
def test_resampling_a_circle_is_exact(samples: int) -> None:
    # Closed form: the same sines, sampled elsewhere.
    found = resampled_circle(turns(4096, 3, 50, 700), samples)
    torch.testing.assert_close(found, turns(samples, 3, 50, 700), atol=1e-5, rtol=0)


def test_what_the_new_rate_cannot_hold_is_left_out() -> None:
    found = resampled_circle(turns(4096, 3, 1900) * 2, 2000)
    torch.testing.assert_close(found, turns(2000, 3), atol=1e-5, rtol=0)


def test_a_loop_within_five_cents_is_resampled_and_says_so() -> None:
    wave = turns(48000, 440)
    fitted, rise = fit_circle(wave, 48100)
    assert fitted.shape == (1, 2, 48100)
    assert rise == pytest.approx(1200 * math.log2(48000 / 48100)) == cents(48000, 48100)
    torch.testing.assert_close(fitted, turns(48100, 440), atol=1e-4, rtol=0)


@pytest.mark.parametrize("samples", [48000 + 1999, 48000 - 2048, 48000 + 313])
def test_further_away_the_pitch_stays(samples: int) -> None:
    assert abs(cents(48000, samples)) > MOST_CENTS
    fitted, rise = fit_circle(turns(48000, 440, 660), samples)
    assert fitted.shape == (1, 2, samples) and rise == 0
    spectrum = torch.fft.rfft(fitted[0, 0] * torch.hann_window(samples), n=16 * samples).abs()
    bin_hz = RATE / (16 * samples)
    for hertz in (440, 660):  # within a cent
        near = spectrum[round((hertz - 30) / bin_hz) : round((hertz + 30) / bin_hz)]
        found = (round((hertz - 30) / bin_hz) + int(near.argmax())) * bin_hz
        assert abs(1200 * math.log2(found / hertz)) < 1.0
    # Nowhere a jump: the slope stays that of the sines.
    assert float(fitted.diff(dim=-1).abs().max()) < 1.2 * float(turns(48000, 440, 660).diff(dim=-1).abs().max())


def test_ends_stay_so_that_it_is_still_a_loop() -> None:
    wave = torch.rand(1, 2, 48000, generator=torch.Generator().manual_seed(0)) - 0.5
    fitted, _ = fit_circle(wave, 46000)
    assert torch.equal(fitted[..., :FADE], wave[..., :FADE]) and torch.equal(fitted[..., -FADE:], wave[..., -FADE:])


def test_a_jump_lands_where_the_music_resembles_itself() -> None:
    # Noise but for one stretch that repeats every 300 samples: leaving out 300 there is heard by nobody.
    wave = torch.rand(1, 2, 48000, generator=torch.Generator().manual_seed(0)) - 0.5
    period = torch.rand(1, 2, 300, generator=torch.Generator().manual_seed(1)) - 0.5
    wave[..., 20000:24000] = period.repeat(1, 1, 14)[..., :4000]
    fitted, _ = fit_circle(wave, 47700)
    expected = torch.cat([wave[..., :21000], wave[..., 21300:]], dim=-1)
    torch.testing.assert_close(fitted, expected, atol=1e-6, rtol=0)


def test_what_is_too_far_away_is_refused() -> None:
    with pytest.raises(ValueError, match="samples=70000: too far"):
        fit_circle(turns(48000, 5), 70000)
