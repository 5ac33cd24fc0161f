"""Checks of numbers that the configs share."""

from typing import Any

from mousai.errors import UserError, is_finite

LARGEST = 2**53
"""Largest number of a setting: whole numbers up to it are exact as floats."""


def check_above(name: str, value: Any, least: float) -> None:
    """Refuse a number that is not above `least`."""
    if not (_is_number(value) and least < value <= LARGEST):
        raise UserError(name, value, f"must be above {least}{_bound(value)}")


def check_least(name: str, value: Any, least: float) -> None:
    """Refuse a number below `least`."""
    if not (_is_number(value) and least <= value <= LARGEST):
        raise UserError(name, value, f"must be {least} or more{_bound(value)}")


def _bound(value: Any) -> str:
    """Words for the upper bound, where that is what a number breaks."""
    return f", and at most {LARGEST}" if isinstance(value, int | float) and value > LARGEST else ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and is_finite(value)


def check_probability(name: str, value: Any) -> None:
    """Refuse a number outside [0, 1]."""
    if not (_is_number(value) and 0 <= value <= 1):
        raise UserError(name, value, "must lie in [0, 1]")
