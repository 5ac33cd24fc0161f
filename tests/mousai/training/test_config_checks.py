"""Checks of numbers that the configs share."""

import math

import pytest

from mousai.training.config.checks import LARGEST, check_above, check_least, check_probability
from tests.mousai.refusing import refused


@pytest.mark.parametrize("value", ["fast", None, [1], 2 + 1j, math.nan, -1.0])
def test_what_is_no_such_number_is_one_line(value: object):
    assert refused(check_above, "loop.batch", value, 0).endswith("must be above 0")
    assert refused(check_least, "loop.batch", value, 0).endswith("must be 0 or more")
    assert refused(check_probability, "loop.batch", value).endswith("must lie in [0, 1]")


@pytest.mark.parametrize("value", [10**400, math.inf, 2.0 * LARGEST])
def test_what_is_too_large_hears_the_bound(value: float):
    assert refused(check_above, "loop.seed", value, 0).endswith(f"must be above 0, and at most {LARGEST}")
    assert refused(check_least, "loop.seed", value, 0).endswith(f"must be 0 or more, and at most {LARGEST}")
