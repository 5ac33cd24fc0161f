"""Log-power in bands of mid and side, which the band encoder reads and the magnitude prior predicts."""

import itertools

import torch
from einops import rearrange
from torch import Tensor

from dmae.config import SpectrogramConfig
from dmae.precision import Float32, constants, without_autocast
from dmae.representation import to_mid_side


def band_edges(n_bins: int, bands: int) -> list[int]:
    """Find the borders, in bins, of `bands` bands over all bins: one bin wide in the bass, of constant ratio above.

    The ratio is the smallest that needs at most `bands` bands. Where it gives fewer, the widest bands are halved until
    the number is right.
    """

    if bands == 1:
        return [0, n_bins]

    def build(ratio: float) -> list[int]:
        edges = [0]
        while edges[-1] < n_bins:
            edges.append(min(n_bins, edges[-1] + max(1, round(ratio * edges[-1]))))
        return edges

    low, high = 0.0, 1.0
    while len(build(high)) - 1 > bands:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if len(build(middle)) - 1 > bands else (low, middle)
    edges = build(high)
    while len(edges) - 1 < bands:
        widths = [b - a for a, b in itertools.pairwise(edges)]
        widest = widths.index(max(widths))
        edges.insert(widest + 1, edges[widest] + widths[widest] // 2)
    return edges


class BandSpectrogram(Float32):
    """Log-power in bands of mid and side: [B, C, T] -> [B, bands, frames], and the way back to magnitudes.

    With equal weights on all bins, a small latent is spent on treble noise and the notes are lost. Bands that are one
    bin wide in the bass and of constant ratio above keep the notes in a quarter of the numbers. `weights` (band width
    divided by frequency + 300 Hz, times 0.3 for the side) says how much each band counts in a loss.

    Args:
        config: sizes, with `bands`.
        sample_rate: rate of the waveform, Hz.
    """

    def __init__(self, config: SpectrogramConfig, *, sample_rate: int) -> None:
        super().__init__()
        self.n_fft, self.hop_length, self.floor = config.n_fft, config.hop_length, config.floor
        self.receptive_field = -(-self.n_fft // 2)
        self.sizes = [config.bands] + ([config.side_bands] if config.side_bands else [])
        self.window: Tensor
        self.weights: Tensor
        with constants():
            self.register_buffer("window", torch.hann_window(self.n_fft, dtype=torch.float32), persistent=False)
        weights: list[float] = []
        for index, count in enumerate(self.sizes):
            edges = band_edges(config.n_bins, count)
            mean = torch.zeros(config.n_bins, count, device="cpu", dtype=torch.float32)
            band_of_bin: list[int] = []
            for band, (first, last) in enumerate(itertools.pairwise(edges)):
                frequency = (first + last) / 2 * sample_rate / self.n_fft
                weights.append((last - first) / (frequency + 300) * (0.3 if index else 1.0))
                mean[first:last, band] = 1 / (last - first)
                band_of_bin += [band] * (last - first)
            self.register_buffer(f"mean{index}", mean, persistent=False)
            with constants():
                self.register_buffer(f"band_of_bin{index}", torch.tensor(band_of_bin), persistent=False)
        average = sum(weights) / len(weights)
        with constants():
            shares = torch.tensor([weight / average for weight in weights], dtype=torch.float32)
            self.register_buffer("weights", shares, persistent=False)

    def spectrum(self, wave: Tensor) -> Tensor:
        """Waveform [B, C, T] -> complex spectrum of mid and side [B, C, bins, T / hop + 1]; zero-padded."""
        batch = wave.shape[0]
        flat = rearrange(to_mid_side(wave.float()), "b c t -> (b c) t")
        spectrum = torch.stft(
            flat,
            self.n_fft,
            self.hop_length,
            window=self.window.to(flat.device),
            pad_mode="constant",
            return_complex=True,
        )
        return rearrange(spectrum, "(b c) k f -> b c k f", b=batch)

    def waveform(self, spectrum: Tensor, length: int) -> Tensor:
        """Invert `spectrum`: the waveform [B, C, length] whose spectrum is nearest in the mean square."""
        batch = spectrum.shape[0]
        flat = torch.istft(
            rearrange(spectrum, "b c k f -> (b c) k f"),
            self.n_fft,
            self.hop_length,
            window=self.window.to(spectrum.device),
            length=length,
        )
        return to_mid_side(rearrange(flat, "(b c) t -> b c t", b=batch))

    def forward(self, wave: Tensor) -> Tensor:
        """[B, C, T] with T a multiple of the hop -> log-power [B, bands, T / hop]."""
        spectrum = self.spectrum(wave)[..., : wave.shape[-1] // self.hop_length]
        power = spectrum.real.square() + spectrum.imag.square()
        means = [getattr(self, f"mean{index}").to(power.device) for index in range(len(self.sizes))]
        with without_autocast(wave):
            bands = [power[:, index].transpose(-1, -2) @ mean for index, mean in enumerate(means)]
        return torch.log(torch.cat(bands, dim=-1) + self.floor).transpose(-1, -2)

    def power(self, bands: Tensor) -> Tensor:
        """Log-power [B, bands, F] -> power of every bin of mid and side [B, C, bins, F], spread evenly in each band."""
        return self.spread(self.band_power(bands))

    def band_power(self, bands: Tensor) -> Tensor:
        """Log-power [B, bands, F] -> power, never quite zero."""
        return (bands.float().exp() - self.floor).clamp_min(self.floor * 0.05)

    def spread(self, power: Tensor) -> Tensor:
        """Power of every band [B, bands, F] -> of every bin of mid and side [B, C, bins, F]."""
        parts = power.split(self.sizes, dim=1)
        return torch.stack([part[:, getattr(self, f"band_of_bin{i}")] for i, part in enumerate(parts)], dim=1)
