"""Checkpoint files that are whole or not there, and the newest one that can be read."""

import os
import sys
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from mousai.errors import UserError
from mousai.storage.files import flush_folder, flush_to_disk

PARTIAL = ".partial"
"""Ending of a checkpoint that is being written."""


def publish(partial: Path, path: Path) -> None:
    """Put a file that is written in the place of `path`, once its bytes are on the disk."""
    flush_to_disk(partial)
    os.replace(partial, path)
    flush_folder(path.parent)  # the name, too, must be on the disk


class StraightToFile(TorchCheckpointIO):
    """Lightning's writing of a checkpoint, straight into its file.

    Its own way packs the whole checkpoint in memory and then copies it through the system's temporary folder, which may
    be small.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | PathLike[str], storage_options: Any | None = None
    ) -> None:
        """Write a checkpoint; OSError or RuntimeError where it does not fit."""
        with open(path, "wb") as file:
            torch.save(checkpoint, file)


def saved_checkpoints(folder: Path) -> list[Path]:
    """The checkpoints in a folder, oldest first."""
    return sorted(folder.glob("step-*.ckpt"))


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Contents of a checkpoint, on the CPU; no code that it names is run.

    Raises:
        Exception: of many kinds, where the file is not whole.
    """
    contents: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return contents


def newest_loadable(folder: Path) -> Path | None:
    """The newest checkpoint that can be read, None where there is none; says on stderr which could not be.

    Raises:
        UserError: there are some, and none can be read.
    """
    found = saved_checkpoints(folder)
    for path in reversed(found):
        try:
            contents = read_checkpoint(path)
            if "global_step" not in contents:
                raise ValueError("has no global_step")
        except Exception as error:  # a broken file stumbles anywhere: zip, pickle, storage
            why = " ".join(str(error).split())[:200] or type(error).__name__
            print(f"mousai: {path} cannot be read ({why}); going back to the one before it", file=sys.stderr)
        else:
            return path
    if found:
        raise UserError(folder, hint=f"none of its {len(found)} checkpoints can be read; give another --out")
    return None
