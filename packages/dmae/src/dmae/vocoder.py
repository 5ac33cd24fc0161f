"""Diffusion vocoder: mel spectrogram -> waveform."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from dmae.checks import require_finite, require_tensor, require_wave, require_whole, with_parts
from dmae.config import SpectrogramConfig
from dmae.precision import Float32, without_autocast
from dmae.refine import refine, require_net, small_net, wanted_length, windowed
from dmae.spectrogram import MelSpectrogram
from unet1d import UNet1d, UNet1dConfig, from_mapping
from vdiffusion import Callback, NoiseSource, Sampler, VObjective


@dataclass(frozen=True, kw_only=True)
class VocoderConfig:
    """Settings of a `DiffusionVocoder`.

    Args:
        sample_rate: rate of the waveform, Hz.
        spectrogram: mel spectrogram that the vocoder reads, with `mel_channels`.
        net: U-Net with 2 channels in (noisy waveform, flattened spectrogram) and 1 out, since every audio channel goes
            through it by itself; `VocoderConfig.small` derives them.

    Raises:
        ValueError: a value is impossible or two do not fit; names both and says what would do.
    """

    sample_rate: int = 48000
    spectrogram: SpectrogramConfig
    net: UNet1dConfig

    def __post_init__(self) -> None:
        """Check every value and how the values fit together."""
        name = "VocoderConfig"
        require_whole(name, "sample_rate", self.sample_rate)
        if not self.spectrogram.mel_channels:
            raise ValueError(f"{name}: spectrogram.mel_channels must be a whole number of 1 or more, not 0")
        require_net(name, self.net, in_channels=2, out_channels=1)

    @property
    def hop_length(self) -> int:
        """Samples per frame of the spectrogram."""
        return self.spectrogram.hop_length

    @classmethod
    def small(
        cls,
        *,
        sample_rate: int = 48000,
        spectrogram: SpectrogramConfig | None = None,
        channels: Sequence[int] = (32, 64, 128),
        factors: Sequence[int] = (4, 4, 4),
    ) -> "VocoderConfig":
        """Derive the net's channels and the settings that suit small nets.

        Args:
            sample_rate: rate of the waveform, Hz.
            spectrogram: mel spectrogram; by default 80 mel channels of 1024 samples, hop 256, with a logarithm.
            channels: width of each level of the U-Net, multiples of 8.
            factors: downsampling factor of each level.

        Raises:
            ValueError: a value is impossible; says what would do.
        """
        if spectrogram is None:
            spectrogram = SpectrogramConfig(n_fft=1024, hop_length=256, mel_channels=80, log_floor=1e-5)
        net = small_net(cls.__name__, channels, factors, in_channels=2, out_channels=1)
        return cls(sample_rate=sample_rate, spectrogram=spectrogram, net=net)

    def to_dict(self) -> dict[str, Any]:
        """All fields as a JSON-able dictionary."""
        return {**asdict(self), "net": self.net.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "VocoderConfig":
        """Invert `to_dict`; an unknown or missing key is a `ValueError` that names it."""
        parts = {"spectrogram": SpectrogramConfig, "net": UNet1dConfig}
        return from_mapping(cls, with_parts(cls.__name__, values, parts))


class Flattening(Float32):
    """Flatten a spectrogram [N, mel, L] to a waveform [N, L * hop]: a learned window per mel channel, overlap-added.

    Equal to a transposed convolution, which is not used: its gradient in bfloat16 on CPUs is wrong for kernel = stride
    = 64 (torch 2.11 to 2.14). Computed in float32, also under autocast.

    Args:
        channels: mel channels.
        window: samples that one frame writes.
        hop: samples between two frames.
    """

    def __init__(self, channels: int, *, window: int, hop: int) -> None:
        super().__init__()
        self.window, self.hop = window, hop
        self.project = nn.Linear(channels, window, bias=False)

    def forward(self, spectrogram: Tensor) -> Tensor:
        """[N, mel, L] -> [N, L * hop]."""
        length = spectrogram.shape[-1]
        with without_autocast(spectrogram):
            frames = self.project(spectrogram.float().transpose(1, 2)).transpose(1, 2)
            total = (length - 1) * self.hop + self.window
            wave = F.fold(frames, (1, total), (1, self.window), stride=(1, self.hop))[:, 0, 0]
        first = (self.window - self.hop) // 2  # frame i is centred on hop i
        return wave[:, first : first + length * self.hop]


class DiffusionVocoder(nn.Module):
    """Mel spectrogram -> waveform, by v-diffusion.

        loss     waveform ── mel spectrogram ── flatten ──> initial estimate; the net reads [noisy waveform, estimate]
        sample   mel spectrogram ── flatten ──> initial estimate, noise ── sampler ──> waveform

    As in the authors' library (audio-diffusion-pytorch, `DiffusionVocoder`). Waveforms are [batch, channels, samples]
    in [-1, 1], spectrograms [batch, channels, mel_channels, frames] with one frame for every hop or part of it. Every
    audio channel goes through the net by itself, so their number is free.

    Args:
        config: all sizes.
    """

    def __init__(self, config: VocoderConfig) -> None:
        super().__init__()
        self.config = config
        mel = config.spectrogram
        self.mel = MelSpectrogram(mel, sample_rate=config.sample_rate)
        self.flatten = Flattening(mel.mel_channels, window=mel.window_length, hop=mel.hop_length)
        self.net = UNet1d(config.net)

    def spectrogram(self, wave: Tensor) -> Tensor:
        """Compute the mel spectrogram [B, C, mel_channels, ceil(T / hop_length)] of a waveform [B, C, T].

        Zeros fill the last hop.

        Raises:
            ValueError: `wave` is not [batch, channels, samples] of floating-point numbers, every size 1 or more.
        """
        require_wave(wave, None)
        mel: Tensor = self.mel(F.pad(wave, (0, -wave.shape[-1] % self.config.hop_length)))
        return rearrange(mel, "b (c m) l -> b c m l", c=wave.shape[1])

    def initial_estimate(self, spectrogram: Tensor) -> Tensor:
        """Flatten a spectrogram [B, C, mel_channels, L] to [B, C, L * hop_length], read beside the noisy waveform."""
        flat: Tensor = self.flatten(rearrange(spectrogram, "b c m l -> (b c) m l"))
        return rearrange(flat, "(b c) t -> b c t", b=spectrogram.shape[0])

    def denoise(self, x_t: Tensor, t: Tensor, *, initial_estimate: Tensor) -> Tensor:
        """Predict v [B, C, T] from x_t and the initial estimate [B, C, T] and t [B]."""
        channels = x_t.shape[1]
        rows = rearrange(torch.stack([x_t, initial_estimate.to(x_t)], dim=2), "b c n t -> (b c) n t")
        v: Tensor = self.net(rows, t.repeat_interleave(channels))
        return rearrange(v, "(b c) 1 t -> b c t", c=channels)

    def loss(
        self,
        wave: Tensor,
        *,
        t: Tensor | None = None,
        noise: Tensor | None = None,
        generator: torch.Generator | None = None,
        objective: VObjective | None = None,
    ) -> Tensor:
        """Training loss of waveforms [B, C, T], a scalar.

        Args:
            wave: waveforms of any length and number of channels; their spectrograms are made here.
            t: diffusion times [B], instead of drawn ones.
            noise: noise of the shape of `wave`, instead of drawn noise.
            generator: source of the random numbers that are drawn.
            objective: objective of the diffusion, `VObjective()` by default.

        Raises:
            ValueError: `wave` is not [batch, channels, samples] of floating-point numbers, every size 1 or more.
        """
        initial_estimate = self.initial_estimate(self.spectrogram(wave))[..., : wave.shape[-1]]
        objective = VObjective() if objective is None else objective
        return objective.loss(
            self.denoise, wave.float(), t=t, noise=noise, generator=generator, initial_estimate=initial_estimate
        )

    @torch.no_grad()
    def sample(
        self,
        spectrogram: Tensor,
        *,
        length: int | None = None,
        num_steps: int = 20,
        noise: NoiseSource | Tensor | None = None,
        sampler: Sampler | None = None,
        window: int = 2**18,
        callback: Callback | None = None,
    ) -> Tensor:
        """Generate a waveform [B, C, length] for a spectrogram [B, C, mel_channels, L].

        Args:
            spectrogram: mel spectrogram from the method `spectrogram`.
            length: samples wanted, at most L * hop_length (the default).
            num_steps: denoising steps.
            noise: seed, and one index per batch member, or the starting noise itself [B, C, L * hop_length]; by
                default seed 0 and indices 0, 1, ...
            sampler: sampler of the diffusion, deterministic `DDIM` by default.
            window: samples that are denoised at once, a multiple of 8 * config.net.factor; a longer waveform goes
                window by window.
            callback: called as `callback(step, total, estimate)` after each step.

        Raises:
            ValueError: an argument is impossible; the message names it and its value.
        """
        mel_channels = self.config.spectrogram.mel_channels
        require_tensor("spectrogram", spectrogram)
        if spectrogram.ndim != 4 or spectrogram.shape[2] != mel_channels or not spectrogram.numel():
            raise ValueError(
                f"spectrogram: expected [batch, channels, mel_channels={mel_channels}, frames of 1 or more], "
                f"got {list(spectrogram.shape)}"
            )
        if not spectrogram.is_floating_point():
            raise ValueError(f"spectrogram: expected floating-point numbers, got {spectrogram.dtype}")
        require_finite("spectrogram", spectrogram)
        frames = spectrogram.shape[-1]
        length = wanted_length(length, frames * self.config.hop_length, f"{frames} spectrogram frames")
        wave = refine(
            windowed(self.denoise, size=window, factor=self.config.net.factor),
            self.initial_estimate(spectrogram),
            stage="vocoder",
            num_steps=num_steps,
            noise=noise,
            sampler=sampler,
            callback=callback,
        )
        return wave[..., :length]
