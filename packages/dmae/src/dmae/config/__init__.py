"""Settings: frozen dataclasses that check themselves, of the autoencoder, of its parts and of decoding."""

from dmae.config.autoencoder import DMAEConfig
from dmae.config.decoding import DecodingConfig
from dmae.config.parts import EncoderConfig, PriorConfig, SpectrogramConfig

__all__ = ["DMAEConfig", "DecodingConfig", "EncoderConfig", "PriorConfig", "SpectrogramConfig"]
