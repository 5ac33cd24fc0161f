"""Checks of numbers that the configs share."""

import math
from typing import Any

from mousai.errors import UserError


def check_above(name: str, value: Any, least: float) -> None:
    """Refuse a number that is not above `least`."""
    if not (math.isfinite(value) and value > least):
        raise UserError(f"{name}={value}: must be above {least}")


def check_least(name: str, value: Any, least: float) -> None:
    """Refuse a number below `least`."""
    if not (math.isfinite(value) and value >= least):
        raise UserError(f"{name}={value}: must be {least} or more")


def check_probability(name: str, value: Any) -> None:
    """Refuse a number outside [0, 1]."""
    if not (math.isfinite(value) and 0 <= value <= 1):
        raise UserError(f"{name}={value}: must lie in [0, 1]")
