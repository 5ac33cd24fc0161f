"""Parts of a `DMAE`, built from its config: the only place that knows which kinds there are."""

from torch import nn

from dmae.config import DMAEConfig
from dmae.encoder import BandEncoder, MagnitudeEncoder
from dmae.prior import MagnitudePrior, WhitePrior
from dmae.protocols import Representation
from dmae.representation import MDCT, Patches, Waveform
from dmae.spectrogram import BandSpectrogram, MagnitudeSpectrogram, MelSpectrogram


def build_spectrogram(config: DMAEConfig) -> nn.Module:
    """Build the features that the encoder reads; the identity where it reads the waveform itself."""
    spectrogram = config.spectrogram
    if spectrogram is None:
        return nn.Identity()
    if spectrogram.bands:
        return BandSpectrogram(spectrogram, sample_rate=config.sample_rate)
    if spectrogram.mel_channels:
        return MelSpectrogram(spectrogram, sample_rate=config.sample_rate)
    return MagnitudeSpectrogram(spectrogram)


def build_encoder(config: DMAEConfig, own: nn.Module | None) -> nn.Module:
    """Build the encoder, or take one of the user's own where the config describes none.

    Raises:
        ValueError: there is neither, or both.
    """
    if config.encoder is None:
        if own is None:
            raise ValueError("encoder: config.encoder is None; give DMAE(config, encoder=...) an encoder of your own")
        return own
    if own is not None:
        raise ValueError("encoder: config.encoder describes one already; set it to None to use an encoder of your own")
    if config.require_spectrogram().bands:
        return BandEncoder(config)
    return MagnitudeEncoder(config)


def build_transform(config: DMAEConfig, own: Representation | None) -> Representation:
    """Build the representation, or take one of the user's own where the config says "own".

    Raises:
        ValueError: there is neither, or both.
    """
    if config.transform == "own":
        if own is None:
            raise ValueError("transform: config.transform is 'own'; give DMAE(config, transform=...) a representation")
        return own
    if own is not None:
        raise ValueError(
            f"transform: config.transform={config.transform!r} describes one already; set it to 'own' to use a "
            "representation of your own"
        )
    if config.transform == "mdct":
        return MDCT(config.transform_size)
    if config.transform == "patches":
        return Patches(config.audio_channels, config.transform_filters, config.transform_size, config.transform_window)
    return Waveform()


def build_prior(config: DMAEConfig) -> WhitePrior | MagnitudePrior:
    """Build the prior: white noise where the config has none."""
    return WhitePrior() if config.prior is None else MagnitudePrior(config, config.prior)
