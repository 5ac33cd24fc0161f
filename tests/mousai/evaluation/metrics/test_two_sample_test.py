"""The classifier two-sample test on sounds of which is known whether they can be told apart."""

import numpy as np
import pytest
from scipy.signal import lfilter

from mousai.evaluation.metrics.two_sample_test import cut_excerpts, two_sample_test

SONGS, COUNT, SAMPLES = 9, 8, 2304


def excerpts(seed: int, *, smooth: float = 0.0) -> np.ndarray:
    """Noise of another level in every song; with `smooth`, through a low-pass filter of one pole."""
    rng = np.random.default_rng(seed)
    songs = rng.uniform(0.01, 1, (SONGS, 1)) * rng.standard_normal((SONGS, COUNT * SAMPLES))
    songs = lfilter([1 - smooth], [1, -smooth], songs)
    return np.stack([cut_excerpts(song, samples=SAMPLES, count=COUNT) for song in songs])


def test_two_draws_of_one_distribution_cannot_be_told_apart() -> None:
    found = two_sample_test(excerpts(0), excerpts(1), steps=20)
    assert (found["songs"], found["held_out"], found["total"]) == (SONGS, 3, 2 * 3 * COUNT)
    low, high = found["interval"]
    assert low < 0.5 < high


def test_what_lost_its_treble_is_told_from_what_did_not() -> None:
    found = two_sample_test(excerpts(0), excerpts(1, smooth=0.5), steps=20)
    assert found["value"] >= 0.95
    assert two_sample_test(excerpts(0), excerpts(1, smooth=0.5), steps=20) == found


def test_the_same_excerpts_are_told_apart_by_chance_exactly() -> None:
    assert two_sample_test(excerpts(0), excerpts(0), steps=3)["value"] == 0.5


def test_another_level_gives_nothing_away() -> None:
    song = np.random.default_rng(0).standard_normal((2, 3 * SAMPLES))
    first, second = (cut_excerpts(each, samples=SAMPLES, count=3) for each in (song, 0.1 * song))
    np.testing.assert_allclose(first, second, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(np.sqrt((first**2).mean(axis=1)), 1, rtol=1e-4)
    assert not cut_excerpts(0 * song, samples=SAMPLES).any()


def test_what_is_too_short_or_too_little_is_named() -> None:
    with pytest.raises(ValueError, match="audio has 100 samples; must be 2304 or more"):
        cut_excerpts(np.zeros(100), samples=SAMPLES)
    with pytest.raises(ValueError, match=r"shapes \(2, 8, 2304\) and .* three songs or more"):
        two_sample_test(excerpts(0)[:2], excerpts(1)[:2])
    with pytest.raises(ValueError, match="all excerpts are silent"):
        two_sample_test(0 * excerpts(0), excerpts(1))
