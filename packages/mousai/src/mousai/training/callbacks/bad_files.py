"""Files that could not be read while training: listed, counted, and too many of them end the run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from mousai.data.check import MOST_BAD
from mousai.errors import UserError
from mousai.storage.weights import load_config, save_config


class BadFiles(Callback):
    """Keeps `bad_files.json` in the run's folder: file -> what is wrong with it.

    Args:
        path: file of the list.
        count: number of files in all.

    Raises:
        UserError: more than a hundredth of the files is bad.
    """

    def __init__(self, path: Path, *, count: int) -> None:
        self.path, self.count = path, count
        self.found: dict[str, str] = {}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Go on with the list."""
        if self.path.exists():
            self.found = load_config(self.path)

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Mapping[str, Any], batch_idx: int
    ) -> None:
        """Add the bad files that this batch met."""
        new = {name: why for met in batch.get("bad", []) for name, why in met if name not in self.found}
        if not new:
            return
        self.found |= new
        if trainer.is_global_zero:
            save_config(self.path, dict(sorted(self.found.items())))
        if len(self.found) > MOST_BAD * self.count:
            why = next(iter(new.values()))
            raise UserError(
                "data",
                hint=f"{len(self.found)} of {self.count} files are bad, more than {MOST_BAD:.0%}, such as {why} (all "
                f"in {self.path}); mend or remove them, `mousai data check` finds them all",
            )
