"""The phases in which an autoencoder with a prior is trained: its latent from magnitudes, then the diffusion on top."""

from dmae import DMAE
from mousai.training.settings import Phase


def freeze_other_part(model: DMAE, *, phase: Phase) -> None:
    """Freeze all but the decoder (phase "decoder"), or the decoder and the prior's sigma (phase "latent")."""
    for key, parameter in model.named_parameters():
        if key.startswith("decoder."):
            parameter.requires_grad_(phase == "decoder")
        else:
            parameter.requires_grad_(phase == "latent" and key not in ("prior.log_gain", "prior.slope"))
