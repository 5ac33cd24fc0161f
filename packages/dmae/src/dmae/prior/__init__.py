"""Start of the diffusion: white noise, or noise with the spectrum that the latent holds."""

from dmae.prior.magnitude import MagnitudePrior
from dmae.prior.white import WhitePrior

__all__ = ["MagnitudePrior", "WhitePrior"]
