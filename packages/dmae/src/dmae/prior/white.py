"""The paper's start of the diffusion: white noise, for every latent."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from torch import Tensor, nn

from dmae.losses import PriorTerms

if TYPE_CHECKING:
    from dmae.prior.magnitude import MagnitudePrior


class WhitePrior(nn.Module):
    """Prior that knows nothing: every coefficient has a standard deviation of one.

    It has the methods of `MagnitudePrior`, so that `DMAE` never has to ask which prior it has.
    """

    receptive_field = 0

    def conditions(self, latent: Tensor) -> dict[str, Tensor]:
        """Conditions of the net beside the latent: none."""
        return {}

    def whiten(self, x: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """Coefficients -> themselves."""
        return x

    def unwhiten(self, x: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """Diffused coefficients -> themselves."""
        return x

    def training_terms(self, latent: Tensor, features: Tensor) -> PriorTerms:
        """The latent as the net is given it, with its gradient: the diffusion trains the encoder. No losses."""
        return PriorTerms(latent=latent)

    def normalise(self, x: Tensor, conditions: Mapping[str, Tensor]) -> tuple[Tensor, Tensor | None]:
        """Coefficients as the net is trained on them, and no likelihood."""
        return x, None

    def require_magnitudes(self) -> "MagnitudePrior":
        """Raise a ValueError: no magnitudes can be read from the latent."""
        raise ValueError(
            "this model has no magnitude prior, which this needs; give config.prior=PriorConfig(...), as in "
            "DMAEConfig.tiny()"
        )
