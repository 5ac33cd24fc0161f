"""Everything that a run needs, built from its config."""

from collections.abc import Collection

import torch

from mousai.data.shards import is_shards
from mousai.errors import UserError
from mousai.training.config import (
    AutoencoderTrainingConfig,
    LatentDiffusionTrainingConfig,
    TextEncoderTrainingConfig,
    TrainingConfig,
)
from mousai.training.stages.experiment import Experiment


def build(config: TrainingConfig, *, fresh: bool, weights: Collection[str] = ()) -> Experiment:
    """Build what a run needs.

    Args:
        config: config of a run of either stage, or of a text encoder.
        fresh: whether the run begins; one that goes on has its weights in a checkpoint.
        weights: names of these weights.

    Raises:
        UserError: a folder, a size or the data is not as needed; one line says what would do.
    """
    torch.manual_seed(config.loop.seed)
    if config.loop.shards is not None and not is_shards(config.data):
        hint = f"is for shards that lie elsewhere, which {config.data} is not; leave it out"
        raise UserError("loop.shards", config.loop.shards, hint)
    if isinstance(config, AutoencoderTrainingConfig):
        from mousai.training.stages.autoencoder.build import build_autoencoder

        return build_autoencoder(config, fresh=fresh)
    if isinstance(config, TextEncoderTrainingConfig):
        from mousai.training.stages.text_encoder.build import build_text_encoder

        return build_text_encoder(config, fresh=fresh, weights=weights)
    assert isinstance(config, LatentDiffusionTrainingConfig)
    from mousai.training.stages.latent_diffusion.build import build_latent_diffusion

    return build_latent_diffusion(config)
