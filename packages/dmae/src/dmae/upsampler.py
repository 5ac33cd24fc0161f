"""Diffusion upsampler: a waveform of a low rate -> one of a higher rate, with the missing treble generated."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from dmae.checks import require_finite, require_wave, require_whole, with_parts
from dmae.refine import refine, require_net, small_net, wanted_length, windowed
from dmae.resampling import downsample, upsample
from unet1d import UNet1d, UNet1dConfig, from_mapping
from vdiffusion import Callback, NoiseSource, Sampler, VObjective


@dataclass(frozen=True, kw_only=True)
class UpsamplerConfig:
    """Settings of a `DiffusionUpsampler`.

    Args:
        sample_rate: rate of the result, Hz; a multiple of `factor`.
        audio_channels: channels of both waveforms.
        factor: samples of the result per sample of the low-rate waveform, 2 or more.
        net: U-Net with 2 * audio_channels channels in and audio_channels out; `UpsamplerConfig.small` derives them.

    Raises:
        ValueError: a value is impossible or two do not fit; names both and says what would do.
    """

    sample_rate: int = 48000
    audio_channels: int = 2
    factor: int
    net: UNet1dConfig

    def __post_init__(self) -> None:
        """Check every value and how the values fit together."""
        name = "UpsamplerConfig"
        require_whole(name, "sample_rate", self.sample_rate)
        require_whole(name, "audio_channels", self.audio_channels)
        require_whole(name, "factor", self.factor, least=2)
        if self.sample_rate % self.factor:
            raise ValueError(
                f"{name}: sample_rate={self.sample_rate} is not a multiple of factor={self.factor}; "
                f"sample_rate={self.sample_rate // self.factor * self.factor} would do"
            )
        require_net(name, self.net, in_channels=2 * self.audio_channels, out_channels=self.audio_channels)

    @property
    def low_rate(self) -> int:
        """Rate of the low-rate waveform, Hz."""
        return self.sample_rate // self.factor

    @classmethod
    def small(
        cls,
        *,
        sample_rate: int = 48000,
        audio_channels: int = 2,
        factor: int = 8,
        channels: Sequence[int] = (32, 64, 128),
        factors: Sequence[int] = (4, 4, 4),
    ) -> "UpsamplerConfig":
        """Derive the net's channels and the settings that suit small nets.

        Args:
            sample_rate: rate of the result, Hz.
            audio_channels: channels of both waveforms.
            factor: samples of the result per sample of the low-rate waveform.
            channels: width of each level of the U-Net, multiples of 8.
            factors: downsampling factor of each level.

        Raises:
            ValueError: a value is impossible; says what would do.
        """
        require_whole(f"{cls.__name__}.small", "audio_channels", audio_channels)
        net = small_net(cls.__name__, channels, factors, in_channels=2 * audio_channels, out_channels=audio_channels)
        return cls(sample_rate=sample_rate, audio_channels=audio_channels, factor=factor, net=net)

    def to_dict(self) -> dict[str, Any]:
        """All fields as a JSON-able dictionary."""
        return {**asdict(self), "net": self.net.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "UpsamplerConfig":
        """Invert `to_dict`; an unknown or missing key is a `ValueError` that names it."""
        return from_mapping(cls, with_parts(cls.__name__, values, {"net": UNet1dConfig}))


class DiffusionUpsampler(nn.Module):
    """Low-rate waveform -> waveform of `factor` times the rate, by v-diffusion.

        loss     waveform ── downsample ── upsample ──> initial estimate; the net reads [noisy waveform, estimate]
        sample   low-rate waveform ── upsample ──> initial estimate, noise ── sampler ──> waveform

    As in the authors' library (audio-diffusion-pytorch, `DiffusionUpsampler`). Waveforms are [batch, channels, samples]
    in [-1, 1]; any length goes in and exactly that length, times `factor`, comes out.

    Args:
        config: all sizes.
    """

    def __init__(self, config: UpsamplerConfig) -> None:
        super().__init__()
        self.config = config
        self.net = UNet1d(config.net)

    def denoise(self, x_t: Tensor, t: Tensor, *, initial_estimate: Tensor) -> Tensor:
        """Predict v [B, C, T] from x_t and the initial estimate [B, C, T] and t [B]."""
        v: Tensor = self.net(torch.cat([x_t, initial_estimate.to(x_t)], dim=1), t)
        return v

    def loss(
        self,
        wave: Tensor,
        *,
        t: Tensor | None = None,
        noise: Tensor | None = None,
        generator: torch.Generator | None = None,
        objective: VObjective | None = None,
    ) -> Tensor:
        """Training loss of waveforms [B, C, T] at the high rate, a scalar.

        Args:
            wave: waveforms; their low-rate versions are made here.
            t: diffusion times [B], instead of drawn ones.
            noise: noise of the shape of `wave`, instead of drawn noise.
            generator: source of the random numbers that are drawn.
            objective: objective of the diffusion, `VObjective()` by default.

        Raises:
            ValueError: `wave` is not [batch, audio_channels, one sample or more] of floating-point numbers.
        """
        require_wave(wave, self.config.audio_channels)
        initial_estimate = upsample(downsample(wave, self.config.factor), self.config.factor)[..., : wave.shape[-1]]
        objective = VObjective() if objective is None else objective
        return objective.loss(
            self.denoise, wave.float(), t=t, noise=noise, generator=generator, initial_estimate=initial_estimate
        )

    @torch.no_grad()
    def sample(
        self,
        low: Tensor,
        *,
        length: int | None = None,
        num_steps: int = 20,
        noise: NoiseSource | Tensor | None = None,
        sampler: Sampler | None = None,
        window: int = 2**18,
        callback: Callback | None = None,
    ) -> Tensor:
        """Upsample a low-rate waveform [B, C, T] to a waveform [B, C, length].

        Args:
            low: waveform at `config.low_rate`.
            length: samples wanted, at most T * factor (the default).
            num_steps: denoising steps.
            noise: seed, and one index per batch member, or the starting noise itself [B, C, T * factor]; by
                default seed 0 and indices 0, 1, ...
            sampler: sampler of the diffusion, deterministic `DDIM` by default.
            window: samples that are denoised at once, a multiple of 8 * config.net.factor; a longer waveform goes
                window by window.
            callback: called as `callback(step, total, estimate)` after each step.

        Raises:
            ValueError: an argument is impossible; the message names it and its value.
        """
        require_wave(low, self.config.audio_channels, name="low")
        require_finite("low", low)
        full = low.shape[-1] * self.config.factor
        length = wanted_length(length, full, f"{low.shape[-1]} low-rate samples")
        wave = refine(
            windowed(self.denoise, size=window, factor=self.config.net.factor),
            upsample(low, self.config.factor),
            stage="upsampler",
            num_steps=num_steps,
            noise=noise,
            sampler=sampler,
            callback=callback,
        )
        return wave[..., :length]
