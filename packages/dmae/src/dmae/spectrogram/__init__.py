"""Spectrograms that encoders read: magnitudes, mel magnitudes, or log-power in bands."""

from dmae.spectrogram.bands import BandSpectrogram, band_edges
from dmae.spectrogram.magnitude import MagnitudeSpectrogram
from dmae.spectrogram.mel import MelSpectrogram, mel_filters

__all__ = ["BandSpectrogram", "MagnitudeSpectrogram", "MelSpectrogram", "band_edges", "mel_filters"]
