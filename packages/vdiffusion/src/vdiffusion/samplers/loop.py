"""The loop that all samplers share; a sampler itself says only what one step is."""

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vdiffusion.net import Net, evaluate, in_working_precision
from vdiffusion.noise import draw_noise
from vdiffusion.objective import noise_from_v, x_from_v
from vdiffusion.samplers.contract import Callback, check_generators, check_noise, checked_times
from vdiffusion.schedule import alpha_sigma


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A time of the grid with its shares of signal and noise; exactly (1, 0) at t = 0 and (0, 1) at t = 1."""

    t: float
    alpha: float
    sigma: float


@dataclass(frozen=True, kw_only=True)
class Step:
    """What a sampler knows when it goes from the time `here` to the time `there` < `here`.

    Args:
        x: x_t at `here`, `[B, ...]`.
        x0: the net's clean estimate x' = alpha x_t - sigma v there.
        eps: its estimate of the noise, eps' = sigma x_t + alpha v.
        here: sigma is above 0.
        there: alpha is above 0.
        x0_before: x' of the step before this one; None in the first.
        ratio_before: `ratio` of that step; 0 in the first.
        estimate: evaluates the net once more: `(x_t, moment) -> (x', eps')`.
        draw: fresh standard normal noise of the shape of x, item by item from the generators.
    """

    x: Tensor
    x0: Tensor
    eps: Tensor
    here: Moment
    there: Moment
    x0_before: Tensor | None
    ratio_before: float
    estimate: Callable[[Tensor, Moment], tuple[Tensor, Tensor]]
    draw: Callable[[], Tensor]

    @property
    def ratio(self) -> float:
        """(sigma / alpha at `there`) / (sigma / alpha at `here`), in [0, 1).

        This is exp(-h) for the step h in lambda = log(alpha / sigma), half the log-SNR. It is 0, and h infinite, where
        the step begins at t = 1 or ends at t = 0: the limit needs no clamping of lambda.
        """
        return (self.here.alpha * self.there.sigma) / (self.here.sigma * self.there.alpha)


class SteppingSampler(ABC):
    """A `Sampler` that evaluates the net at every time of the grid but the last, and makes a step from each."""

    @property
    def draws_noise(self) -> bool:
        """Whether steps draw fresh noise, so that `sample` needs generators."""
        return False

    @abstractmethod
    def step(self, at: Step) -> Tensor:
        """Return x at the time `at.there`."""

    def sample(
        self,
        net: Net,
        noise: Tensor,
        *,
        num_steps: int | None = None,
        times: Tensor | None = None,
        generators: Sequence[torch.Generator] | None = None,
        callback: Callback | None = None,
        **conditions: Any,
    ) -> Tensor:
        """Return x of the shape of `noise`, in float32 (float64 if `noise` is), without recording gradients.

        Arguments and errors are those of `Sampler.sample`.
        """
        times = checked_times(num_steps, times)
        check_noise(noise)
        batch = noise.shape[0]
        drawn_from = check_generators(generators, batch, self) if self.draws_noise else []
        alphas, sigmas = alpha_sigma(times)
        moments = [
            Moment(t=t, alpha=alpha, sigma=sigma)
            for t, alpha, sigma in zip(times.tolist(), alphas.tolist(), sigmas.tolist(), strict=True)
        ]
        x = in_working_precision(noise)

        def estimate(x: Tensor, at: Moment) -> tuple[Tensor, Tensor]:
            v = evaluate(net, x, torch.full((batch,), at.t, dtype=torch.float32, device=x.device), conditions)
            t = torch.tensor(at.t, dtype=torch.float64)
            return x_from_v(x, v, t), noise_from_v(x, v, t)

        def draw() -> Tensor:
            return draw_noise(drawn_from, x.shape[1:], device=x.device, dtype=x.dtype)

        x0_before, ratio_before = None, 0.0
        with torch.no_grad():
            for index, (here, there) in enumerate(itertools.pairwise(moments)):
                x0, eps = estimate(x, here)
                if callback is not None:
                    callback(index, len(moments) - 1, x0)
                at = Step(
                    x=x,
                    x0=x0,
                    eps=eps,
                    here=here,
                    there=there,
                    x0_before=x0_before,
                    ratio_before=ratio_before,
                    estimate=estimate,
                    draw=draw,
                )
                x = self.step(at)
                x0_before, ratio_before = x0, at.ratio
        return x
