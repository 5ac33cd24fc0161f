"""Diffusion magnitude autoencoder: waveforms of any length to a small latent and back.

After Moûsai (arXiv 2301.11757), stage 1. Built from the same parts: a diffusion upsampler and a diffusion vocoder.
"""

from dmae.autoencoder import DMAE
from dmae.calibration import fit_sigma
from dmae.config import DecodingConfig, DMAEConfig, EncoderConfig, PriorConfig, SpectrogramConfig
from dmae.losses import Losses
from dmae.phase import griffin_lim, interruptible, spsi
from dmae.principal_components import initialise_from_data
from dmae.prior import MagnitudePrior, WhitePrior
from dmae.protocols import Encoder, Representation
from dmae.representation import MDCT, Patches, Waveform, to_mid_side
from dmae.spectrogram import BandSpectrogram, MagnitudeSpectrogram, MelSpectrogram, mel_filters
from dmae.streaming import StreamingDecoder
from dmae.upsampler import DiffusionUpsampler, UpsamplerConfig
from dmae.vocoder import DiffusionVocoder, VocoderConfig

__all__ = [
    "DMAE",
    "MDCT",
    "BandSpectrogram",
    "DMAEConfig",
    "DecodingConfig",
    "DiffusionUpsampler",
    "DiffusionVocoder",
    "Encoder",
    "EncoderConfig",
    "Losses",
    "MagnitudePrior",
    "MagnitudeSpectrogram",
    "MelSpectrogram",
    "Patches",
    "PriorConfig",
    "Representation",
    "SpectrogramConfig",
    "StreamingDecoder",
    "UpsamplerConfig",
    "VocoderConfig",
    "Waveform",
    "WhitePrior",
    "fit_sigma",
    "griffin_lim",
    "initialise_from_data",
    "interruptible",
    "mel_filters",
    "spsi",
    "to_mid_side",
]
__version__ = "0.1.0"
