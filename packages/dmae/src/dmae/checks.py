"""Checks shared by the package; each raises a ValueError of one line with the name, the value and what would do."""

import numbers
from collections.abc import Collection, Mapping
from typing import Any

from torch import Tensor

from unet1d import UNet1dConfig, from_mapping


def require_whole(owner: str, key: str, value: object, *, least: int = 1, most: int = 2**20) -> None:
    """Raise a ValueError that names owner and key unless `value` is a whole number of `least` to `most`."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or int(value) < least:
        raise ValueError(f"{owner}: {key} must be a whole number of {least} or more, not {value!r}")
    if (whole := int(value)) > most:
        shown = whole if whole < 2**64 else f"2**{whole.bit_length() - 1} or more"
        raise ValueError(f"{owner}: {key} must be {most} or less, not {shown}")


def require_finite(name: str, x: Tensor) -> None:
    """Raise a ValueError that counts the NaN and infinite numbers of `x`, if there are any."""
    # NaN passes into both ends. Of ten minutes of sound at once `isfinite` would take twice its memory, and `aminmax`
    # takes as much again where numbers do not lie one after the other.
    if x.numel() and not all(bool(end.isfinite()) for part in x.split(2**18, dim=-1) for end in part.aminmax()):
        raise ValueError(f"{name}: {int((~x.isfinite()).sum())} of {x.numel()} numbers are NaN or infinite")


def require_tensor(name: str, x: object) -> None:
    """Raise a ValueError unless `x` is a tensor; says how a NumPy array becomes one."""
    if not isinstance(x, Tensor):
        kind = f"{type(x).__module__}.{type(x).__name__}"
        hint = f"; torch.from_numpy({name}) makes one of a NumPy array" if kind.startswith("numpy") else ""
        raise ValueError(f"{name}: expected a torch.Tensor, got {kind}{hint}")


def require_wave(wave: Tensor, channels: int | None, *, name: str = "wave") -> None:
    """Raise a ValueError unless `wave` is floating-point [B, channels, T], T of 1 or more; `None` = any channels."""
    require_tensor(name, wave)
    shape = list(wave.shape)
    if wave.ndim != 3 or wave.shape[1] != (channels or wave.shape[1]) or not wave.shape[1] or not wave.shape[2]:
        wanted = f"channels={channels}" if channels else "channels of 1 or more"
        hint = ""
        if wave.ndim == 2 and shape[0] == (channels or shape[0]):
            hint = f"; {name}[None] adds the batch"
        elif wave.ndim == 1:
            hint = f"; {name}[None, None] adds batch and channel"
        elif wave.ndim == 3 and channels and shape[1] == 1:
            hint = f"; {name}.expand(-1, {channels}, -1) repeats the channel"
        elif wave.ndim == 3 and channels == 1 and shape[1]:
            hint = f"; {name}.mean(1, keepdim=True) mixes to mono"
        raise ValueError(f"{name}: expected [batch, {wanted}, samples of 1 or more], got {shape}{hint}")
    if not wave.is_floating_point():
        raise ValueError(f"{name}: expected floating-point samples in [-1, 1], got {wave.dtype}")


def require_latent(latent: Tensor, channels: int) -> None:
    """Raise a ValueError unless `latent` is finite floating-point [B, channels, frames of 1 or more]."""
    require_tensor("latent", latent)
    if latent.ndim != 3 or latent.shape[1] != channels or not latent.shape[2]:
        hint = "; latent[None] adds the batch" if latent.ndim == 2 and latent.shape[0] == channels else ""
        raise ValueError(
            f"latent: expected [batch, channels={channels}, frames of 1 or more], got {list(latent.shape)}{hint}"
        )
    if not latent.is_floating_point():
        raise ValueError(f"latent: expected floating-point numbers, got {latent.dtype}")
    require_finite("latent", latent)


def with_parts(
    owner: str, values: Mapping[str, Any], parts: Mapping[str, type], *, optional: Collection[str] = ()
) -> dict[str, Any]:
    """Make the parts of a config from their mappings, as `from_dict` does first.

    Args:
        owner: name of the config, for errors.
        values: its fields; a part may be made already.
        parts: class of each part, by field.
        optional: parts that may be `None`.

    Returns:
        The fields, with their parts made.

    Raises:
        ValueError: `values` or a part is no mapping, or the mapping of a part has an unknown or missing key.
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
