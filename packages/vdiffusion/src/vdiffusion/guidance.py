"""Classifier-free guidance as a wrapper around a net."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from vdiffusion.net import Net, evaluate


class Guidance:
    """Classifier-free guidance away from `negative` conditions: v = v_negative + scale (v_positive - v_negative).

    This is Ho & Salimans (2207.12598, eq. 6), whose (1 + w) eps(c) - w eps() has w = scale - 1: here 1 is no guidance,
    0 is the negative branch alone. It is written there for eps; eps = sigma x_t + alpha v makes it the same for v.
    Both branches are evaluated as ONE batch of 2 B, positive first; at scale 1 only the positive one is.

    The conditions of a call and `negative` must have the same names. Under each name may stand, in both,

    - tensors `[B, ...]` of one shape and dtype; in `negative` also `[1, ...]`, repeated for the whole batch;
    - mappings of such values with the same keys, nested to any depth, such as `inject={4: latent}`;
    - None, or an equal bool, number or string, passed on as it is.

    A condition that both branches share is given in both. Contexts of different length must be padded by the caller.

    One part of the conditions can have a scale of its own: `partial_negative` holds the conditions without that part,
    and partial_scale (v_positive - v_partial_negative) is added at times above `t_min` (guidance with two scales as in
    Brooks et al., 2211.09800, eq. 3, in a limited interval as in Kynkäänniemi et al., 2404.07724). It costs one more
    evaluation of the net.
    """

    def __init__(
        self,
        net: Net,
        scale: float,
        negative: Mapping[str, Any],
        *,
        partial_negative: Mapping[str, Any] | None = None,
        partial_scale: float = 0.0,
        t_min: float = 0.0,
    ) -> None:
        """Wrap `net`.

        Args:
            net: `net(x_t, t, **conditions) -> v`.
            scale: guidance scale; 1 is no guidance, 3 to 7 binds to the conditions.
            negative: conditions of the negative branch.
            partial_negative: the positive conditions without the part that has a scale of its own.
            partial_scale: scale of that part; 0 adds nothing.
            t_min: time in [0, 1] at and below which that part gets no scale of its own.

        Raises:
            ValueError: a scale is not finite, or `t_min` is not a time in [0, 1].
        """
        if not math.isfinite(scale):
            raise ValueError(f"scale={scale}: must be finite; 1 is no guidance, 3 to 7 binds to the condition")
        if not math.isfinite(partial_scale):
            raise ValueError(f"partial_scale={partial_scale}: must be finite; 0 is none, 2 to 5 binds to that part")
        if not 0 <= t_min <= 1:
            raise ValueError(f"t_min={t_min}: must be a time in [0, 1]; 0 applies the partial scale at all times")
        self.net = net
        self.scale = scale
        self.negative = dict(negative)
        self.partial_negative = None if partial_negative is None or partial_scale == 0 else dict(partial_negative)
        self.partial_scale = partial_scale
        self.t_min = t_min

    def __call__(self, x_t: Tensor, t: Tensor, **conditions: Any) -> Tensor:
        """Return the guided v for x_t `[B, ...]` and t `[B]`; ValueError names the condition that does not fit."""
        if self.scale == 1:
            v = v_positive = evaluate(self.net, x_t, t, conditions)
        else:
            both = _joined_mapping("", conditions, self.negative, x_t.shape[0])
            v_positive, v_negative = evaluate(self.net, torch.cat([x_t, x_t]), torch.cat([t, t]), both).chunk(2)
            v = v_negative + self.scale * (v_positive - v_negative)
        above = t > self.t_min
        if self.partial_negative is not None and bool(above.any()):
            away = v_positive - evaluate(self.net, x_t, t, self.partial_negative)
            v = v + self.partial_scale * away.where(above.reshape(-1, *[1] * (v.ndim - 1)), 0)
        return v


def _joined(name: str, positive: Any, negative: Any, batch: int) -> Any:
    """One condition for the batch of both branches."""
    if isinstance(positive, Tensor) and isinstance(negative, Tensor):
        return _joined_tensors(name, positive, negative, batch)
    if isinstance(positive, Mapping) and isinstance(negative, Mapping):
        return _joined_mapping(f"{name}.", positive, negative, batch)
    if positive is None and negative is None:
        return None
    if isinstance(positive, bool | int | float | str) and type(positive) is type(negative) and positive == negative:
        return positive
    raise ValueError(
        f"condition {name!r} is {_shown(positive)}, in negative {_shown(negative)}; one batch needs two tensors, "
        "two mappings, or the same plain value in both"
    )


def _joined_mapping(
    prefix: str, positive: Mapping[Any, Any], negative: Mapping[Any, Any], batch: int
) -> dict[Any, Any]:
    for key in positive:
        if key not in negative:
            raise ValueError(f"negative has no condition '{prefix}{key}'; give it there too, the same value if shared")
    for key in negative:
        if key not in positive:
            raise ValueError(f"negative has condition '{prefix}{key}', which the call does not have; give it in both")
    return {key: _joined(f"{prefix}{key}", positive[key], negative[key], batch) for key in positive}


def _joined_tensors(name: str, positive: Tensor, negative: Tensor, batch: int) -> Tensor:
    shapes = f"condition {name!r} has shape {list(positive.shape)}, in negative {list(negative.shape)}"
    if positive.shape[:1] != (batch,) or negative.shape[:1] not in [(batch,), (1,)]:
        raise ValueError(f"{shapes}; the first size must be the batch, {batch} (in negative also 1)")
    if positive.shape[1:] != negative.shape[1:]:
        raise ValueError(
            f"{shapes}; all sizes but the first must agree (pad the shorter context with tokens that its mask hides)"
        )
    if positive.dtype != negative.dtype:
        raise ValueError(f"condition {name!r} is {positive.dtype}, in negative {negative.dtype}; cast one of them")
    return torch.cat([positive, negative.expand_as(positive)])


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, bool | int | float | str | None) else f"a {type(value).__name__}"
