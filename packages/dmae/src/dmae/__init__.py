"""A diffusion magnitude autoencoder: waveforms to a small latent and back, of any length.

After Moûsai (arXiv 2301.11757), stage 1. Beside it, of the same parts, a diffusion upsampler and a diffusion vocoder.
"""

from dmae.autoencoder import DMAE, Losses
from dmae.calibration import fit_sigma
from dmae.config import DMAEConfig
from dmae.griffin_lim import griffin_lim
from dmae.mel import MelSpectrogram
from dmae.parts import EncoderConfig, PriorConfig, SpectrogramConfig
from dmae.principal_components import initialise_from_data
from dmae.transform import LappedTransform
from dmae.upsampler import DiffusionUpsampler, UpsamplerConfig
from dmae.vocoder import DiffusionVocoder, VocoderConfig

__all__ = [
    "DMAE",
    "DMAEConfig",
    "DiffusionUpsampler",
    "DiffusionVocoder",
    "EncoderConfig",
    "LappedTransform",
    "Losses",
    "MelSpectrogram",
    "PriorConfig",
    "SpectrogramConfig",
    "UpsamplerConfig",
    "VocoderConfig",
    "fit_sigma",
    "griffin_lim",
    "initialise_from_data",
]
__version__ = "0.1.0"
