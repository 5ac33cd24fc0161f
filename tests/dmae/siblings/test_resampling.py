"""Resampling by whole factors, against tones whose samples are known."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from dmae.resampling import downsample, upsample

FACTORS = pytest.mark.parametrize("factor", [2, 3, 8])


def tone(length: int, cycles_per_sample: float) -> Tensor:
    return torch.sin(2 * math.pi * cycles_per_sample * torch.arange(length, dtype=torch.float64) + 0.3)[None, None]


@FACTORS
@pytest.mark.parametrize("cycles", [0.02, 0.2, 0.35])  # per sample of the lower rate; below 0.5
def test_a_low_tone_keeps_its_samples_both_ways(factor: int, cycles: float) -> None:
    high, low = tone(200 * factor, cycles / factor), tone(200, cycles)
    inner = slice(20, -20)
    # Six zero crossings cost up to one part in a hundred.
    torch.testing.assert_close(downsample(high, factor)[..., inner].double(), low[..., inner], rtol=0, atol=0.015)
    inner = slice(20 * factor, -20 * factor)
    torch.testing.assert_close(upsample(low, factor)[..., inner].double(), high[..., inner], rtol=0, atol=0.015)


@FACTORS
def test_a_tone_above_half_the_lower_rate_is_gone(factor: int) -> None:
    low = downsample(tone(200 * factor, 0.7 / factor), factor)
    assert low[..., 20:-20].abs().max() < 0.02


@given(length=st.integers(1, 60), factor=st.integers(2, 9))
def test_lengths(length: int, factor: int) -> None:
    wave = torch.randn(2, 3, length)
    low = downsample(wave, factor)
    assert low.shape == (2, 3, -(-length // factor)) and low.dtype == torch.float32
    assert upsample(low, factor).shape == (2, 3, low.shape[-1] * factor)


def test_rows_do_not_mix_and_half_precision_stays_out() -> None:
    wave = torch.randn(2, 2, 40)
    for function in (downsample, upsample):
        whole = function(wave, 4)
        torch.testing.assert_close(function(wave[1:, 1:], 4), whole[1:, 1:])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert function(wave, 4).equal(whole)
