"""Mel spectrogram: magnitudes in triangular filters, evenly spaced on the mel scale."""

import math

import torch
from einops import rearrange
from torch import Tensor, nn

from dmae.config import SpectrogramConfig
from dmae.precision import Float32, constants, without_autocast

SMALLEST = 1e-20
"""Smallest maximum that `mel_normalize` divides by, so that silence maps to -1 everywhere."""


def mel_filters(n_bins: int, mel_channels: int, sample_rate: int) -> Tensor:
    """Triangular mel filters [n_bins, mel_channels], float32: peaks of 1 at equal steps of 2595 log10(1 + f / 700).

    Filter m rises from the peak of filter m - 1 to its own and falls to that of filter m + 1. The outermost filters end
    at 0 Hz and at half the rate. This is the HTK scale without area normalisation, the default of torchaudio's
    `MelScale` and so of the authors' models. The bins are spaced evenly from 0 to half the rate, also for an odd
    transform. Many narrow filters over few bins leave some filters in the bass empty.

    Args:
        n_bins: bins of the spectrum.
        mel_channels: number of filters.
        sample_rate: rate for which the filters are laid out, Hz.
    """
    top = sample_rate // 2
    # Computed in float64 and rounded once: torchaudio computes in float32, with errors up to 1e-5 of a peak.
    frequencies = torch.linspace(0, top, n_bins, dtype=torch.float64)
    mels = torch.linspace(0, 2595 * math.log10(1 + top / 700), mel_channels + 2, dtype=torch.float64)
    corners = 700 * (10 ** (mels / 2595) - 1)
    before, peak, after = corners[:-2], corners[1:-1], corners[2:]
    rise = (frequencies[:, None] - before) / (peak - before)
    fall = (after - frequencies[:, None]) / (after - peak)
    return torch.minimum(rise, fall).clamp_min(0).float()


class MelSpectrogram(Float32):
    """Mel spectrogram: [B, C, T] -> [B, C * mel_channels, T / hop].

    Frame i is computed from the n_fft samples around the middle of hop i, with a Hann window, mirrored ends and no
    normalisation: the mel spectrogram of HiFi-GAN (arXiv 2010.05646) and of the authors' `MelE1d` and
    `DiffusionVocoder`. `SpectrogramConfig` describes `mel_normalize` and `log_floor`. Computed in float32, also under
    autocast.

    Args:
        config: sizes, with `mel_channels`.
        sample_rate: rate of the waveform, Hz.

    Raises:
        ValueError: `config` has no `mel_channels`.
    """

    def __init__(self, config: SpectrogramConfig, *, sample_rate: int) -> None:
        super().__init__()
        if not config.mel_channels:
            raise ValueError("MelSpectrogram: mel_channels must be a whole number of 1 or more, not 0")
        self.config = config
        self.receptive_field = -(-config.n_fft // 2)
        self.window: Tensor
        self.filters: Tensor
        with constants():
            self.register_buffer(
                "window", torch.hann_window(config.window_length, dtype=torch.float32), persistent=False
            )
        with constants():
            filters = mel_filters(config.n_bins, config.mel_channels, config.mel_sample_rate or sample_rate)
        self.register_buffer("filters", filters, persistent=False)

    def forward(self, wave: Tensor) -> Tensor:
        """[B, C, T] with T a multiple of the hop -> [B, C * mel_channels, T / hop]."""
        config, (batch, _, length) = self.config, wave.shape
        flat = rearrange(wave, "b c t -> (b c) t").float()
        margin = (config.n_fft - config.hop_length) // 2
        if length <= margin:  # too short to mirror
            flat = nn.functional.pad(flat, (0, margin + 1 - length))
        flat = nn.functional.pad(flat, (margin, margin), mode="reflect")
        spectrum = torch.stft(
            flat,
            config.n_fft,
            config.hop_length,
            config.window_length,
            window=self.window.to(flat.device),
            center=False,
            return_complex=True,
        )
        with without_autocast(wave):
            # The whole spectrum's magnitude, since that of a strided part takes eight times as long.
            mel = spectrum.abs()[..., : length // config.hop_length].transpose(1, 2) @ self.filters.to(flat.device)
        mel = self._normalized(rearrange(mel, "(b c) f m -> b (c m) f", b=batch))
        return mel if config.log_floor is None else mel.clamp_min(config.log_floor).log()

    def _normalized(self, mel: Tensor) -> Tensor:
        if self.config.mel_normalize is None:
            return mel
        largest = mel.max() if self.config.mel_normalize == "batch" else mel.amax(dim=(1, 2), keepdim=True)
        return 2 * (mel / largest.clamp_min(SMALLEST)).pow(0.25) - 1
