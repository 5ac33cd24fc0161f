"""Parts of the training loss, and the loss of magnitudes that follows hearing."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

ATTACK_LAGS = (1, 2, 4)
"""Frames of the spectrogram over which its change is compared."""


@dataclass(frozen=True, kw_only=True)
class Losses:
    """Parts of the training loss, scalars; `None` where the model has no such part.

    Args:
        diffusion: v-objective on the coefficients or the waveform.
        magnitude: mean absolute error of the log-power in bands, weighted by hearing.
        attack: the same error of the change over 1, 2 and 4 frames, which is how notes begin and end.
        likelihood: Gaussian negative log-likelihood of the coefficients under the prior.
        latent: mean square of the latent before its bound.
        saturation: share of |latent| > 0.99, to be watched and not trained; 0 where the latent has no bound.
    """

    diffusion: Tensor | None
    magnitude: Tensor | None
    attack: Tensor | None
    likelihood: Tensor | None
    latent: Tensor
    saturation: Tensor

    def total(self, *, latent_weight: float = 1e-3, attack_weight: float = 0.0) -> Tensor:
        """Sum of the parts, which training minimises.

        Args:
            latent_weight: weight of `latent`, which keeps the latent away from its bound.
            attack_weight: weight of `attack`.
        """
        parts = [part for part in (self.diffusion, self.magnitude, self.likelihood) if part is not None]
        if attack_weight and self.attack is not None:
            parts.append(attack_weight * self.attack)
        return sum(parts, latent_weight * self.latent)


@dataclass(frozen=True, kw_only=True)
class PriorTerms:
    """Contribution of a prior to a training step.

    Args:
        latent: latent as the net is given it.
        conditions: conditions of the net beside the latent.
        magnitude: see `Losses`.
        attack: see `Losses`.
    """

    latent: Tensor
    conditions: Mapping[str, Tensor] = field(default_factory=dict)
    magnitude: Tensor | None = None
    attack: Tensor | None = None


def perceptual_l1(error: Tensor, weights: Tensor) -> Tensor:
    """Mean absolute error of bands [B, bands, F], each band with its weight [bands]; a scalar."""
    return (error.abs().mean(dim=(0, 2)) * weights).mean()


def attack_l1(error: Tensor, weights: Tensor) -> Tensor:
    """Mean `perceptual_l1` of how the error [B, bands, F] changes over `ATTACK_LAGS`; 0 for a single frame."""
    lags = [lag for lag in ATTACK_LAGS if lag < error.shape[-1]]
    if not lags:
        return error.new_zeros(())
    return torch.stack([perceptual_l1(error[..., lag:] - error[..., :-lag], weights) for lag in lags]).mean()
