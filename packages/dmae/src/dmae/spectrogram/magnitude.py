"""Magnitude spectrogram, which the paper's encoder reads."""

import torch
from einops import rearrange
from torch import Tensor, nn

from dmae.config import SpectrogramConfig
from dmae.precision import Float32, constants


class MagnitudeSpectrogram(Float32):
    """Magnitude of the short-time Fourier transform: [B, C, T] -> [B, C * bins, frames].

    Hann windows centred on multiples of the hop, with mirrored ends. The transform is divided by sqrt(n_fft), as in the
    authors' encoder. `SpectrogramConfig.log_floor` adds a logarithm.

    Args:
        config: sizes; `bands` and `mel_channels` are not used.
    """

    def __init__(self, config: SpectrogramConfig) -> None:
        super().__init__()
        self.n_fft, self.hop_length = config.n_fft, config.hop_length
        self.log_floor = config.log_floor
        self.receptive_field = -(-self.n_fft // 2)
        self.window: Tensor
        with constants():
            self.register_buffer(
                "window", torch.hann_window(config.window_length, dtype=torch.float32), persistent=False
            )

    def forward(self, wave: Tensor) -> Tensor:
        """[B, C, T] with T a multiple of the hop -> [B, C * bins, T / hop]."""
        batch, _, length = wave.shape
        flat = rearrange(wave, "b c t -> (b c) t").float()
        if length <= self.n_fft // 2:  # too short to mirror
            flat = nn.functional.pad(flat, (0, self.n_fft // 2 + 1 - length))
        spectrum = torch.stft(
            flat,
            self.n_fft,
            self.hop_length,
            len(self.window),
            window=self.window.to(flat.device),
            normalized=True,
            return_complex=True,
        )
        # The whole spectrum's magnitude, since that of a strided part takes eight times as long.
        magnitudes = rearrange(spectrum.abs()[..., : length // self.hop_length], "(b c) k f -> b (c k) f", b=batch)
        return magnitudes if self.log_floor is None else magnitudes.clamp_min(self.log_floor).log()
