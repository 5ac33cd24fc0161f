import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mousai.compose.production.config import Compression, SideChain
from mousai.compose.production.dynamics import (
    compress,
    compressor_gain,
    heard_level,
    pumping,
    rounded_peaks,
    saturate,
    static_curve,
)

RATE = 48000


def square(level: float, seconds: float = 1.0) -> np.ndarray:
    """A square wave of a level in dB: its peak and its RMS are one."""
    wave = 10 ** (level / 20) * np.sign(np.sin(2 * np.pi * 1000 * (np.arange(round(seconds * RATE)) + 0.5) / RATE))
    return np.stack((wave, wave)).astype(np.float32)


@given(st.floats(-60, 0), st.floats(-40, -5), st.floats(1, 10), st.floats(0, 12))
def test_the_static_curve_is_straight_outside_the_knee(level: float, threshold: float, ratio: float, knee: float):
    gain = float(static_curve(np.array(level), threshold, ratio, knee))
    over = level - threshold
    if over <= -knee / 2:
        assert gain == pytest.approx(0.0, abs=1e-9)
    elif over >= knee / 2:
        assert level + gain == pytest.approx(threshold + over / ratio, abs=1e-6)
    else:
        assert (1 / ratio - 1) * knee / 2 - 1e-9 <= gain <= 1e-9


@pytest.mark.parametrize("level", [-30.0, -20.0, -6.0])
def test_a_steady_sound_comes_to_the_static_curve(level: float) -> None:
    settings = Compression(threshold=-5.0, ratio=4.0, knee=0.0)
    gain = compressor_gain(square(level), settings, level=-10.0)
    assert gain[-1] == pytest.approx(min(0.0, -0.75 * (level + 15.0)), abs=0.01)


def test_it_goes_down_with_the_attack_and_comes_back_with_the_release() -> None:
    settings = Compression(threshold=0.0, ratio=2.0, knee=0.0, attack=0.02, release=0.1)
    wave = np.concatenate((square(-40.0, 0.5), square(-10.0, 0.5), square(-40.0, 1.0)), axis=1)
    gain = compressor_gain(wave, settings, level=-20.0)  # -5 dB in the loud part
    assert gain[499] == pytest.approx(0.0, abs=1e-6)
    assert gain[500 + 20] == pytest.approx(-5 * (1 - np.exp(-1)), abs=0.3)  # one time constant later
    assert gain[999] == pytest.approx(-5.0, abs=0.01)
    # 10 dB over the threshold, falling by 6 dB in 0.1 s
    assert gain[1000 + 83] == pytest.approx(-2.5 - 0.6, abs=0.15)
    assert gain[1000 + 300] == pytest.approx(0.0, abs=0.01)


def test_compression_makes_loud_and_soft_more_alike_and_nothing_later() -> None:
    wave = np.concatenate((square(-30.0), square(-10.0)), axis=1)
    out = compress(wave, Compression(threshold=-12.0, ratio=4.0))
    assert heard_level(out[:, RATE + 9600 :]) - heard_level(out[:, : RATE - 9600]) < 15.0
    np.testing.assert_array_equal(np.sign(out), np.sign(wave))


def test_saturation_rounds_off_peaks_and_leaves_the_quiet_alone() -> None:
    wave = np.concatenate((square(-10.0), square(-50.0)), axis=1)
    out = saturate(wave, 12.0)  # which brings the loud part to 1
    assert heard_level(out[:, :RATE]) == pytest.approx(-10.0 + 20 * np.log10(np.tanh(1.0)), abs=0.01)
    assert heard_level(out[:, RATE:]) == pytest.approx(-50.0, abs=0.1)


@given(st.floats(0.01, 1.0))
@settings(max_examples=20)
def test_rounded_peaks_stay_below_the_ceiling_and_half_of_it_is_untouched(ceiling: float):
    wave = np.random.default_rng(0).normal(0.0, 0.3, (2, 2000)).astype(np.float32)
    wave[:, :10] = 0.0
    gain = rounded_peaks(wave, ceiling)
    assert np.abs(wave * gain).max() <= ceiling * 1.00001
    quiet = np.abs(wave).max(axis=0) <= ceiling / 2
    np.testing.assert_allclose(gain[quiet], 1.0, atol=1e-6)


def test_pumping_is_as_deep_as_told_at_every_kick_and_over_after_the_release() -> None:
    kicks = [0.5, 1.0, 1.5]
    gain = 20 * np.log10(pumping(kicks, SideChain(depth=8.0, release=0.8), 0.5, 3 * RATE))
    for kick in kicks:
        assert gain[round(kick * RATE)] == pytest.approx(-8.0, abs=0.25)
        assert gain[round((kick + 0.41) * RATE)] == pytest.approx(0.0, abs=0.05)
    assert gain[: round(0.49 * RATE)] == pytest.approx(0.0, abs=1e-4)
    assert not gain[round(2.0 * RATE) :].any()
    assert gain.min() >= -8.001
    assert np.abs(np.diff(gain)).max() < 0.1  # no click
    assert (pumping([], SideChain(depth=8.0), 0.5, 100) == 1).all()
