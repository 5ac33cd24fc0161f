"""What the encoder sees of a waveform: plain magnitudes (the paper), or the log-power of bands that follow hearing."""

import itertools

import torch
from einops import rearrange
from torch import Tensor, nn

from dmae.config import DMAEConfig
from dmae.precision import Float32, without_autocast
from dmae.transform import to_mid_side


class MagnitudeSpectrogram(Float32):
    """Magnitude of the short-time Fourier transform, [B, C, T] -> [B, C * bins, frames] (the paper's encoder input).

    Windows are Hann's, frames are centred on multiples of the hop, the ends mirrored, and the transform is divided by
    sqrt(n_fft), as the authors' encoder does. With `SpectrogramConfig.log_floor` the logarithm follows.
    """

    def __init__(self, config: DMAEConfig) -> None:
        super().__init__()
        self.n_fft, self.hop_length = config.spectrogram.n_fft, config.spectrogram.hop_length
        self.log_floor = config.spectrogram.log_floor
        self.window: Tensor
        self.register_buffer("window", torch.hann_window(config.spectrogram.window_length), persistent=False)

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
            window=self.window,
            normalized=True,
            return_complex=True,
        )
        # The whole spectrum's magnitude, since that of a strided part takes eight times as long.
        magnitudes = rearrange(spectrum.abs()[..., : length // self.hop_length], "(b c) k f -> b (c k) f", b=batch)
        return magnitudes if self.log_floor is None else magnitudes.clamp_min(self.log_floor).log()


def band_edges(n_bins: int, bands: int) -> list[int]:
    """Borders, in bins, of `bands` bands over all bins: one bin wide in the bass, of constant ratio above.

    The ratio is the smallest that needs no more than `bands` bands; where it ends with fewer, the widest bands are
    halved until the number fits.
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
    """Log-power of bands of mid and side, [B, C, T] -> [B, bands, frames], and the way back to magnitudes.

    A log-magnitude with every bin of the same weight spends a small latent on treble noise and loses the notes. Bands
    one bin wide in the bass and of constant ratio above hold the notes in a quarter of the numbers, and `weights`
    (band width over frequency + 300 Hz, 0.3 for the side) says how much each one matters to a loss.
    """

    def __init__(self, config: DMAEConfig) -> None:
        super().__init__()
        spectrogram = config.spectrogram
        self.n_fft, self.hop_length, self.floor = spectrogram.n_fft, spectrogram.hop_length, spectrogram.floor
        self.sizes = [spectrogram.bands] + ([spectrogram.side_bands] if spectrogram.side_bands else [])
        self.window: Tensor
        self.weights: Tensor
        self.register_buffer("window", torch.hann_window(self.n_fft), persistent=False)
        weights: list[float] = []
        for index, count in enumerate(self.sizes):
            edges = band_edges(spectrogram.n_bins, count)
            mean = torch.zeros(spectrogram.n_bins, count, device="cpu")
            band_of_bin: list[int] = []
            for band, (first, last) in enumerate(itertools.pairwise(edges)):
                frequency = (first + last) / 2 * config.sample_rate / self.n_fft
                weights.append((last - first) / (frequency + 300) * (0.3 if index else 1.0))
                mean[first:last, band] = 1 / (last - first)
                band_of_bin += [band] * (last - first)
            self.register_buffer(f"mean{index}", mean, persistent=False)
            self.register_buffer(f"band_of_bin{index}", torch.tensor(band_of_bin), persistent=False)
        average = sum(weights) / len(weights)
        self.register_buffer("weights", torch.tensor([weight / average for weight in weights]), persistent=False)

    def spectrum(self, wave: Tensor) -> Tensor:
        """Waveform [B, C, T], left and right -> complex mid and side [B, C, bins, T / hop + 1]; the ends are padded."""
        batch = wave.shape[0]
        flat = rearrange(to_mid_side(wave.float()), "b c t -> (b c) t")
        spectrum = torch.stft(
            flat, self.n_fft, self.hop_length, window=self.window, pad_mode="constant", return_complex=True
        )
        return rearrange(spectrum, "(b c) k f -> b c k f", b=batch)

    def waveform(self, spectrum: Tensor, length: int) -> Tensor:
        """The inverse of `spectrum`: the waveform [B, C, length] whose spectrum is nearest in the mean square."""
        batch = spectrum.shape[0]
        flat = torch.istft(
            rearrange(spectrum, "b c k f -> (b c) k f"), self.n_fft, self.hop_length, window=self.window, length=length
        )
        return to_mid_side(rearrange(flat, "(b c) t -> b c t", b=batch))

    def forward(self, wave: Tensor) -> Tensor:
        """[B, C, T] with T a multiple of the hop -> log-power [B, bands, T / hop]."""
        spectrum = self.spectrum(wave)[..., : wave.shape[-1] // self.hop_length]
        power = spectrum.real.square() + spectrum.imag.square()
        means = [getattr(self, f"mean{index}") for index in range(len(self.sizes))]
        with without_autocast(wave):
            bands = [power[:, index].transpose(-1, -2) @ mean for index, mean in enumerate(means)]
        return torch.log(torch.cat(bands, dim=-1) + self.floor).transpose(-1, -2)

    def power(self, bands: Tensor) -> Tensor:
        """Log-power [B, bands, F] -> power of every bin of mid and side [B, C, bins, F], each band's spread evenly."""
        power = (bands.float().exp() - self.floor).clamp_min(self.floor * 0.05)
        parts = power.split(self.sizes, dim=1)
        return torch.stack([part[:, getattr(self, f"band_of_bin{i}")] for i, part in enumerate(parts)], dim=1)
