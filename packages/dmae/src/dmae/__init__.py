"""A diffusion magnitude autoencoder: waveforms to a small latent and back, of any length.

After Moûsai (arXiv 2301.11757), stage 1.
"""

from dmae.autoencoder import DMAE, Losses
from dmae.calibration import fit_sigma
from dmae.config import DMAEConfig, EncoderConfig, PriorConfig, SpectrogramConfig
from dmae.griffin_lim import griffin_lim
from dmae.principal_components import initialise_from_data
from dmae.transform import LappedTransform

__all__ = [
    "DMAE",
    "DMAEConfig",
    "EncoderConfig",
    "LappedTransform",
    "Losses",
    "PriorConfig",
    "SpectrogramConfig",
    "fit_sigma",
    "griffin_lim",
    "initialise_from_data",
]
__version__ = "0.1.0"
