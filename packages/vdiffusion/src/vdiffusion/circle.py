"""Circle: a net evaluated on a signal whose end is followed by its start."""

import math
from typing import Any

import torch
from torch import Tensor

from vdiffusion.net import Net, evaluate, in_working_precision


class Circle:
    """Wrapper that shows a net a circle `[B, C, T]` of any T as a line: played on from its start behind its end.

        x_t         |--------- T ---------|
        the net     |--------- T ---------|-- the start again --|      `length` samples
        weight      /^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\\      fades over `fade` samples at either end
        v           mean of all copies of a sample, by these weights

    Near the ends of the line, where the net sees zeros beyond, a sample's other copy counts. So the border between the
    end and the start is like any other place, for any net, whatever the multiple of its downsampling, and nothing has
    to be a multiple of anything but `length`. The sampler works on the T samples of the circle alone.

    Conditions along time are those of the line, `length` samples long: a clock may run on in the copies.
    """

    def __init__(self, net: Net, *, length: int, fade: int) -> None:
        """Wrap `net`.

        Args:
            net: `net(x_t, t, **conditions) -> v` for x_t `[B, C, length]`.
            length: samples of the line, at least those of the circle and `fade`.
            fade: samples of the cross-fade, 0 or more.

        Raises:
            ValueError: a value is outside these ranges; the message names it.
        """
        if length < 1:
            raise ValueError(f"length={length}: must be at least 1 sample")
        if not 0 <= fade < length:
            raise ValueError(f"fade={fade}: must be at least 0 and less than length={length}")
        self.net = net
        self.length = length
        self.fade = fade

    def __call__(self, x_t: Tensor, t: Tensor, **conditions: Any) -> Tensor:
        """Return v for x_t `[B, C, T]` and t `[B]`; ValueError where the line is too short for this circle."""
        size = x_t.shape[-1]
        if size + self.fade > self.length:
            raise ValueError(
                f"length={self.length}: must be at least {size + self.fade} for a circle of {size} samples and a fade "
                f"of {self.fade}"
            )
        line = torch.arange(self.length, device=x_t.device) % size
        v = evaluate(self.net, x_t[..., line], t, conditions)
        weight = self._weight().to(v)
        total = torch.zeros(size, dtype=v.dtype, device=v.device).index_add_(0, line, weight)
        summed = torch.zeros_like(in_working_precision(x_t)).index_add_(-1, line, weight * v)
        return summed.div_(total)

    def _weight(self) -> Tensor:
        """Return the weights of the line [length]: a rise of sin^2 over the fade, 1, and a fall of cos^2."""
        rise = torch.sin((torch.arange(self.fade) + 0.5) * (math.pi / 2 / max(self.fade, 1))).square()
        weight = torch.ones(self.length)
        weight[: self.fade] *= rise
        weight[self.length - self.fade :] *= rise.flip(0)
        return weight
