"""What ends training: the time that was given, a signal, after the step, or a number that is none, before it."""

import math
import os
import signal
import sys
import time
from types import FrameType, TracebackType
from typing import Any, Self

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from mousai.errors import UserError
from mousai.training.splitting import whole

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopOnSignal(Callback):
    """On SIGTERM and Ctrl-C, training ends after the step that is being made, as if its time were over.

    A context manager: the signals are its own inside the block, and whoever had them has them again after it.
    A second Ctrl-C interrupts at once.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._before: dict[int, Any] = {}

    @property
    def exit_code(self) -> int | None:
        """130 after Ctrl-C, 143 after SIGTERM, None where neither came."""
        return None if self.received is None else 128 + self.received

    def __enter__(self) -> Self:
        """Take the signals."""
        self._before = {number: signal.getsignal(number) for number in _SIGNALS}
        self._take()
        return self

    def _take(self) -> None:
        for number in _SIGNALS:
            signal.signal(number, self._receive)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take them again: Lightning has put its own handler of SIGTERM in between, which ends with exit code 0."""
        self._take()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.received == signal.SIGINT and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.received = number
        # Written past Python's own buffers, which the signal may have come in the middle of.
        os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, b"\nmousai: stopping after this step\n")

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any) -> None:
        """Stop, all processes of a run after the same step."""
        if between_steps(trainer, args[-1]) and any_of_all(trainer, self.received is not None):
            trainer.should_stop = True


class TimeLimit(Callback):
    """Ends training when it has lasted so long, in this run and in those that it goes on with.

    Args:
        seconds: of training.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds, self.before = seconds, 0.0
        self._since = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds of training until now."""
        return self.before + time.monotonic() - self._since

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self._since = time.monotonic()

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any) -> None:
        """Stop if it is time."""
        if between_steps(trainer, args[-1]) and any_of_all(trainer, self.elapsed >= self.seconds):
            trainer.should_stop = True

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint holds of it."""
        return {"elapsed": self.elapsed}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with what a checkpoint held."""
        self.before = state_dict["elapsed"]


def between_steps(trainer: Trainer, batch_idx: int) -> bool:
    """Whether no gradient is being accumulated after this batch, so that nothing is lost if training ends here."""
    return (batch_idx + 1) % trainer.accumulate_grad_batches == 0


def any_of_all(trainer: Trainer, value: bool) -> bool:
    """Whether it is true in any process of the run."""
    return trainer.strategy.reduce_boolean_decision(value, all=False) if trainer.world_size > 1 else value


class RefuseNotFinite(Callback):
    """Stops before the optimiser's step where the loss or a gradient is NaN or infinite, so that no weight is spoilt.

    `last_norm` is the gradient's norm before clipping. The module may hold `files_of_batch: list[str]`, of all batches
    since the last step.

    Raises:
        UserError: names the step, the figure and the files.
    """

    def __init__(self) -> None:
        self.last_norm = 0.0

    def on_before_backward(self, trainer: Trainer, pl_module: LightningModule, loss: Tensor) -> None:
        """Look at the loss."""
        self._check(trainer, pl_module, "loss", float(loss.detach()))

    def on_before_optimizer_step(
        self, trainer: Trainer, pl_module: LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        """Look at the gradient."""
        gradients = [p.grad for p in pl_module.parameters() if p.grad is not None]
        self.last_norm = float(whole(torch.nn.utils.get_total_norm(gradients)))
        if trainer.precision != "16-mixed":  # whose scaler skips steps that overflow
            self._check(trainer, pl_module, "gradient norm", self.last_norm)

    def _check(self, trainer: Trainer, pl_module: LightningModule, what: str, value: float) -> None:
        if math.isfinite(value):
            return
        files = list(dict.fromkeys(getattr(pl_module, "files_of_batch", [])))
        shown = ", ".join(files[:8]) + (f" and {len(files) - 8} more" if len(files) > 8 else "")
        raise UserError(
            f"step {trainer.global_step}: {what} is {value}, training stopped before it took effect; "
            f"files: {shown or 'unknown'}; look at these, lower optimizer.learning_rate, or use loop.precision=32-true"
        )
