"""Ends of training: the time that was given, or a signal, after the step that is being made."""

import os
import signal
import sys
import time
from types import FrameType, TracebackType
from typing import Any, Self

from lightning.pytorch import Callback, LightningModule, Trainer

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopOnSignal(Callback):
    """On SIGTERM and Ctrl-C, training ends after the step that is being made, as if its time were over.

    A context manager: the signals are its own inside the block, and their earlier handlers are back after it.
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
        seconds: length of training.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds, self.before = seconds, 0.0
        self._since: float | None = None

    @property
    def elapsed(self) -> float:
        """Seconds of training until now."""
        return self.before + (0.0 if self._since is None else time.monotonic() - self._since)

    @property
    def progress(self) -> float:
        """Share of the time that has passed, 1 at most."""
        return min(self.elapsed / self.seconds, 1.0)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self._since = time.monotonic()

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any) -> None:
        """Stop if it is time."""
        if between_steps(trainer, args[-1]) and any_of_all(trainer, self.elapsed >= self.seconds):
            trainer.should_stop = True

    def state_dict(self) -> dict[str, Any]:
        """State for a checkpoint."""
        return {"elapsed": self.elapsed}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with the state of a checkpoint."""
        self.before = state_dict["elapsed"]


def between_steps(trainer: Trainer, batch_idx: int) -> bool:
    """Tell whether no gradient is being accumulated after this batch, so that nothing is lost if training ends here."""
    return (batch_idx + 1) % trainer.accumulate_grad_batches == 0


def any_of_all(trainer: Trainer, value: bool) -> bool:
    """Tell whether it is true in any process of the run."""
    return trainer.strategy.reduce_boolean_decision(value, all=False) if trainer.world_size > 1 else value
