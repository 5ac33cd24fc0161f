"""Callbacks of stage 2: the user's, as in diffusers, and how one of them ends sampling early."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from torch import Tensor

from mousai.errors import UserError
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
            changed = _changed(user(pipe, step, t, {"latents": estimate}), estimate)
        progress("latent_diffusion", step + 1, total)
        if pipe._interrupt:
            raise Interrupted(estimate if changed is None else changed)
        return changed

    return callback


def _changed(returned: Any, estimate: Tensor) -> Tensor | None:
    """The latents that a callback returns in place of the estimate; None where they are the same or left out."""
    if returned is None:
        return None
    if not isinstance(returned, Mapping):
        hint = f"returned {type(returned).__name__}; must return callback_kwargs, a dictionary, or nothing"
        raise UserError("callback_on_step_end", hint=hint)
    latents = returned.get("latents")
    if latents is None or latents is estimate:
        return None
    if not isinstance(latents, Tensor) or latents.shape != estimate.shape or not bool(latents.isfinite().all()):
        what = list(latents.shape) if isinstance(latents, Tensor) else type(latents).__name__
        hint = f"returned latents {what}; must be finite, of the shape {list(estimate.shape)}"
        raise UserError("callback_on_step_end", hint=hint)
    return latents
