"""Progressive distillation: what a net must say so that one of its steps lands where two of its teacher's do.

Salimans & Ho (2202.00512, algorithm 2). On the quarter circle of `vdiffusion.schedule` a step of DDIM from time t to
time s turns x_t by the angle a = pi (t - s) / 2:

    x_s = cos(a) x_t - sin(a) v(x_t, t)

so two steps of the teacher, t -> m -> s, are one step of the student with v = (cos(a) x_t - x_s) / sin(a).
"""

import math
from typing import Any

import torch
from torch import Tensor

from vdiffusion.net import Net, evaluate, in_working_precision


@torch.no_grad()
def two_step_target(
    net: Net, x_t: Tensor, *, start: Tensor, middle: Tensor, end: Tensor, conditions: dict[str, Any] | None = None
) -> Tensor:
    """Return the v `[B, ...]` at `start` whose one step of DDIM to `end` lands where two steps of a net do.

    The mean square error of v weighs the clean estimate's by SNR + 1, which is a weight that the paper recommends
    (section 4, "SNR+1").

    Args:
        net: teacher, `net(x_t, t, **conditions) -> v`; wrapped in guidance or `KeepKnown` or not.
        x_t: noisy data `[B, ...]` at `start`.
        start: times `[B]`.
        middle: times `[B]` between the two.
        end: times `[B]` at which the student's step ends.
        conditions: passed to the net as they are.

    Raises:
        ValueError: the times of a member do not fall, or are not `[B]`.
    """
    for name, times in (("start", start), ("middle", middle), ("end", end)):
        if times.shape != x_t.shape[:1]:
            raise ValueError(f"{name} has shape {list(times.shape)}; give one time per batch member, [{len(x_t)}]")
    if not bool((start > middle).all() and (middle > end).all()):
        raise ValueError("start, middle, end: must fall in every batch member; give start > middle > end")
    given = {} if conditions is None else conditions
    x = in_working_precision(x_t)
    between = _turned(x, evaluate(net, x, start, given), start - middle)
    landed = _turned(between, evaluate(net, between, middle, given), middle - end)
    cosine, sine = _cosine_sine(start - end, x)
    return (cosine * x - landed) / sine


def _turned(x: Tensor, v: Tensor, by: Tensor) -> Tensor:
    """One step of DDIM, by a difference of times."""
    cosine, sine = _cosine_sine(by, x)
    return cosine * x - sine * v


def _cosine_sine(by: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
    angle = (by.to(torch.float64) * (math.pi / 2)).to(like.dtype).reshape(-1, *[1] * (like.ndim - 1))
    return angle.cos(), angle.sin()
