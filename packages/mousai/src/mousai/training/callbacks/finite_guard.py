"""Guard against losses and gradients that are NaN or infinite: ends the run, or skips the step and counts it."""

import math
import sys
from typing import Any, Literal

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from mousai.errors import UserError
from mousai.training.fsdp import whole

PATIENCE = 20
"""Steps in a row that may be skipped; in the whole run five times as many, and a fiftieth of its steps."""


class FiniteGuard(Callback):
    """Keeps every weight finite: no step of the optimiser is made where the loss or a gradient is NaN or infinite.

    `last_norm` is the gradient's norm before clipping. The module may hold `files_of_batch: list[str]`, of all batches
    since the last step.

    Args:
        action: "stop" ends the run before such a step; "skip" makes the next one instead and counts it in `skipped`.
        patience: see `PATIENCE`.

    Raises:
        UserError: names the step, the figure and the files; with "skip" only after too many steps.
    """

    def __init__(self, action: Literal["stop", "skip"] = "stop", *, patience: int = PATIENCE) -> None:
        self.action, self.patience = action, patience
        self.last_norm = 0.0
        self.skipped = 0
        self._in_a_row = self._tried = 0

    def on_before_backward(self, trainer: Trainer, pl_module: LightningModule, loss: Tensor) -> None:
        """Look at the loss, which spares a backward pass of NaN."""
        # A gradient of a loss that is not finite is not finite either, so "skip" need not wait for the device here.
        if self.action == "stop" and not math.isfinite(value := float(loss.detach())):
            self._stop(trainer, pl_module, "loss", value)

    def on_before_optimizer_step(
        self, trainer: Trainer, pl_module: LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        """Look at the gradient."""
        gradients = [p.grad for p in pl_module.parameters() if p.grad is not None]
        self.last_norm = float(whole(torch.nn.utils.get_total_norm(gradients)))
        if trainer.precision == "16-mixed":  # whose scaler skips steps that overflow
            return
        if self.action == "stop":
            if not math.isfinite(self.last_norm):
                self._stop(trainer, pl_module, "gradient norm", self.last_norm)
            return
        self._tried += 1
        if math.isfinite(self.last_norm):
            self._in_a_row = 0
            return
        self.skipped += 1
        self._in_a_row += 1
        if self.skipped == 1:
            bad = [n for n, p in pl_module.named_parameters() if p.grad is not None and not p.grad.isfinite().all()]
            print(
                f"mousai: step {trainer.global_step} skipped: not finite is the gradient of {_few(bad)}",
                file=sys.stderr,
            )
        if self._in_a_row > self.patience or self.skipped > 5 * self.patience + 0.02 * self._tried:
            raise UserError(
                f"step {trainer.global_step}: the gradient was not finite in {self.skipped} of {self._tried} steps, "
                f"{self._in_a_row} times in a row; lower optimizer.learning_rate, or use loop.precision=32-true"
            )
        # An optimiser leaves weights alone that have no gradient, weight decay included.
        optimizer.zero_grad(set_to_none=True)

    def _stop(self, trainer: Trainer, pl_module: LightningModule, what: str, value: float) -> None:
        files = list(dict.fromkeys(getattr(pl_module, "files_of_batch", [])))
        raise UserError(
            f"step {trainer.global_step}: {what} is {value}, training stopped before it took effect; "
            f"files: {_few(files) or 'unknown'}; look at these, lower optimizer.learning_rate, or use "
            "loop.precision=32-true"
        )

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any) -> None:
        """Log the norm, and how many steps were skipped."""
        pl_module.log("gradient norm", self.last_norm)
        if self.action == "skip":
            pl_module.log("skipped steps", float(self.skipped))

    def state_dict(self) -> dict[str, Any]:
        """State for a checkpoint."""
        return {"skipped": self.skipped, "tried": self._tried}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with the state of a checkpoint."""
        self.skipped, self._tried = state_dict["skipped"], state_dict["tried"]


def _few(names: list[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
