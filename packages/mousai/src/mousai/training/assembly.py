"""From settings to all that a run needs: the stage, its items, and the sizes of its model."""

import torch

from mousai.training.assembled import Assembled
from mousai.training.assembly_autoencoder import assemble_autoencoder
from mousai.training.assembly_latent_diffusion import assemble_latent_diffusion
from mousai.training.settings import AutoencoderSettings, Common, LatentDiffusionSettings


def assemble(settings: Common, *, fresh: bool) -> Assembled:
    """Build what a run needs.

    Args:
        settings: of either stage.
        fresh: whether the run begins; one that goes on has its weights in a checkpoint.

    Raises:
        UserError: a folder, a size or the data is not as needed; one line says what would do.
    """
    torch.manual_seed(settings.loop.seed)
    if isinstance(settings, AutoencoderSettings):
        return assemble_autoencoder(settings, fresh=fresh)
    assert isinstance(settings, LatentDiffusionSettings)
    return assemble_latent_diffusion(settings)
