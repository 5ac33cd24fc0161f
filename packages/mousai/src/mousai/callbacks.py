"""Callbacks of stage 2: the user's, as in diffusers, and how one of them ends its own call early, in any thread."""

import functools
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

from mousai.device import plain_defaults
from mousai.errors import UserError, tells_memory
from mousai.progress import ProgressBars

F = TypeVar("F", bound=Callable[..., Any])
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


@dataclass
class _Stopped:
    """What of a call was told to stop: the piece that it makes, or all of it."""

    piece: bool = False
    call: bool = False


class Interruptions:
    """Which of the calls that run, one a thread, were told to stop.

    Threads that share a pipeline do not stop each other's calls: a call is stopped by its own callback, or by a thread
    that runs none, which stops all. Where a call makes its pieces one after the other, its callback stops the piece
    that it is called for, and another thread the whole call.
    """

    def __init__(self) -> None:
        self._calls: dict[int, _Stopped] = {}

    def begin(self) -> None:
        """Note that this thread begins a call."""
        self._calls[threading.get_ident()] = _Stopped()

    def end(self) -> None:
        """Note that this thread's call has ended."""
        self._calls.pop(threading.get_ident(), None)

    @property
    def is_stopped(self) -> bool:
        """Whether this thread's piece, or its whole call, was told to stop."""
        mine = self._mine
        return mine is not None and (mine.piece or mine.call)

    @property
    def is_call_stopped(self) -> bool:
        """Whether this thread's whole call was told to stop, by a thread without one."""
        mine = self._mine
        return mine is not None and mine.call

    def next_piece(self) -> None:
        """Note that this thread's call goes on to its next piece, which nobody has stopped yet."""
        if (mine := self._mine) is not None:
            mine.piece = False

    def stop(self, value: bool) -> None:
        """Tell this thread's piece to stop, or not to; from a thread without a call, all calls."""
        if (mine := self._mine) is not None:
            mine.piece = value
            return
        for call in list(self._calls.values()):
            call.call = value

    @property
    def _mine(self) -> "_Stopped | None":
        return self._calls.get(threading.get_ident())


def pipeline_call(method: F) -> F:
    """Make a method a call of its pipeline, which may run in several threads at once."""
    helps = "give a shorter --duration (duration), fewer pieces at once (num_waveforms_per_prompt), or --dtype bfloat16"

    @functools.wraps(method)
    @plain_defaults()
    @torch.no_grad()
    @tells_memory(helps)
    def called(self: Any, *args: Any, **kwargs: Any) -> Any:
        self._interruptions.begin()
        try:
            return method(self, *args, **kwargs)
        finally:
            self._interruptions.end()

    return called  # type: ignore[return-value]
