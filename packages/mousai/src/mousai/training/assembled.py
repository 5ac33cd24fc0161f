"""All that a run needs, and what is common to how it is put together for every stage."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch.utils.data import Dataset

from dmae import DMAEConfig
from mousai.data.fetching import Cache, default_folder
from mousai.data.shard_set import ShardSet, open_shards
from mousai.diffusion.config import LatentDiffusionConfig
from mousai.errors import UserError
from mousai.storage.folders import describe
from mousai.storage.folders import model_folder as folder_of
from mousai.storage.weights import load_config
from mousai.training.modules import Stage
from mousai.training.settings import Common

VALIDATION_ITEMS = 64


@dataclass(frozen=True, kw_only=True)
class Assembled:
    """What a run needs.

    Args:
        stage: the model and its step.
        train: items to learn from, by number.
        validation: items to validate on, None where nothing is held out.
        config: sizes of the model, which have to stay as they are when the run goes on.
        files: how many the data has.
    """

    stage: Stage
    train: Dataset[dict[str, Any]]
    validation: Dataset[dict[str, Any]] | None
    config: DMAEConfig | LatentDiffusionConfig
    files: int


def model_folder(name: str, *, need: Sequence[str]) -> Path:
    """A model folder, or "bundled", that has some parts.

    Raises:
        UserError: there is none, or it lacks one.
    """
    folder = folder_of(name)
    describe(folder, need=need)
    return folder


def sizes_of(kind: Any, name: str) -> Any:
    """The sizes that `model` names: tiny, paper, or a config.json.

    Raises:
        UserError: there are none by that name, or they are impossible.
    """
    if name in ("tiny", "paper"):
        return getattr(kind, name)()
    path = Path(name)
    if not path.exists():
        raise UserError(f"model={name}: must be tiny, paper, or the path of a config.json")
    try:
        return kind.from_dict(load_config(path))
    except ValueError as error:
        raise UserError(f"model={name}: {error}") from error


def shards_of(settings: Common) -> ShardSet:
    """The shards that `data` names."""
    folder = default_folder() if settings.loop.shards is None else Path(settings.loop.shards)
    return open_shards(settings.data, cache=Cache(folder, settings.loop.shards_gb))
