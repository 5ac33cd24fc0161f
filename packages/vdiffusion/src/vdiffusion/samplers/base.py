"""Base class of samplers: the loop over the grid, in which a sampler is the formula of one step."""

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
from vdiffusion.samplers.protocol import Callback, check_generators, check_noise, checked_times
from vdiffusion.schedule import alpha_sigma


@dataclass(frozen=True, kw_only=True)
class Moment:
    """Time of the grid with its shares of signal and noise; exactly (1, 0) at t = 0 and (0, 1) at t = 1."""

    t: float
    alpha: float
    sigma: float


@dataclass(frozen=True, kw_only=True)
class Step:
    """Everything that is known when a sampler goes from the time `here` to the time `there` < `here`.

    Args:
        x: x_t at `here`, `[B, ...]`.
        x0: clean estimate x' = alpha x_t - sigma v at `here`, from the net's v.
        eps: noise estimate eps' = sigma x_t + alpha v at `here`.
        here: time at which the step begins; its sigma is above 0.
        there: time at which the step ends; its alpha is above 0.
        x0_before: x' of the step before this one; None in the first step.
        ratio_before: `ratio` of the step before this one; 0 in the first step.
        estimate: one more evaluation of the net: `(x_t, moment) -> (x', eps')`.
        draw: fresh standard normal noise of the shape of x, each batch member's from its own generator.
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
    """Base class of a `Sampler` that evaluates the net at every time of the grid but the last, and steps from each.

    A sampler of one's own is `step`, and `draws_noise` where it calls `Step.draw`. Euler's method, for example:

        class Euler(SteppingSampler):
            def step(self, at: Step) -> Tensor:
                return at.there.alpha * at.x0 + at.there.sigma * at.eps
    """

    @property
    def draws_noise(self) -> bool:
        """Tell whether steps draw fresh noise, so that `sample` needs generators."""
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
        sources = check_generators(generators, batch, self) if self.draws_noise else []
        alphas, sigmas = alpha_sigma(times)
        moments = [
            Moment(t=t, alpha=alpha, sigma=sigma)
            for t, alpha, sigma in zip(times.tolist(), alphas.tolist(), sigmas.tolist(), strict=True)
        ]
        x = in_working_precision(noise)

        def estimate(x: Tensor, at: Moment) -> tuple[Tensor, Tensor]:
            v = evaluate(net, x, torch.full((batch,), at.t, dtype=torch.float32, device=x.device), conditions)
            t = torch.tensor(at.t, dtype=torch.float64, device="cpu")
            return x_from_v(x, v, t), noise_from_v(x, v, t)

        def draw() -> Tensor:
            return draw_noise(sources, x.shape[1:], device=x.device, dtype=x.dtype)

        x0_before, ratio_before = None, 0.0
        with torch.no_grad():
            for index, (here, there) in enumerate(itertools.pairwise(moments)):
                x0, eps = estimate(x, here)
                if callback is not None and (changed := callback(index, len(moments) - 1, x0)) is not None:
                    # The noise estimate that goes with it: x_t = alpha x' + sigma eps' holds for both together.
                    x0, eps = changed, (x - here.alpha * changed) / here.sigma
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
