"""Phases in which an autoencoder with a prior is trained.

latent       encoder and magnitudes, from magnitudes
magnitudes   the magnitudes alone: better sound from latents that stay as they are, and a stage 2 that fits them
decoder      the diffusion on top of either
"""

import sys
from collections.abc import Callable, Iterator

from torch import Tensor

from dmae import DMAE, fit_sigma, initialise_from_data
from mousai.training.config import AutoencoderTrainingConfig, Phase

_SAMPLE = 120  # crops from which a prior is begun
_FAR = 10**9  # index of the first of these, which no run reaches

_FITTED = ("prior.log_gain", "prior.slope")
"""Weights that `dmae.fit_sigma` fits, and no step of training changes."""


def freeze_other_part(model: DMAE, *, phase: Phase) -> None:
    """Freeze all that a phase does not train."""
    trained = {"latent": ("encoder.", "prior."), "magnitudes": ("prior.",), "decoder": ("decoder.",)}[phase]
    for key, parameter in model.named_parameters():
        parameter.requires_grad_(key.startswith(trained) and key not in _FITTED)


def begin_prior(model: DMAE, wave_of: Callable[[int], Tensor], config: AutoencoderTrainingConfig) -> None:
    """Set the parts of a prior that need no training, from a sample of the data.

    Args:
        model: the model; one without a prior stays as it is.
        wave_of: gives the crop [C, samples] of an index that no run reaches.
        config: config of the run.
    """

    def sample() -> Iterator[Tensor]:
        from tqdm import tqdm

        for index in tqdm(range(_FAR, _FAR + _SAMPLE), desc="reading a sample", unit="crop", file=sys.stderr):
            yield wave_of(index)[None]

    if config.phase == "latent" and config.start_from is None:
        found = initialise_from_data(model, sample())
        print(f"principal components explain {found['explained']:.1%} of the weighted variance", file=sys.stderr)
    if config.phase == "decoder":
        fitted = fit_sigma(model, sample())
        print(
            f"negative log-likelihood under the prior: {fitted['before']:.3f} -> {fitted['after']:.3f}", file=sys.stderr
        )
