"""Checkpoints every so often and at the end of a run."""

import time
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from mousai.errors import UserError
from mousai.training.callbacks.stopping import any_of_all
from mousai.training.checkpoint_files import PARTIAL, publish, saved_checkpoints


class SaveCheckpoints(Callback):
    """Saves the whole state of training every so often and at its end, and keeps the newest few.

    Args:
        folder: folder of the checkpoints, "step-000000123.ckpt"; made if it is missing.
        every_steps: steps between two; 0 for none but the last.
        every_minutes: minutes between two; 0 for none but the last.
        keep: how many are kept.

    Raises:
        UserError: one cannot be written, such as on a full disk; those before it stay.
    """

    def __init__(self, folder: Path, *, every_steps: int = 0, every_minutes: float = 0.0, keep: int = 2) -> None:
        self.folder, self.every_steps, self.every_minutes, self.keep = folder, every_steps, every_minutes, keep
        self._step = 0
        self._saved_step = -1
        self._saved_at = time.monotonic()

    def save(self, trainer: Trainer) -> None:
        """Save now, unless this step is saved; all processes of a run take part, the first one writes."""
        step = trainer.global_step
        if step == self._saved_step:
            return
        path = self.folder / f"step-{step:09d}.ckpt"
        partial = path.with_name(path.name + PARTIAL)
        try:
            trainer.save_checkpoint(partial)
            if trainer.is_global_zero:
                publish(partial, path)
                for old in saved_checkpoints(self.folder)[: -self.keep]:
                    old.unlink()
        except (OSError, RuntimeError) as error:
            partial.unlink(missing_ok=True)
            raise UserError(path, hint=f"cannot be written: {error}; those before it stay") from error
        trainer.strategy.barrier()
        self._saved_step, self._saved_at = step, time.monotonic()

    # ---- hooks of Lightning

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Remove what killed runs left half-written."""
        if trainer.is_global_zero:
            self.folder.mkdir(parents=True, exist_ok=True)
            for left in self.folder.glob(f"*{PARTIAL}"):
                left.unlink()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Count from where the run stands."""
        self._step = trainer.global_step
        self._saved_at = time.monotonic()

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any) -> None:
        """After a step of the optimiser, if it is time."""
        if trainer.global_step == self._step:
            return
        self._step = trainer.global_step
        by_step = self.every_steps and self._step % self.every_steps == 0
        by_time = bool(self.every_minutes) and time.monotonic() - self._saved_at > 60 * self.every_minutes
        if by_step or any_of_all(trainer, by_time):
            self.save(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The last one."""
        self.save(trainer)
