"""Inpainting: the kept part of a source guides the diffusion of its gaps.

`RePaint` is for any net; `KeepKnown` for one that was trained to read the kept part as a condition.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from vdiffusion.net import Net, evaluate, in_working_precision
from vdiffusion.noise import draw_noise
from vdiffusion.objective import to_noisy
from vdiffusion.samplers import DDIM, Callback, Sampler
from vdiffusion.samplers.protocol import check_generators, check_noise, checked_times
from vdiffusion.schedule import alpha_sigma, require_steps


@dataclass(frozen=True, kw_only=True)
class RePaint:
    """RePaint (Lugmayr et al., 2201.09865, algorithm 1): fills gaps with a net that was not trained for it.

    One step from time t to time s < t:

        x_t ── a step of `sampler` ──> x_s
        x_s = alpha_s source + sigma_s z   where the source is kept, at the same noise as the rest           (eq. 8a)
        x_t = (alpha_t / alpha_s) x_s + sqrt(sigma_t^2 - (alpha_t sigma_s / alpha_s)^2) z'    back, and the step again

    Each step is made `resamples` times, which fits the filled and the kept part to each other; with a single one the
    fill knows the kept part only as of the step before. At s = 0, where no noise is left, the step is made once and the
    kept part is the source, unchanged.

    Args:
        resamples: number of times that each step but the last is made, at least 1. The paper recommends 10.
        sampler: sampler of the steps, each a grid of two times: by default DDPM's, `DDIM(eta=1)`, as in the paper. A
            multistep sampler (`DPMSolverPP`) is of first order here.
    """

    resamples: int = 10
    sampler: Sampler = field(default_factory=lambda: DDIM(eta=1.0))

    def __post_init__(self) -> None:
        """Check the settings."""
        require_steps(self.resamples, "resamples")

    @torch.no_grad()
    def sample(
        self,
        net: Net,
        noise: Tensor,
        *,
        source: Tensor,
        mask: Tensor,
        generators: Sequence[torch.Generator],
        num_steps: int | None = None,
        times: Tensor | None = None,
        callback: Callback | None = None,
        **conditions: Any,
    ) -> Tensor:
        """Return the source `[B, ...]` where `mask` is True, exactly, and the net's filling elsewhere.

        n steps are (n - 1) resamples + 1 steps of the sampler.

        Args:
            net: `net(x_t, t, **conditions) -> v`, wrapped or not.
            noise: starting noise, of the shape of `source`.
            source: signal whose kept part is returned; its values elsewhere are never used.
            mask: True = KEEP the source, False = fill in; bool, of a shape that broadcasts to that of the source.
            generators: one CPU generator per batch member, from which all its noise is drawn.
            num_steps: steps of the uniform grid.
            times: falling grid instead, which must end at 0 for the kept part to come out exactly.
            callback: called as `callback(step_index, total, x0_estimate)` in every step of the sampler; a tensor that
                it returns takes the place of the estimate where the source is not kept.
            conditions: passed to the net as they are.

        Raises:
            ValueError: an argument is impossible; the message names it and its value.
        """
        times = checked_times(num_steps, times)
        check_noise(noise)
        check_generators(generators, noise.shape[0], self)
        _check_source(source, mask, noise, times)
        x = in_working_precision(noise)
        # Elsewhere the source may hold anything, NaN included.
        source = torch.where(mask, source, 0).to(x.dtype)
        total = (len(times) - 2) * self.resamples + 1
        count = 0

        def report(step: int, steps: int, estimate: Tensor) -> Tensor | None:
            nonlocal count
            count += 1
            return None if callback is None else callback(count - 1, total, torch.where(mask, source, estimate))

        for here, there in itertools.pairwise(times):
            rounds = self.resamples if there > 0 else 1
            for left in reversed(range(rounds)):
                x = self.sampler.sample(
                    net,
                    x,
                    times=torch.stack([here, there]),
                    generators=generators,
                    callback=report,
                    **conditions,
                )
                # At t = 0 to_noisy is the source itself, to the bit: 1 * source + 0 * z.
                x = torch.where(mask, to_noisy(source, _draw(generators, x), there), x)
                if left:
                    x = _back(x, there, here, _draw(generators, x))
        return x


class KeepKnown:
    """Net whose estimate is the source where it is kept: fills gaps with a net that reads the kept part as a condition.

        v = (alpha x_t - source) / sigma   where the source is kept: of clean estimate alpha x_t - sigma v = source
        v = net(x_t, t)                    elsewhere

    So any sampler carries the kept part along at the noise of its time, as the net saw it in training, and ends with
    it (but for rounding) in one pass. What the net says of the kept part is never used, and need not be trained.

    Args:
        net: `net(x_t, t, **conditions) -> v`, wrapped or not.
        source: signal whose kept part is wanted; its values elsewhere are never used.
        mask: True = KEEP the source, False = fill in; bool, of a shape that broadcasts to that of the source.

    Raises:
        ValueError: the mask does not fit the source, or the source is not finite where it is kept.
    """

    def __init__(self, net: Net, *, source: Tensor, mask: Tensor) -> None:
        _check_mask(source, mask)
        self.net, self.mask = net, mask
        # Elsewhere the source may hold anything, NaN included.
        self.source = torch.where(mask, source, 0)

    def __call__(self, x_t: Tensor, t: Tensor, **conditions: Any) -> Tensor:
        """Return v for x_t `[B, ...]`, of the shape of the source, and t `[B]`, all above 0."""
        v = evaluate(self.net, x_t, t, conditions)
        x = in_working_precision(x_t)
        alpha, sigma = alpha_sigma(t.to(x.dtype).reshape(-1, *[1] * (x.ndim - 1)))
        return torch.where(self.mask, (alpha * x - self.source.to(x.dtype)) / sigma, v)


def _back(x: Tensor, there: Tensor, here: Tensor, noise: Tensor) -> Tensor:
    """Diffuse x from the time `there` forward to the noisier time `here`."""
    (alpha_t, sigma_t), (alpha_s, sigma_s) = alpha_sigma(here), alpha_sigma(there)
    kept = float(alpha_t / alpha_s)
    added = float((sigma_t.square() - (kept * sigma_s).square()).sqrt())
    return kept * x + added * noise


def _draw(generators: Sequence[torch.Generator], x: Tensor) -> Tensor:
    return draw_noise(generators, x.shape[1:], device=x.device, dtype=x.dtype)


def _check_source(source: Tensor, mask: Tensor, noise: Tensor, times: Tensor) -> None:
    if source.shape != noise.shape or not source.is_floating_point():
        raise ValueError(
            f"source: {source.dtype} of shape {list(source.shape)}; must be floating point, of the shape of noise, "
            f"{list(noise.shape)}"
        )
    _check_mask(source, mask)
    if times[-1] > 0:
        raise ValueError(f"times end at {float(times[-1]):g}; must end at 0, where the kept part is the source itself")


def _check_mask(source: Tensor, mask: Tensor) -> None:
    if mask.dtype != torch.bool:
        raise ValueError(f"mask: {mask.dtype}; must be bool, True where the source is kept")
    try:
        broadcast = torch.broadcast_shapes(mask.shape, source.shape) == source.shape
    except RuntimeError:
        broadcast = False
    if not broadcast:
        raise ValueError(f"mask has shape {list(mask.shape)}; must broadcast to that of source, {list(source.shape)}")
    if not bool(torch.where(mask, source, 0).isfinite().all()):
        raise ValueError("source: holds NaN or infinity where mask is True; mask those positions out")
