"""Repetition: 1 for a loop at its bar, 0 for noise."""

import numpy as np
import pytest

from mousai.evaluation.features.pitch import FRAME_RATE, pitch_spectrogram
from mousai.evaluation.metrics.repetition import lagged_correlation, notes_and_spectrum, repetition, self_similarity

from ..sounds import RATE, chords

BAR = [(60, 64, 67), (65, 69, 72), (67, 71, 74), (57, 60, 64)]


def test_a_loop_repeats_exactly_at_its_bar() -> None:
    loop = np.random.default_rng(0).standard_normal((12, 40))
    piece = np.tile(loop, 6)
    assert lagged_correlation(piece, 40) == pytest.approx(1.0)
    assert lagged_correlation(piece, 80) == pytest.approx(1.0)
    assert abs(lagged_correlation(piece, 20)) < 0.2


def test_a_lag_between_two_frames_is_interpolated() -> None:
    time = np.arange(400)
    wave = np.stack([np.sin(2 * np.pi * time / 32.5), np.cos(2 * np.pi * time / 32.5)])
    assert lagged_correlation(wave, 32.5) == pytest.approx(1.0, abs=0.01)
    assert lagged_correlation(wave, 16.25) == pytest.approx(-1.0, abs=0.02)


def test_what_cannot_be_measured_is_nan() -> None:
    assert np.isnan(lagged_correlation(np.ones((12, 200)), 20))
    assert np.isnan(lagged_correlation(np.random.default_rng(0).standard_normal((12, 200)), 190))


def test_a_bar_of_four_chords_played_again_and_again() -> None:
    sound = chords(BAR, seconds=0.5, times=6)  # a bar of four beats at 120 bpm
    picture = pitch_spectrogram(sound, sample_rate=RATE)
    found = repetition(picture, bpm=120, beats_per_bar=4, bars=(1, 4))
    assert found["notes_1"] > 0.95 and found["notes_4"] > 0.95 and found["spectrum_1"] > 0.9
    assert found["notes_off"] < 0.5
    square = self_similarity(notes_and_spectrum(picture)["notes"], frames=60)
    np.testing.assert_allclose(np.diag(square), 1.0, atol=1e-6)
    bar = round(60 * 2.0 * FRAME_RATE / picture.shape[1])
    assert np.diag(square, bar).mean() > np.diag(square, bar // 2).mean() + 0.3


def test_noise_repeats_nothing() -> None:
    noise = np.random.default_rng(0).standard_normal(12 * RATE).astype(np.float32)
    found = repetition(pitch_spectrogram(noise, sample_rate=RATE), bpm=120, beats_per_bar=4, bars=(1, 4))
    assert all(abs(value) < 0.2 for value in found.values())
