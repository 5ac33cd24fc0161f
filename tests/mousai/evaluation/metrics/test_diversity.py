"""Distances of sets in closed form."""

import numpy as np
import pytest

from mousai.evaluation.metrics.diversity import (
    frechet_distance,
    note_correlation,
    pairwise_diversity,
    split_frechet_distance,
)


def white(count: int, *, seed: int = 0, axes: int = 3) -> np.ndarray:
    """Vectors whose mean is 0 and whose covariance is the identity, exactly."""
    x = np.random.default_rng(seed).standard_normal((count, axes))
    x -= x.mean(axis=0)
    return x @ np.linalg.inv(np.linalg.cholesky(np.cov(x, rowvar=False))).T


def test_equal_sets_are_at_distance_zero() -> None:
    x = white(50)
    assert frechet_distance(x, x) == pytest.approx(0.0, abs=1e-9)


def test_a_shift_and_a_stretch_add_up() -> None:
    x = white(50)
    shift = np.array([1.0, 2.0, 2.0])
    assert frechet_distance(x, x + shift) == pytest.approx(9.0)
    # Along one axis the distance of standard deviations 1 and 3 is (3 - 1)^2.
    assert frechet_distance(x, 3 * x) == pytest.approx(3 * 4.0)
    assert frechet_distance(x, 3 * x + shift) == pytest.approx(9.0 + 12.0)


def test_halves_of_one_kind_are_at_the_floor_and_others_are_not() -> None:
    reference = np.random.default_rng(0).standard_normal((80, 4))
    same, other = (
        np.random.default_rng(1).standard_normal((80, 4)),
        np.random.default_rng(2).standard_normal((80, 4)) + 2,
    )
    found = split_frechet_distance(same, reference)
    assert found["value"] == pytest.approx(found["floor"], rel=0.8)
    assert found["interval"][0] < found["value"] < found["interval"][1] and found["total"] == 40
    assert split_frechet_distance(other, reference)["value"] > 10 * found["floor"]


def test_notes_of_one_piece_are_the_same_even_a_little_later_and_others_are_not() -> None:
    one, other = (np.random.default_rng(seed).random((60, 200)) ** 8 for seed in (0, 1))
    assert note_correlation(one, one) == pytest.approx(1.0)
    assert note_correlation(one[:, 5:], one[:, :-5]) == pytest.approx(1.0, abs=0.02)
    assert note_correlation(one, other) < 0.1
    assert note_correlation(one, one + 3 * np.ones((60, 1))) == pytest.approx(1.0)  # constant notes do not count
    assert note_correlation(np.zeros((60, 100)), np.zeros((60, 100))) == 1.0


def test_pairs_of_one_prompt_are_a_part_of_all() -> None:
    distances = np.array([[0.0, 0.3, 1.0], [0.3, 0.0, 1.2], [1.0, 1.2, 0.0]])
    one, other = (np.random.default_rng(seed).random((60, 200)) ** 8 for seed in (0, 1))
    found = pairwise_diversity(distances, ["a", "a", "b"], [one, one, other])
    same, every = found["same_prompt"], found["all"]["distance"]
    assert (same["distance"]["value"], same["near"]["count"], same["alike"]["count"]) == (0.3, 1, 1)
    assert (every["value"], every["min"], every["total"]) == (1.0, 0.3, 3)
    assert 0.3 <= every["interval"][0] <= 1.0 <= every["interval"][1] <= 1.2
    near_only = pairwise_diversity(distances, ["a", "a", "b"], [one, other, one])["same_prompt"]
    assert near_only["near"]["count"] == 1 and near_only["alike"]["count"] == 0
    assert "same_prompt" not in pairwise_diversity(distances, ["a", "b", "c"], [one, one, one])
