"""Loggers of figures: TensorBoard, a table in a file, or Weights & Biases."""

import sys
from importlib.util import find_spec
from pathlib import Path

from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger, WandbLogger

from mousai.errors import UserError


def check_logger(kind: str) -> None:
    """Raise a `UserError` where the logger that is asked for is not installed."""
    if kind == "wandb" and find_spec("wandb") is None:
        raise UserError("logging.logger", kind, "is not installed; pip install wandb, or take tensorboard")


def make_logger(kind: str, folder: Path, *, start: int) -> Logger:
    """TensorBoard, a table in a file, or Weights & Biases.

    Args:
        kind: see `Logging.logger`. TensorBoard falls back to the table, and says so, where it is not installed.
        folder: folder of the run; the log lies in `log` below it.
        start: step at which the run begins or goes on. Every start has a table of its own.

    Raises:
        UserError: wandb is asked for and not installed.
    """
    check_logger(kind)
    if kind == "wandb":
        return WandbLogger(save_dir=folder, project="mousai", name=folder.name, id=folder.name, resume="allow")
    if kind == "tensorboard":
        try:
            import tensorboard  # noqa: F401
        except ImportError:
            print("mousai: tensorboard is not installed; logging to tables (CSV)", file=sys.stderr)
        else:
            return TensorBoardLogger(folder, name="log", version="")
    return CSVLogger(folder, name="log", version=f"from-step-{start:09d}")
