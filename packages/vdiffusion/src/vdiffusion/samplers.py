"""Samplers: from noise to data along a falling grid of times, with any net `(x_t, t, **conditions) -> v`."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor

from vdiffusion.net import Net, evaluate, in_working_precision
from vdiffusion.noise import draw_noise
from vdiffusion.objective import noise_from_v, x_from_v
from vdiffusion.schedule import alpha_sigma, require_steps, time_grid

Callback: TypeAlias = Callable[[int, int, Tensor], None]
"""`callback(step_index, total, x0_estimate)`, called once per step, step_index counting from 0."""


@dataclass(frozen=True, kw_only=True)
class DDIM:
    """Denoising diffusion implicit model (Song et al., 2010.02502), first order.

    One step from time t to time s < t, with x' = alpha_t x_t - sigma_t v and eps' = sigma_t x_t + alpha_t v:

        x_s = alpha_s x' + sqrt(sigma_s^2 - g^2) eps' + g z                        z ~ N(0, 1)         (eq. 12)
        g   = eta (sigma_s / sigma_t) sqrt(1 - alpha_t^2 / alpha_s^2)                                  (eq. 16)

    eta = 0 is deterministic, eta = 1 draws like the ancestral sampler of DDPM. (The paper's alpha is our alpha^2.)
    Nothing is divided by alpha_t: at t = 1 x' is -v and eps' is the start itself (eta = 1 replaces it by fresh noise).
    At s = 0, where sigma_s = g = 0, the step lands on x' exactly.
    """

    eta: float = 0.0

    def __post_init__(self) -> None:
        """Check the settings."""
        if not 0 <= self.eta <= 1:
            raise ValueError(
                f"eta={self.eta}: must lie in [0, 1]; 0 is deterministic, 1 draws fresh noise as DDPM does"
            )

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

        The arithmetic is done in that dtype, whatever the net returns; the net gets t as a float32 tensor `[B]`.

        Args:
            net: `net(x_t, t, **conditions) -> v`.
            noise: the start `[B, ...]`: standard normal noise, or x_t where `times` begin below 1.
            num_steps: steps of the uniform grid from 1 to 0, at least 1. Not needed beside `times`.
            times: a falling grid in [0, 1] of its own, `[steps + 1]`, rounded to float32 so that net and sampler see
                the same times. Where it ends above 0 the result is still that noisy.
            generators: one CPU generator per item, needed if eta > 0: each item draws from its own (float64, cast), so
                that it does not depend on its batch mates. See `item_generators`.
            callback: told `(step_index, total, x0_estimate)` in each step.
            conditions: handed to the net as they are.

        Raises:
            ValueError: an argument is not as said above; the message names it.
        """
        times = _checked_times(num_steps, times)
        total = len(times) - 1
        if noise.ndim < 2 or not noise.is_floating_point():
            raise ValueError(f"noise: {noise.dtype} of shape {list(noise.shape)}; must be floating point [B, ...]")
        batch = noise.shape[0]
        if self.eta > 0:
            _check_generators(generators, batch, self.eta)
        alphas, sigmas = (share.tolist() for share in alpha_sigma(times))
        x = in_working_precision(noise)
        with torch.no_grad():
            for step, t in enumerate(times[:-1]):
                v = evaluate(net, x, torch.full((batch,), float(t), dtype=torch.float32, device=x.device), conditions)
                x0, eps = x_from_v(x, v, t), noise_from_v(x, v, t)
                if callback is not None:
                    callback(step, total, x0)
                alpha, sigma = alphas[step + 1], sigmas[step + 1]
                fresh = self.eta * sigma / sigmas[step] * math.sqrt(1 - (alphas[step] / alpha) ** 2)  # eq. 16
                x = alpha * x0 + math.sqrt(max(sigma**2 - fresh**2, 0.0)) * eps  # eq. 12
                if fresh > 0 and generators is not None:
                    x = x + fresh * draw_noise(generators, x.shape[1:], device=x.device, dtype=x.dtype)
        return x


def _checked_times(num_steps: int | None, times: Tensor | None) -> Tensor:
    """The grid as a CPU float64 tensor that holds float32 values."""
    if times is None:
        if num_steps is None:
            raise ValueError("num_steps=None: give the number of steps, or a grid as times")
        require_steps(num_steps, "num_steps")
        times = time_grid(num_steps)
    elif times.ndim != 1 or len(times) < 2:
        raise ValueError(f"times has shape {list(times.shape)}; must be [steps + 1], at least two times")
    elif num_steps is not None and num_steps != len(times) - 1:
        raise ValueError(f"num_steps={num_steps}: times make {len(times) - 1} steps; leave num_steps out beside times")
    times = times.detach().to("cpu", torch.float32).double()
    if not bool((times >= 0).all() and (times <= 1).all() and (times.diff() < 0).all()):
        shown = ", ".join(f"{t:g}" for t in times[:4].tolist())
        raise ValueError(f"times=[{shown}{', ...' if len(times) > 4 else ''}]: must fall strictly, within [0, 1]")
    return times


def _check_generators(generators: Sequence[torch.Generator] | None, batch: int, eta: float) -> None:
    if generators is None:
        raise ValueError(f"generators=None: eta={eta} draws noise; give one per item, as item_generators makes them")
    if len(generators) != batch:
        raise ValueError(f"generators: {len(generators)} for a batch of {batch}; give one per item")
    for generator in generators:
        if generator.device.type != "cpu":
            raise ValueError(f"generators: one is on {generator.device}; they must be CPU generators")
