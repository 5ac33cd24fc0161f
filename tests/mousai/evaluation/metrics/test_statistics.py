"""Intervals: Wilson's by hand, the bootstrap by its coverage and its limits."""

import numpy as np
import pytest

from mousai.evaluation.metrics.statistics import bootstrap_interval, median_of, share_of, wilson_interval


def test_wilson_interval_by_hand() -> None:
    low, high = wilson_interval(9, 10)
    assert (low, high) == (pytest.approx(0.5958, abs=1e-3), pytest.approx(0.9821, abs=1e-3))
    assert wilson_interval(10, 10)[1] == pytest.approx(1.0) and wilson_interval(0, 10)[0] == 0.0


def test_bootstrap_interval_of_a_mean_is_that_of_the_normal_distribution() -> None:
    values = np.random.default_rng(0).standard_normal(400)
    low, high = bootstrap_interval(values, lambda found: float(found.mean()))
    error = values.std() / np.sqrt(len(values))
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.2 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.2 * error)


def test_bootstrap_interval_covers_the_median_in_most_samples() -> None:
    rng = np.random.default_rng(1)
    intervals = [bootstrap_interval(rng.standard_normal(60)) for _ in range(60)]
    assert 0.85 <= np.mean([low <= 0 <= high for low, high in intervals]) <= 1.0


def test_the_same_values_have_the_same_interval_and_equal_values_none() -> None:
    values = [3.0, 1.0, 2.0]
    assert bootstrap_interval(values) == bootstrap_interval(values)
    assert bootstrap_interval([2.0, 2.0]) == (2.0, 2.0)
    assert bootstrap_interval([1.0, float("nan"), 1.0]) == (1.0, 1.0)
    assert np.isnan(bootstrap_interval([float("nan")])).all()


def test_figures_of_a_summary() -> None:
    share = share_of(1, 4)
    assert (share["value"], share["count"], share["total"]) == (0.25, 1, 4)
    assert share["interval"] == list(wilson_interval(1, 4))
    median = median_of([1.0, 2.0, 9.0])
    assert (median["value"], median["min"], median["max"], median["total"]) == (2.0, 1.0, 9.0, 3)
    assert 1.0 <= median["interval"][0] <= median["interval"][1] <= 9.0
