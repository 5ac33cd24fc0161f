"""Protocol of a sampler, and the checks of its arguments."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias, runtime_checkable

import torch
from torch import Tensor

from vdiffusion.net import Net
from vdiffusion.schedule import require_steps, time_grid

Callback: TypeAlias = Callable[[int, int, Tensor], Tensor | None]
"""`callback(step_index, total, x0_estimate)`, called once per step, step_index from 0. A tensor that it returns takes
the place of the estimate, and the noise estimate follows from it; None leaves both as they are."""


@runtime_checkable
class Sampler(Protocol):
    """Protocol of a sampler: any object with these two members goes wherever a sampler is taken.

    `SteppingSampler` is a base class with the loop over the grid, for a sampler that is one formula per step.
    """

    @property
    def draws_noise(self) -> bool:
        """Tell whether steps draw fresh noise, so that `sample` needs generators."""
        ...

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
            noise: start `[B, ...]`: standard normal noise, or x_t where `times` begin below 1.
            num_steps: steps of the uniform grid from 1 to 0, at least 1. Not needed beside `times`.
            times: falling grid in [0, 1], `[steps + 1]`, see `time_grid`; rounded to float32 so that net and sampler
                see the same times. Where it ends above 0, the result still has the noise of that time.
            generators: one CPU generator per batch member, needed by a sampler that draws fresh noise: each member
                draws from its own (float64, cast), independently of its batch mates. See `NoiseSource.generators`.
            callback: called as `callback(step_index, total, x0_estimate)` in each step.
            conditions: passed to the net as they are.

        Raises:
            ValueError: an argument is impossible; the message names it and its value.
        """
        ...


def checked_times(num_steps: int | None, times: Tensor | None) -> Tensor:
    """Return the grid as a CPU float64 tensor that holds float32 values; ValueError where it is not a falling grid."""
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
        raise ValueError(
            f"times=[{shown}{', ...' if len(times) > 4 else ''}]: must fall strictly, within [0, 1]; see time_grid"
        )
    return times


def check_noise(noise: Tensor) -> None:
    """Raise a ValueError unless the start is a batch of floating-point numbers."""
    if noise.ndim < 2 or not noise.is_floating_point():
        raise ValueError(f"noise: {noise.dtype} of shape {list(noise.shape)}; must be floating point [B, ...]")


def check_generators(
    generators: Sequence[torch.Generator] | None, batch: int, wanted_by: object
) -> Sequence[torch.Generator]:
    """Return the generators; ValueError unless there is a CPU generator for each batch member."""
    if generators is None:
        raise ValueError(
            f"generators=None: {wanted_by} draws noise; give one per batch member, as NoiseSource.generators makes them"
        )
    if len(generators) != batch:
        raise ValueError(f"generators: {len(generators)} for a batch of {batch}; give one per batch member")
    for generator in generators:
        if generator.device.type != "cpu":
            raise ValueError(f"generators: one is on {generator.device}; they must be CPU generators")
    return generators


def check_eta(eta: float) -> None:
    """Raise a ValueError unless the share of fresh noise lies in [0, 1]."""
    if not 0 <= eta <= 1:
        raise ValueError(f"eta={eta}: must lie in [0, 1]; 0 is deterministic, 1 draws fresh noise as DDPM does")
