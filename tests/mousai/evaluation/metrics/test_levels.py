"""Level, loudness, width, silence and clipping of synthetic waveforms."""

import numpy as np
import pytest

from mousai.evaluation.features.waveform import SAMPLE_RATE
from mousai.evaluation.metrics import levels as metrics


def noise(seconds: float, *, seed: int = 0, channels: int = 1) -> np.ndarray:
    shape = (channels, round(seconds * SAMPLE_RATE))
    return (0.1 * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)


def test_levels_of_a_sine() -> None:
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    sine = 0.5 * np.sin(2 * np.pi * 100 * time)
    found = metrics.levels(np.stack([sine, sine]))
    assert found.rms == pytest.approx(20 * np.log10(0.5) - 10 * np.log10(2), abs=0.01)
    assert found.peak == pytest.approx(20 * np.log10(0.5), abs=0.01)
    assert found.width == -60.0
    assert (found.silent, found.clipped) == (0.0, 0.0)


def test_levels_of_width_silence_and_clipping() -> None:
    sound = noise(1.0, channels=2)
    assert metrics.levels(sound).width == pytest.approx(0.0, abs=0.1)  # independent channels: as much side as middle
    assert metrics.levels(np.stack([sound[0], -sound[0]])).width == 60.0
    sound[:, SAMPLE_RATE // 4 :] = 0.0
    assert metrics.levels(sound).silent == pytest.approx(0.75)
    sound[:, : SAMPLE_RATE // 10] = 1.0
    assert metrics.levels(sound).clipped == pytest.approx(0.1)
    assert metrics.levels(np.zeros((2, 100))).rms == -120.0


def test_the_loudness_is_that_of_bs_1770_at_any_rate() -> None:
    # A full-scale sine of 997 Hz in one channel is -3.01 LUFS, in both 0.00 LUFS.
    sine = np.sin(2 * np.pi * 997 * np.arange(5 * SAMPLE_RATE) / SAMPLE_RATE)
    assert metrics.levels(sine).loudness == pytest.approx(-3.01, abs=0.02)
    assert metrics.levels(np.stack([sine, sine])).loudness == pytest.approx(0.0, abs=0.02)
    half = metrics.levels(sine[::2], sample_rate=SAMPLE_RATE // 2)
    assert half.loudness == pytest.approx(-3.01, abs=0.05)


def test_silence_between_does_not_count_for_loudness() -> None:
    sine = 0.1 * np.sin(2 * np.pi * 997 * np.arange(5 * SAMPLE_RATE) / SAMPLE_RATE)
    with_pause = np.concatenate([sine, np.zeros(10 * SAMPLE_RATE)])
    assert metrics.levels(with_pause).loudness == pytest.approx(metrics.levels(sine).loudness, abs=0.3)
    assert metrics.levels(np.zeros(SAMPLE_RATE)).loudness == -70.0
    assert metrics.levels(np.zeros(100)).loudness == -70.0
