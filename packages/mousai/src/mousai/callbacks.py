"""Callbacks of stage 2: the user's, as in diffusers, and how one of them ends sampling early."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from torch import Tensor

from mousai.progress import ProgressBars

StepEnd = Callable[[Any, int, float, dict[str, Tensor]], Mapping[str, Tensor] | None]
"""`callback_on_step_end(pipe, step, timestep, callback_kwargs) -> callback_kwargs`, as in diffusers. "latents" is the
estimate of the clean latent [B, C, frames] at step `step`, from 0, and diffusion time `timestep`; what is returned as
"latents" takes its place."""


class Interruptible(Protocol):
    """A pipeline that a callback can stop, by setting this."""

    _interrupt: bool


class Interrupted(Exception):
    """A callback has set `pipe._interrupt`: sampling ends with this estimate of the clean latent."""

    def __init__(self, latent: Tensor) -> None:
        self.latent = latent


def step_callback(
    pipe: Interruptible, progress: ProgressBars, user: StepEnd | None, total: int
) -> Callable[[int, float, Tensor], Tensor | None]:
    """Return a callback of `LatentDiffusion.sample` that moves the bar, asks the user, and heeds `pipe._interrupt`."""

    def callback(step: int, t: float, estimate: Tensor) -> Tensor | None:
        changed = None
        if user is not None:
            returned = user(pipe, step, t, {"latents": estimate}) or {}
            changed = returned.get("latents")
            changed = None if changed is estimate else changed
        progress("latent_diffusion", step + 1, total)
        if pipe._interrupt:
            raise Interrupted(estimate if changed is None else changed)
        return changed

    return callback
