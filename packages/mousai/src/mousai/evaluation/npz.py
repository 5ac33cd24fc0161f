"""Judges and cached features as plain arrays in `.npz` files: nothing in them is executed when they are read."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mousai.errors import UserError
from mousai.storage.files import atomic_file

VERSION = 4
"""Version of the features and of the file format; raised with either, so that stale files are refused."""


def save_npz(path: Path, metadata: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write arrays and JSON metadata, whole or not at all."""
    text = json.dumps({"version": VERSION, **metadata}, ensure_ascii=False)
    with atomic_file(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, about=np.array(text), **arrays)  # type: ignore[arg-type]


def load_npz(path: Path) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Read metadata and arrays that `save_npz` wrote.

    Raises:
        UserError: the file is missing, or of another version.
    """
    if not path.is_file():
        raise UserError(path, hint="is missing; train the judges with: python -m mousai.evaluation.judges.train SONGS")
    with np.load(path, allow_pickle=False) as file:
        metadata = json.loads(str(file["about"])) if "about" in file.files else {}
        if metadata.get("version") != VERSION:
            raise UserError(path, hint=f"has version {metadata.get('version')}, not {VERSION}; remove it")
        return metadata, {name: file[name] for name in file.files if name != "about"}
