import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mousai.compose.rendering.balance import LARGEST, LEAD_LEVEL, lead_gain

RATE = 48000


def noise(seconds: float, level: float, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0, level, (2, round(seconds * RATE))).astype(np.float32)


def tone(frequency: float, seconds: float = 2.0) -> np.ndarray:
    wave = np.sin(2 * np.pi * frequency * np.arange(round(seconds * RATE)) / RATE)
    return np.stack([wave, wave]).astype(np.float32)


def decibels(factor: float) -> float:
    return float(20 * np.log10(factor))


@given(level=st.floats(0.07, 10))
def test_any_lead_comes_to_the_level_of_the_rest(level: float):
    rest = noise(1.0, 0.1)
    assert decibels(lead_gain((level * rest).astype(np.float32), rest) * level) == pytest.approx(LEAD_LEVEL, abs=1e-3)


@given(wanted=st.floats(-12, 12))
def test_or_to_the_level_over_it_that_is_asked_for(wanted: float):
    rest = noise(1.0, 0.1)
    assert decibels(lead_gain(0.5 * rest, rest, wanted) * 0.5) == pytest.approx(wanted, abs=1e-3)


def test_what_comes_out_is_as_loud_as_the_standard_hears_it():
    from mousai.audio.loudness import integrated_loudness as loudness

    lead, rest = tone(1000.0) * 0.3, noise(2.0, 0.05)
    gain = lead_gain(lead, rest)
    assert loudness(gain * lead) - loudness(rest) == pytest.approx(LEAD_LEVEL, abs=0.1)


def test_a_bass_that_is_hardly_heard_does_not_push_the_lead():
    lead = tone(1000.0)
    quiet, loud = lead_gain(lead, tone(30.0)), lead_gain(lead, tone(2500.0))
    assert decibels(loud / quiet) > 10


def test_only_where_the_lead_plays_is_it_compared():
    lead, rest = noise(4.0, 0.1), noise(4.0, 0.1, seed=1)
    lead[:, 2 * RATE :] *= 0.001  # a breath of reverb
    rest[:, 2 * RATE :] *= 8  # and the band lets go
    assert decibels(lead_gain(lead, rest)) == pytest.approx(LEAD_LEVEL, abs=0.3)


def test_silence_and_extremes():
    sound, nothing = noise(1.0, 0.1), np.zeros((2, RATE), np.float32)
    assert lead_gain(nothing, sound) == lead_gain(sound, nothing) == lead_gain(nothing, nothing) == 1.0
    assert decibels(lead_gain(1e-4 * sound, sound)) == pytest.approx(LARGEST)
    assert decibels(lead_gain(sound, 1e-4 * sound)) == pytest.approx(-LARGEST)
    short = noise(0.05, 0.1)  # shorter than a block
    assert decibels(lead_gain(short, short)) == pytest.approx(LEAD_LEVEL, abs=1e-3)
