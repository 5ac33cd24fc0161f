"""Configs of models on disk: JSON objects, read strictly and written whole or not at all."""

import json
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from mousai.errors import UserError
from mousai.storage.files import write_text
from mousai.storage.json_files import MOST_BYTES, read_json

CONFIG_NAME = "config.json"


class CheckpointError(UserError):
    """A model folder that cannot be read or written; one line that names the file and what is wrong in it."""


def load_config(path: str | PathLike[str], *, most: int = MOST_BYTES) -> dict[str, Any]:
    """Read a JSON object, such as the `config.json` of a folder (a folder may be given) or a `model_index.json`.

    Which keys it may have is for the config class to say.

    Args:
        path: the file, or a folder with a `config.json`.
        most: size that the file may have, in bytes.

    Raises:
        CheckpointError: The file is missing, no regular file, too large, or not a JSON object (`parse_json`).
    """
    path = Path(path)
    if path.is_dir():
        path = path / CONFIG_NAME
    if not path.exists():
        raise CheckpointError(path, hint="does not exist: no model folder, or an incomplete one")
    return read_json(path, most=most, error=CheckpointError)


def save_config(path: str | PathLike[str], config_dict: Mapping[str, Any]) -> None:
    """Write a JSON object, whole or not at all; the folder of `path` is made if it is missing.

    Raises:
        CheckpointError: The content is not JSON, or the file cannot be written.
    """
    path = Path(path)
    text = json_text(path, config_dict)
    make_folder(path.parent)
    write_config(path, text)


def json_text(path: Path, config_dict: Mapping[str, Any]) -> str:
    """The text of a config; CheckpointError where it is not JSON."""
    try:
        return json.dumps(dict(config_dict), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    except (TypeError, ValueError) as error:
        raise CheckpointError(path, hint=f"cannot hold this config: {error}") from error


def make_folder(folder: Path) -> None:
    """Make a folder and those around it; CheckpointError where that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CheckpointError(folder, hint=f"the folder cannot be made: {why(error)}") from error


def write_config(path: Path, text: str) -> None:
    """Write the text of a config, whole or not at all; CheckpointError where that fails."""
    try:
        write_text(path, text)
    except OSError as error:
        raise CheckpointError(path, hint=f"cannot be written: {why(error)}") from error


def why(error: Exception) -> str:
    """Reason of an error, in one line."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(reason.split())
