"""Everything that a run needs, put together from its config."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import Dataset

from dmae import DMAEConfig
from mousai.diffusion.config import LatentDiffusionConfig
from mousai.training.config import AutoencoderTrainingConfig, LatentDiffusionTrainingConfig, TrainingConfig
from mousai.training.stages.module import Stage

VALIDATION_ITEMS = 64
"""Crops that validation takes of the files for it."""


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """Model, data and sizes of a run.

    Args:
        stage: the model and its step.
        train: items to train on, by index; None where the data is resident.
        validation: items to validate on, None where no files are left for it, or the data is resident.
        config: sizes of the model, which have to stay as they are when the run goes on.
        files: number of files in the data.
        resident: whether the data lies on the device, and the stage cuts the batches.
        close: ends what runs beside the run, such as processes that compose.
    """

    stage: Stage
    train: Dataset[dict[str, Any]] | None
    validation: Dataset[dict[str, Any]] | None
    config: DMAEConfig | LatentDiffusionConfig
    files: int
    resident: bool = False
    close: Callable[[], None] = lambda: None


def build(config: TrainingConfig, *, fresh: bool) -> Experiment:
    """Build what a run needs.

    Args:
        config: config of a run of either stage.
        fresh: whether the run begins; one that goes on has its weights in a checkpoint.

    Raises:
        UserError: a folder, a size or the data is not as needed; one line says what would do.
    """
    torch.manual_seed(config.loop.seed)
    if isinstance(config, AutoencoderTrainingConfig):
        from mousai.training.stages.autoencoder.build import build_autoencoder

        return build_autoencoder(config, fresh=fresh)
    assert isinstance(config, LatentDiffusionTrainingConfig)
    from mousai.training.stages.latent_diffusion.build import build_latent_diffusion

    return build_latent_diffusion(config)
