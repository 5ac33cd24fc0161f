"""Guidance by a classifier of noisy data as a wrapper around a net."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from vdiffusion.net import Net, evaluate, in_working_precision
from vdiffusion.schedule import alpha_sigma

T_MAX = 0.99
"""Time above which there is no guidance: the step is divided by alpha, which is below 0.016 there."""


class ClassifierGuidance:
    """Classifier guidance towards a class y: v' = v - scale (sigma / alpha) grad log p(y | x_t).

    This is Dhariwal & Nichol (2105.05233, algorithm 2), eps' = eps - scale sigma grad log p(y | x_t), written for v:
    with x_t as it is, x' = x + scale (sigma^2 / alpha) grad log p, and so v' = alpha eps' - sigma x'.

        x_t ──┬── net ─────────────────────────────> v ──> + ──> v'
              └── log p(y | x_t) ── gradient by x_t ───────┘

    At scale 1, with the true p, this is the net of the data of class y. The gradient costs a forward and a backward
    pass of the classifier, none of the net. The classifier must be trained on noisy data.
    """

    def __init__(
        self,
        net: Net,
        scale: float,
        log_probability: Callable[[Tensor, Tensor], Tensor],
        *,
        t_min: float = 0.0,
        t_max: float = T_MAX,
    ) -> None:
        """Wrap `net`.

        Args:
            net: `net(x_t, t, **conditions) -> v`.
            scale: 0 is no guidance.
            log_probability: x_t [B, ...] and t [B] -> log p(y | x_t) [B], differentiable; y is its own.
            t_min: guide at times above this one only.
            t_max: guide at times below this one only; at most 0.99.

        Raises:
            ValueError: `scale` is not finite, or not 0 <= t_min < t_max <= 0.99.
        """
        if not math.isfinite(scale):
            raise ValueError(f"scale={scale}: must be finite; 0 is no guidance, 1 that of the classifier")
        if not 0 <= t_min < t_max <= T_MAX:
            raise ValueError(f"t_min={t_min}, t_max={t_max}: must be times with 0 <= t_min < t_max <= {T_MAX}")
        self.net = net
        self.scale = scale
        self.log_probability = log_probability
        self.t_min = t_min
        self.t_max = t_max

    def __call__(self, x_t: Tensor, t: Tensor, **conditions: Any) -> Tensor:
        """Return the guided v for x_t `[B, ...]` and t `[B]`; ValueError where `log_probability` gives no [B]."""
        v = evaluate(self.net, x_t, t, conditions)
        chosen = (t > self.t_min) & (t < self.t_max)
        if self.scale == 0 or not bool(chosen.any()):
            return v
        # Samplers are called in inference mode too, whose tensors cannot take part in autograd.
        with torch.inference_mode(False), torch.enable_grad():
            x, times = in_working_precision(x_t).detach().clone().requires_grad_(True), t.clone()
            value = self.log_probability(x, times)
            if value.shape != t.shape:
                raise ValueError(f"log_probability returned shape {list(value.shape)}; must be [batch={len(t)}]")
            (gradient,) = torch.autograd.grad(value.sum(), x)
        alpha, sigma = alpha_sigma(in_working_precision(t))
        shape = (-1, *[1] * (x_t.ndim - 1))
        push = (self.scale * sigma / alpha).view(shape) * gradient
        return torch.where(chosen.view(shape), v - push.to(v.dtype), v)
