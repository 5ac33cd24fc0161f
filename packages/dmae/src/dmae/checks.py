"""Checks that the package's parts share; each raises a ValueError of one line that says what was given."""

from collections.abc import Collection, Mapping
from typing import Any

from torch import Tensor

from unet1d import UNet1dConfig, from_mapping


def require_whole(owner: str, key: str, value: object, *, least: int = 1) -> None:
    """Raise a ValueError that names owner and key unless `value` is a whole number of `least` or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{owner}: {key} must be a whole number of {least} or more, not {value!r}")


def require_finite(name: str, x: Tensor) -> None:
    """Raise a ValueError that counts what is NaN or infinite in `x`, if anything is."""
    if not bool(x.isfinite().all()):
        raise ValueError(f"{name}: {int((~x.isfinite()).sum())} of {x.numel()} numbers are NaN or infinite")


def require_wave(wave: Tensor, channels: int | None, *, name: str = "wave") -> None:
    """Raise a ValueError unless `wave` is floating-point [B, channels, T], T of 1 or more; `None` = any channels."""
    if wave.ndim != 3 or wave.shape[1] != (channels or wave.shape[1]) or not wave.shape[1] or not wave.shape[2]:
        wanted = f"channels={channels}" if channels else "channels of 1 or more"
        raise ValueError(f"{name}: expected [batch, {wanted}, samples of 1 or more], got {list(wave.shape)}")
    if not wave.is_floating_point():
        raise ValueError(f"{name}: expected floating-point samples in [-1, 1], got {wave.dtype}")


def with_parts(
    owner: str, values: Mapping[str, Any], parts: Mapping[str, type], *, optional: Collection[str] = ()
) -> dict[str, Any]:
    """The fields of a config, its parts made from their mappings: what `from_dict` has to do before the fields.

    Args:
        owner: name of the config, for the errors.
        values: its fields; a part may stand there already made.
        parts: field -> class of the part.
        optional: parts that may be `None`.

    Raises:
        ValueError: `values` or a part is no mapping, or a part's mapping has an unknown or missing key.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"{owner}: expected a mapping of its fields, not {values!r}")
    made = dict(values)
    for key, kind in parts.items():
        value = made.get(key)
        if isinstance(value, Mapping):
            made[key] = UNet1dConfig.from_dict(value) if kind is UNet1dConfig else from_mapping(kind, value)
        elif key in made and not isinstance(value, kind) and not (value is None and key in optional):
            raise ValueError(f"{owner}: {key} must be a mapping of its fields, not {value!r}")
    return made
