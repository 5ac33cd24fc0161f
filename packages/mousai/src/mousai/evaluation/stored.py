"""Judges and what was heard as plain numbers in `.npz` files: nothing in them is run when they are read."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mousai.errors import UserError
from mousai.storage.files import atomic_file

VERSION = 4
"""Changes with what the judges hear and how they are kept, so that an old file is not taken for a new one."""


def write_arrays(path: Path, about: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write arrays and what there is to say about them, whole or not at all."""
    text = json.dumps({"version": VERSION, **about}, ensure_ascii=False)
    with atomic_file(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, about=np.array(text), **arrays)  # type: ignore[arg-type]


def read_arrays(path: Path) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Read what `write_arrays` wrote.

    Raises:
        UserError: there is no such file, or it is of another version of the judges.
    """
    if not path.is_file():
        raise UserError(f"{path} is missing; make it with: python -m mousai.evaluation.judges SONGS")
    with np.load(path, allow_pickle=False) as file:
        about = json.loads(str(file["about"])) if "about" in file.files else {}
        if about.get("version") != VERSION:
            raise UserError(f"{path}: is of version {about.get('version')}, not {VERSION}; remove it")
        return about, {name: file[name] for name in file.files if name != "about"}
