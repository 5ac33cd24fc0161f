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


def set_int(config: object, key: str, *, least: int) -> None:
    """Check an integer field of a frozen dataclass and make it a Python int, which JSON can write.

    NumPy's integers are taken. Anything else, a bool included, is a ValueError.
    """
    value = getattr(config, key)
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < least:
        raise ValueError(f"{type(config).__name__}: {key} must be an integer of {least} or more, not {value!r}")
    object.__setattr__(config, key, int(value))


def set_float(config: object, key: str, *, least: float, hint: str) -> None:
    """Check a field of finite numbers and make it a Python number; NumPy's are taken, a bool is a ValueError."""
    value = getattr(config, key)
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not least <= float(value) < math.inf:
        raise ValueError(f"{type(config).__name__}: {key} must be a number of {least:g}{hint} or more, not {value!r}")
    object.__setattr__(config, key, int(value) if isinstance(value, numbers.Integral) else float(value))


def set_bool(config: object, key: str) -> None:
    """Check a field that is on or off and make it a Python bool; NumPy's are taken, 0 and 1 are a ValueError."""
    value = getattr(config, key)
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{type(config).__name__}: {key} must be True or False, not {value!r}")
    object.__setattr__(config, key, bool(value))
