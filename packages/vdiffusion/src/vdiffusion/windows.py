"""Windows: a net evaluated piece by piece over a long signal, at constant memory."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from vdiffusion.net import Net, evaluate, in_working_precision


def window_plan(length: int, *, size: int, overlap: int) -> tuple[int, list[int]]:
    """Return the length of the windows and the first sample of each, over a signal of `length` samples.

    Neighbours share at least `overlap` samples, and the last window ends where the signal does. There are as few
    windows as `size` allows, and they are as short as their number allows (in steps of the greatest common divisor of
    `size` and `overlap`): a signal a little longer than `size` costs little more than one that fits.
    """
    if length <= size:
        return length, [0]
    count = -(-(length - overlap) // (size - overlap))
    step = math.gcd(size, overlap)
    size = -(-(length + (count - 1) * overlap) // (count * step)) * step
    return size, [*range(0, length - size, size - overlap), length - size]


class Windows:
    """Wrapper that shows a net at most `size` samples of a signal `[B, C, T]` at a time, in windows of one length.

        x_t  |--------- size ---------|                       each window's v is weighted by a fade; where windows
                        |--------- size ---------|            overlap, the weights are divided by their sum, so that
                         <-overlap->  |--------- size -----|  they sum to one everywhere; the last ends at T

    A net that looks at r samples to each side is wrong in the r samples next to a border, where it sees zeros in place
    of its neighbours. With `trim` >= r those have weight 0 and the result is that of the whole signal at once,
    to rounding. A net that pools over everything (group norm, attention) has no such r; there the cross-fade hides the
    seams. `size` and `overlap` should be multiples of the net's own downsampling. A signal with T <= size goes to the
    net directly. Only the result and one row of weights grow with T.

    Put guidance outside, `Guidance(Windows(net, ...), ...)`, so that the negative conditions are cut as well.
    """

    def __init__(
        self,
        net: Net,
        *,
        size: int,
        overlap: int,
        conditions_along_time: Mapping[str, int] | None = None,
        batch: int = 1,
        trim: int = 0,
    ) -> None:
        """Wrap `net`.

        Args:
            net: `net(x_t, t, **conditions) -> v` for x_t `[B, C, size]`.
            size: samples per window.
            overlap: samples that neighbouring windows share, at least; 0 <= overlap < size.
            conditions_along_time: name of each condition that runs along time, `[B, C', T / factor]`, with its factor:
                samples of x_t per frame of the condition. In a mapping, "inject.4" names entry 4 of `inject`. T, size
                and overlap must be multiples of every factor. Every window gets all other conditions whole.
            batch: windows per evaluation of the net.
            trim: samples of weight 0 next to an inner border, 0 <= 2 trim <= overlap.

        Raises:
            ValueError: a value is outside these ranges; the message names it.
        """
        if size < 1:
            raise ValueError(f"size={size}: must be at least 1 sample")
        if not 0 <= overlap < size:
            raise ValueError(f"overlap={overlap}: must be at least 0 and less than size={size}")
        if not 0 <= 2 * trim <= overlap:
            raise ValueError(f"trim={trim}: must be at least 0 and at most half of overlap={overlap}")
        if batch < 1:
            raise ValueError(f"batch={batch}: must be at least 1 window")
        self.net = net
        self.size = size
        self.overlap = overlap
        self.conditions_along_time = dict(conditions_along_time or {})
        self.batch = batch
        self.trim = trim
        for name, factor in self.conditions_along_time.items():
            if factor < 1:
                raise ValueError(f"conditions_along_time: {name!r} has factor {factor}; must be at least 1")
            if size % factor or overlap % factor:
                raise ValueError(
                    f"size={size}, overlap={overlap}: both must be multiples of {factor}, "
                    f"the samples per frame of condition {name!r}"
                )

    def plan(self, length: int) -> tuple[int, list[int]]:
        """Return the windows' length and the first sample of each, see `window_plan`."""
        return window_plan(length, size=self.size, overlap=self.overlap)

    def __call__(self, x_t: Tensor, t: Tensor, **conditions: Any) -> Tensor:
        """Return v for x_t `[B, C, T]` and t `[B]`; ValueError names the condition that does not fit."""
        length = x_t.shape[-1]
        self._check_conditions(conditions, x_t.shape[0], length)
        if length <= self.size:
            return evaluate(self.net, x_t, t, conditions)
        v = torch.zeros_like(in_working_precision(x_t))
        total_weight = v.new_zeros(length)
        size, starts = self.plan(length)
        for first in range(0, len(starts), self.batch):
            group = starts[first : first + self.batch]
            windows = torch.cat([x_t[..., start : start + size] for start in group])
            cut = {name: self._cut(name, value, group, size) for name, value in conditions.items()}
            outputs = evaluate(self.net, windows, t.repeat(len(group)), cut).chunk(len(group))
            for start, output in zip(group, outputs, strict=True):
                weight = self._weight(start, size, length).to(v)
                v[..., start : start + size] += weight * output
                total_weight[start : start + size] += weight
        return v.div_(total_weight)

    def _weight(self, start: int, size: int, length: int) -> Tensor:
        """Return the weights of one window [size]: 0 in the trim, a rise of sin^2, then 1; mirrored at the end.

        At the ends of the signal itself there is no fade.
        """
        fade = self.overlap - 2 * self.trim
        rise = torch.sin(
            (torch.arange(fade, dtype=torch.float32, device="cpu") + 0.5) * (math.pi / 2 / max(fade, 1))
        ).square()
        rise = torch.cat([torch.zeros(self.trim, dtype=rise.dtype, device="cpu"), rise])
        weight = torch.ones(size, dtype=rise.dtype, device="cpu")
        if start > 0:
            weight[: len(rise)] *= rise
        if start + size < length:
            weight[size - len(rise) :] *= rise.flip(0)
        return weight

    def _cut(self, name: str, value: Any, group: list[int], size: int) -> Any:
        """Cut one condition for a group of windows, which follow each other along the batch."""
        if isinstance(value, Mapping):
            return {key: self._cut(f"{name}.{key}", entry, group, size) for key, entry in value.items()}
        if not isinstance(value, Tensor):
            return value
        factor = self.conditions_along_time.get(name)
        if factor is None:
            return value.repeat(len(group), *[1] * (value.ndim - 1))
        return torch.cat([value[..., start // factor : (start + size) // factor] for start in group])

    def _check_conditions(self, conditions: Mapping[str, Any], batch: int, length: int) -> None:
        found = _flat(conditions)
        for name, value in found.items():
            if isinstance(value, Tensor) and value.shape[:1] != (batch,):
                raise ValueError(
                    f"condition {name!r} has shape {list(value.shape)}; the first size must be the batch, {batch}"
                )
        for name, factor in self.conditions_along_time.items():
            if name not in found:
                raise ValueError(
                    f"conditions_along_time names {name!r}, which the call does not have; it has {sorted(found)}"
                )
            value = found[name]
            if value is None or length <= self.size:
                continue
            if not isinstance(value, Tensor):
                raise ValueError(
                    f"condition {name!r} is a {type(value).__name__}; to be cut along time it must be a tensor"
                )
            if value.shape[-1] * factor != length:
                raise ValueError(
                    f"condition {name!r} has shape {list(value.shape)}; at {factor} samples per frame, x_t of {length} "
                    f"samples needs {length / factor:g} frames (pad x_t to a multiple of {factor})"
                )


def _flat(conditions: Mapping[Any, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten nested conditions into one mapping by dotted name."""
    flat: dict[str, Any] = {}
    for key, value in conditions.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
