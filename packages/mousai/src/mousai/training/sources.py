"""Models, sizes and shards that a config names, opened or refused in one line."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mousai.data.shards import ShardCache, ShardSet, default_folder, open_shards
from mousai.errors import UserError
from mousai.storage.folders import describe
from mousai.storage.folders import model_folder as folder_of
from mousai.storage.weights import load_config
from mousai.training.config import TrainingConfig


def model_folder(name: str, *, field: str, need: Sequence[str]) -> Path:
    """A model folder, or "bundled", that has some parts.

    Args:
        name: path of the folder, or "bundled".
        field: name of the setting in errors.
        need: parts that it must have.

    Raises:
        UserError: there is none, or it lacks one.
    """
    folder = folder_of(name, field=field)
    describe(folder, need=need)
    return folder


def sizes_of(kind: Any, name: str) -> Any:
    """The config class `kind` with the sizes that `model` names: tiny, paper, or a config.json.

    Raises:
        UserError: there are none by that name, or they are impossible.
    """
    if name in ("tiny", "paper"):
        return getattr(kind, name)()
    path = Path(name)
    if not path.exists():
        raise UserError("model", name, "must be tiny, paper, or the path of a config.json")
    try:
        return kind.from_dict(load_config(path))
    except ValueError as error:
        raise UserError("model", name, f"{error}") from error


def shards_of(config: TrainingConfig) -> ShardSet:
    """The shards that `data` names."""
    folder = default_folder() if config.loop.shards is None else Path(config.loop.shards)
    return open_shards(config.data, cache=ShardCache(folder, config.loop.shards_gb))
