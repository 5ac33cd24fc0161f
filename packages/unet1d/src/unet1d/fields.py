"""Fields of config dataclasses: checks of their values, and a config made from a mapping."""

import difflib
import math
import numbers
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")


def from_mapping(cls: type[T], values: Mapping[str, Any]) -> T:
    """Make a config dataclass from a mapping of its fields.

    Raises:
        ValueError: a key is unknown or missing; the message names it.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"{cls.__name__}: expected a mapping of its fields, not {values!r}")
    known = [field.name for field in fields(cls)]  # type: ignore[arg-type]
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}"
            raise ValueError(f"{cls.__name__}: unknown key {key!r}; {hint}")
    try:
        return cls(**values)
    except TypeError as error:  # a field without a default is missing
        raise ValueError(f"{cls.__name__}: {error}") from None


MOST = 2**20
"""Largest size; beyond it a config is wrong, and a net of it would fill any memory."""


def set_int(config: object, key: str, *, least: int, most: int = MOST) -> None:
    """Check an integer field of a frozen dataclass and make it a Python int, which JSON can write.

    NumPy's integers are taken. Anything else, a bool included, is a ValueError.
    """
    value = getattr(config, key)
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < least:
        raise ValueError(f"{type(config).__name__}: {key} must be an integer of {least} or more, not {value!r}")
    if int(value) > most:
        raise ValueError(f"{type(config).__name__}: {key} must be {most} or less, not {_short(value)}")
    object.__setattr__(config, key, int(value))


def set_float(config: object, key: str, *, least: float, hint: str) -> None:
    """Check a field of finite numbers and make it a Python number; NumPy's are taken, a bool is a ValueError."""
    value = getattr(config, key)
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not _is_number(value, least):
        raise ValueError(f"{type(config).__name__}: {key} must be a number of {least:g}{hint} or more, not {value!r}")
    if float(value) > MOST:
        raise ValueError(f"{type(config).__name__}: {key} must be {MOST} or less, not {_short(value)}")
    object.__setattr__(config, key, int(value) if isinstance(value, numbers.Integral) else float(value))


def _is_number(value: Any, least: float) -> bool:
    try:
        return least <= float(value) < math.inf
    except OverflowError:  # an integer of hundreds of digits
        return False


def _short(value: Any) -> str:
    """A number for a message; of hundreds of digits only that it has so many."""
    return repr(value) if value < 2**64 else f"2**{int(value).bit_length() - 1} or more"


def set_bool(config: object, key: str) -> None:
    """Check a field that is on or off and make it a Python bool; NumPy's are taken, 0 and 1 are a ValueError."""
    value = getattr(config, key)
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{type(config).__name__}: {key} must be True or False, not {value!r}")
    object.__setattr__(config, key, bool(value))
