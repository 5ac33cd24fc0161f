"""Phases in which an autoencoder with a prior is trained.

latent       encoder and magnitudes, from magnitudes
magnitudes   the magnitudes alone: better sound from latents that stay as they are, and a stage 2 that fits them
decoder      the diffusion on top of either
"""

from dmae import DMAE
from mousai.training.config import Phase

_FITTED = ("prior.log_gain", "prior.slope")
"""Weights that `dmae.fit_sigma` fits, and no step of training changes."""


def freeze_other_part(model: DMAE, *, phase: Phase) -> None:
    """Freeze all that a phase does not train."""
    trained = {"latent": ("encoder.", "prior."), "magnitudes": ("prior.",), "decoder": ("decoder.",)}[phase]
    for key, parameter in model.named_parameters():
        parameter.requires_grad_(key.startswith(trained) and key not in _FITTED)
