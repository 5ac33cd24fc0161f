"""Classifier-free guidance as a wrapper around a net."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from vdiffusion.net import Net, evaluate


class Guidance:
    """A net led away from `negative` conditions: v = v_negative + scale (v_positive - v_negative).

    This is Ho & Salimans (2207.12598, eq. 6), whose (1 + w) eps(c) - w eps() has w = scale - 1: here 1 is no guidance,
    0 is the negative branch alone. It is written there for eps; eps = sigma x_t + alpha v makes it the same for v.
    Both branches are evaluated as ONE batch of 2 B, positive first; at scale 1 only the positive one is.

    The conditions of a call and `negative` must have the same names. Under each name may stand, in both,

    - tensors `[B, ...]` of one shape and dtype; in `negative` also `[1, ...]`, repeated for all items;
    - mappings of such values with the same keys, nested as deep as you like, such as `inject={4: latent}`;
    - None, or an equal bool, number or string, handed on as it is.

    A condition that both branches share stands in both. Contexts of different length must be padded by the caller.

    One part of the conditions can be given more weight than all of them together: `without` are the conditions less
    that part, and emphasis (v_positive - v_without) is added, at times above `above` alone (guidance with two scales as
    in Brooks et al., 2211.09800, eq. 3, in a limited interval as in Kynkäänniemi et al., 2404.07724). It costs a call
    of the net more.
    """

    def __init__(
        self,
        net: Net,
        scale: float,
        negative: Mapping[str, Any],
        *,
        without: Mapping[str, Any] | None = None,
        emphasis: float = 0.0,
        above: float = 0.0,
    ) -> None:
        """Wrap `net`; ValueError where `scale` or `emphasis` is not finite."""
        if not math.isfinite(scale):
            raise ValueError(f"scale={scale}: must be finite; 1 is no guidance, 3 to 7 binds to the condition")
        if not math.isfinite(emphasis):
            raise ValueError(f"emphasis={emphasis}: must be finite; 0 is none, 2 to 5 binds to that part")
        self.net = net
        self.scale = scale
        self.negative = dict(negative)
        self.without = None if without is None or emphasis == 0 else dict(without)
        self.emphasis = emphasis
        self.above = above

    def __call__(self, x_t: Tensor, t: Tensor, **conditions: Any) -> Tensor:
        """Return the guided v for x_t `[B, ...]` and t `[B]`; ValueError names the condition that does not fit."""
        if self.scale == 1:
            v = v_positive = evaluate(self.net, x_t, t, conditions)
        else:
            both = _joined_mapping("", conditions, self.negative, x_t.shape[0])
            v_positive, v_negative = evaluate(self.net, torch.cat([x_t, x_t]), torch.cat([t, t]), both).chunk(2)
            v = v_negative + self.scale * (v_positive - v_negative)
        if self.without is not None and float(t.max()) > self.above:
            v = v + self.emphasis * (v_positive - evaluate(self.net, x_t, t, self.without))
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
