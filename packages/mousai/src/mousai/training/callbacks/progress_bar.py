"""Progress bar of a run, with the time left."""

import sys
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from tqdm import tqdm

from mousai.storage.system import is_terminal
from mousai.training.callbacks.finite_guard import FiniteGuard
from mousai.training.callbacks.stopping import TimeLimit


class ProgressBar(Callback):
    """A bar with the time left, the loss, and how much of the time is spent waiting for data.

    Args:
        max_steps: step at which it ends.
        limit: time at which it ends if time is the limit.
        guard: guard that knows the gradient's norm.
    """

    def __init__(self, *, max_steps: int | None, limit: TimeLimit | None, guard: FiniteGuard) -> None:
        self.max_steps, self.limit, self.guard = max_steps, limit, guard
        self._bar: Any = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show it."""
        timed = self.max_steps is None and self.limit is not None
        self._bar = tqdm(
            total=round(self.limit.seconds) if timed and self.limit else self.max_steps,
            initial=round(self.limit.before) if timed and self.limit else trainer.global_step,
            desc="training",
            file=sys.stderr,
            mininterval=0.5 if is_terminal() else 30.0,  # a log file needs no film
            disable=not trainer.is_global_zero,
            bar_format="{desc} {percentage:3.0f}% |{bar}| "
            + ("{n_fmt} of {total_fmt} s" if timed else "step {n_fmt} of {total_fmt}, {rate_fmt}")
            + ", {remaining} left{postfix}",
            unit="step",
        )

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any) -> None:
        """Move it."""
        if self.max_steps is None and self.limit is not None:
            position = min(round(self.limit.elapsed), self._bar.total)
        else:
            position = trainer.global_step
        figures = trainer.callback_metrics
        shown = {name: float(figures[key]) for name, key in _SHOWN.items() if key in figures}
        shown["gradient"] = self.guard.last_norm
        self._bar.set_postfix({name: f"{value:.3g}" for name, value in shown.items()}, refresh=False)
        self._bar.update(position - self._bar.n)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """End the line of the bar before the error is printed."""
        self.teardown(trainer, pl_module, "fit")

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """End its line."""
        if self._bar is not None:
            self._bar.close()


_SHOWN = {
    "loss": "loss",
    "validation": "validation loss",
    "samples/s": "samples per second",
    "waiting": "waiting for data",
}
