"""A diffusion upsampler: a waveform of a low rate -> one of a higher rate, the missing treble made up."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from dmae.checks import require_finite, require_wave, require_whole, with_parts
from dmae.resampling import downsample, upsample
from dmae.sketch import require_net, sample_beside, wanted_length
from unet1d import UNet1d, UNet1dConfig, from_mapping
from vdiffusion import Sampler, VObjective


@dataclass(frozen=True, kw_only=True)
class UpsamplerConfig:
    """Settings of a `DiffusionUpsampler`.

    Args:
        sample_rate: of the result, Hz; a multiple of `factor`.
        audio_channels: channels of both waveforms.
        factor: samples of the result per sample of the low-rate waveform, 2 or more.
        net: a U-Net of 2 * audio_channels channels in, audio_channels out.

    Raises:
        ValueError: a value is impossible or two do not fit; names both and what would do.
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
            raise ValueError(f"{name}: sample_rate={self.sample_rate} is not a multiple of factor={self.factor}")
        require_net(name, self.net, in_channels=2 * self.audio_channels, out_channels=self.audio_channels)

    @property
    def low_rate(self) -> int:
        """Of what is upsampled, Hz."""
        return self.sample_rate // self.factor

    def to_dict(self) -> dict[str, Any]:
        """All fields as a JSON-able dictionary."""
        return {**asdict(self), "net": self.net.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "UpsamplerConfig":
        """The inverse of `to_dict`; an unknown or missing key is a `ValueError` that names it."""
        return from_mapping(cls, with_parts(cls.__name__, values, {"net": UNet1dConfig}))


class DiffusionUpsampler(nn.Module):
    """Low-rate waveform -> waveform of `factor` times the rate, by v-diffusion.

        loss     waveform ── downsample ── upsample ──> sketch; the net reads [noisy waveform, sketch]
        sample   low-rate waveform ── upsample ──> sketch, noise ── sampler ──> waveform

    As in the authors' library (audio-diffusion-pytorch, `DiffusionUpsampler`). Waveforms are [batch, channels, samples]
    in [-1, 1]; any length goes in and exactly that length, times `factor`, comes out.

    Args:
        config: all sizes.
    """

    def __init__(self, config: UpsamplerConfig) -> None:
        super().__init__()
        self.config = config
        self.net = UNet1d(config.net)

    def denoise(self, x_t: Tensor, t: Tensor, *, sketch: Tensor) -> Tensor:
        """The net: x_t and sketch [B, C, T], t [B] -> v [B, C, T]."""
        v: Tensor = self.net(torch.cat([x_t, sketch.to(x_t)], dim=1), t)
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
            t: diffusion times [B] instead of drawn ones.
            noise: noise of the shape of `wave` instead of drawn noise.
            generator: for what is drawn.
            objective: by default `VObjective()`.

        Raises:
            ValueError: `wave` is not [batch, audio_channels, one sample or more] of floating-point numbers.
        """
        require_wave(wave, self.config.audio_channels)
        sketch = upsample(downsample(wave, self.config.factor), self.config.factor)[..., : wave.shape[-1]]
        objective = VObjective() if objective is None else objective
        return objective.loss(self.denoise, wave.float(), t=t, noise=noise, generator=generator, sketch=sketch)

    @torch.no_grad()
    def sample(
        self,
        low: Tensor,
        *,
        length: int | None = None,
        num_steps: int = 20,
        seed: int = 0,
        items: Sequence[int] | None = None,
        noise: Tensor | None = None,
        sampler: Sampler | None = None,
        window: int = 2**18,
        callback: Callable[[int, int, Tensor], None] | None = None,
    ) -> Tensor:
        """Low-rate waveform [B, C, T] -> waveform [B, C, length].

        Args:
            low: the waveform, at `config.low_rate`.
            length: samples wanted, at most T * factor (the default).
            num_steps: denoising steps.
            seed: of the noise; item i of the batch has its own, from (seed, items[i]).
            items: numbers of the items, by default 0, 1, ...
            noise: the starting noise itself [B, C, T * factor], instead of drawn noise.
            sampler: by default deterministic `DDIM`.
            window: samples that are denoised at once, a multiple of 8 * config.net.factor; a longer waveform is
                denoised window by window.
            callback: called as `callback(step, total, estimate)`.

        Raises:
            ValueError: an argument is impossible; the message names it and its value.
        """
        require_wave(low, self.config.audio_channels, name="low")
        require_finite("low", low)
        full = low.shape[-1] * self.config.factor
        length = wanted_length(length, full, f"{low.shape[-1]} low-rate samples")
        wave = sample_beside(
            self.denoise,
            upsample(low, self.config.factor),
            stage="upsampler",
            factor=self.config.net.factor,
            num_steps=num_steps,
            seed=seed,
            items=items,
            noise=noise,
            sampler=sampler,
            window=window,
            callback=callback,
        )
        return wave[..., :length]
