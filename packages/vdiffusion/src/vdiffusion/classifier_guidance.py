"""Guidance by a classifier of noisy data as a wrapper around a net."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from vdiffusion.net import Net, evaluate, in_working_precision
from vdiffusion.schedule import alpha_sigma

LATEST = 0.99
"""Time above which there is no guidance: the data's share there is below 0.016, and the way is divided by it."""


class ClassifierGuidance:
    """A net led to what a classifier recognises: v' = v - scale (sigma / alpha) grad log p(y | x_t).

    This is Dhariwal & Nichol (2105.05233, algorithm 2), eps' = eps - scale sigma grad log p(y | x_t), written for v:
    with x_t as it is, x' = x + scale (sigma^2 / alpha) grad log p, and so v' = alpha eps' - sigma x'.

        x_t ──┬── net ─────────────────────────────> v ──> + ──> v'
              └── log p(y | x_t) ── gradient by x_t ───────┘

    At scale 1, with the true p, it is the net of the data that are y. The gradient costs a forward and a backward pass
    of the classifier, none of the net. It has to know noisy data: one of clean data gives directions that no one hears.
    """

    def __init__(
        self,
        net: Net,
        scale: float,
        log_probability: Callable[[Tensor, Tensor], Tensor],
        *,
        above: float = 0.0,
        below: float = LATEST,
    ) -> None:
        """Wrap `net`.

        Args:
            net: `net(x_t, t, **conditions) -> v`.
            scale: 0 is no guidance.
            log_probability: x_t [B, ...] and t [B] -> log p(y | x_t) [B], differentiable, of y that it knows.
            above: only at times above this one
            below: and below that one, at most `LATEST`.

        Raises:
            ValueError: `scale` is not finite, or the times are no interval.
        """
        if not math.isfinite(scale):
            raise ValueError(f"scale={scale}: must be finite; 0 is no guidance, 1 what the classifier says")
        if not 0 <= above < below <= LATEST:
            raise ValueError(f"above={above}, below={below}: must be times with 0 <= above < below <= {LATEST}")
        self.net = net
        self.scale = scale
        self.log_probability = log_probability
        self.above = above
        self.below = below

    def __call__(self, x_t: Tensor, t: Tensor, **conditions: Any) -> Tensor:
        """Return the guided v for x_t `[B, ...]` and t `[B]`; ValueError where the classifier's answer is not [B]."""
        v = evaluate(self.net, x_t, t, conditions)
        chosen = (t > self.above) & (t < self.below)
        if self.scale == 0 or not bool(chosen.any()):
            return v
        # Samplers are called in inference mode too, of which no tensor can be in a graph.
        with torch.inference_mode(False), torch.enable_grad():
            x, times = in_working_precision(x_t).detach().clone().requires_grad_(True), t.clone()
            value = self.log_probability(x, times)
            if value.shape != t.shape:
                raise ValueError(
                    f"log_probability returned shape {list(value.shape)} for {len(t)} items; must be {list(t.shape)}"
                )
            (gradient,) = torch.autograd.grad(value.sum(), x)
        alpha, sigma = alpha_sigma(in_working_precision(t))
        shape = (-1, *[1] * (x_t.ndim - 1))
        push = (self.scale * sigma / alpha).view(shape) * gradient
        return torch.where(chosen.view(shape), v - push.to(v.dtype), v)
