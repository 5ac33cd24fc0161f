"""Checkpoint files that are whole or not there, and the newest one that can be read."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from mousai.errors import UserError

PARTIAL = ".partial"
"""Ending of a checkpoint that is being written."""


def write_durably(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file beside `path`, wait until it is on the disk, and put it in the place of `path`.

    Whatever happens on the way, even a power cut, `path` is the old file or the new one.
    """
    partial = path.with_name(path.name + PARTIAL)
    try:
        write(partial)
        publish(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def publish(partial: Path, path: Path) -> None:
    """Put a file that is written in the place of `path`, once its bytes are on the disk."""
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(partial, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the name, too, must be on the disk
    finally:
        os.close(folder)


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
