"""Intervals of 95 %: Wilson's for shares, the percentile bootstrap for medians and other statistics."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Z = 1.96
"""Standard normal quantile of a two-sided interval of 95 %."""
RESAMPLES = 1000


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """A measured metric.

    Args:
        value: the share, median or distance.
        interval: its interval of 95 %.
        total: number of clips, pairs or pieces that it is taken over.
        count: of a share, how many of `total`.
        reference: the metric's value for its reference.
        by_chance: the metric's value for music that ignores what it was asked for.
    """

    value: float
    interval: tuple[float, float]
    total: int
    count: int | None = None
    reference: float | None = None
    by_chance: float | None = None


def wilson_interval(count: int, total: int) -> tuple[float, float]:
    """Wilson's score interval of a share (Wilson 1927), which stays within 0 and 1 and works for small totals."""
    share = count / total
    middle = (share + Z**2 / (2 * total)) / (1 + Z**2 / total)
    reach = Z * math.sqrt(share * (1 - share) / total + Z**2 / (4 * total**2)) / (1 + Z**2 / total)
    return max(middle - reach, 0.0), min(middle + reach, 1.0)


def bootstrap_interval(
    values: Sequence[float] | npt.NDArray[Any], statistic: Callable[[npt.NDArray[Any]], float] | None = None
) -> tuple[float, float]:
    """Percentile bootstrap interval (Efron 1979) of a statistic of independent values, by `RESAMPLES` resamples.

    The resamples are drawn from a fixed seed, so the same values give the same interval.

    Args:
        values: one number for each independent unit; NaN is left out, and NaN is the interval if none is left.
        statistic: function of the resampled values (default: the median).
    """
    found = np.asarray(values)
    found = found[np.isfinite(found)]
    if not len(found):
        return float("nan"), float("nan")
    places = np.random.default_rng(0).integers(len(found), size=(RESAMPLES, len(found)))
    if statistic is None:
        each = np.median(found[places], axis=1)
    else:
        each = np.array([statistic(found[chosen]) for chosen in places])
    low, high = np.nanpercentile(each, [2.5, 97.5])  # a statistic may be NaN for some resamples
    return float(low), float(high)


def share_of(count: int, total: int) -> dict[str, Any]:
    """A share as it stands in a summary: `count` of `total`, `value` and Wilson's `interval`."""
    return {"value": count / total, "interval": list(wilson_interval(count, total)), "count": count, "total": total}


def median_of(values: Sequence[float] | npt.NDArray[Any], *, digits: int = 3) -> dict[str, Any]:
    """A median as it stands in a summary: `value`, bootstrap `interval`, `min`, `max` and number of values `total`."""
    low, high = bootstrap_interval(values)
    numbers = {
        "value": float(np.median(values)),
        "min": float(np.min(values)),
        "max": float(np.max(values)),
    }
    found: dict[str, Any] = {name: round(value, digits) for name, value in numbers.items()}
    return {**found, "interval": [round(low, digits), round(high, digits)], "total": len(values)}
