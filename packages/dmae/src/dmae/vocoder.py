"""A diffusion vocoder: mel spectrogram -> waveform."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from dmae.checks import require_finite, require_wave, require_whole, with_parts
from dmae.mel import MelSpectrogram
from dmae.parts import SpectrogramConfig
from dmae.precision import Float32, without_autocast
from dmae.sketch import require_net, sample_beside, wanted_length
from unet1d import UNet1d, UNet1dConfig, from_mapping
from vdiffusion import Sampler, VObjective


@dataclass(frozen=True, kw_only=True)
class VocoderConfig:
    """Settings of a `DiffusionVocoder`.

    Args:
        sample_rate: Hz.
        spectrogram: what the vocoder reads, with `mel_channels`.
        net: a U-Net of 2 channels in (noisy waveform, flattened spectrogram) and 1 out: every audio channel goes
            through it by itself.

    Raises:
        ValueError: a value is impossible or two do not fit; names both and what would do.
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

    def to_dict(self) -> dict[str, Any]:
        """All fields as a JSON-able dictionary."""
        return {**asdict(self), "net": self.net.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "VocoderConfig":
        """The inverse of `to_dict`; an unknown or missing key is a `ValueError` that names it."""
        parts = {"spectrogram": SpectrogramConfig, "net": UNet1dConfig}
        return from_mapping(cls, with_parts(cls.__name__, values, parts))


class Flattening(Float32):
    """Spectrogram [N, mel, L] -> [N, L * hop]: a learned window per mel channel, overlapped and added.

    The same as a transposed convolution, which is not used here: its gradient in bfloat16 on CPUs is wrong where
    kernel = stride = 64 (torch 2.11 to 2.14). In float32, also under autocast.

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
        first = (self.window - self.hop) // 2  # frame i is that of the samples around the middle of hop i
        return wave[:, first : first + length * self.hop]


class DiffusionVocoder(nn.Module):
    """Mel spectrogram -> waveform, by v-diffusion.

        loss     waveform ── mel spectrogram ── flatten ──> sketch; the net reads [noisy waveform, sketch]
        sample   mel spectrogram ── flatten ──> sketch, noise ── sampler ──> waveform

    As in the authors' library (audio-diffusion-pytorch, `DiffusionVocoder`). Waveforms are [batch, channels, samples]
    in [-1, 1], spectrograms [batch, channels, mel_channels, frames] with one frame for every hop begun. Every audio
    channel goes through the net by itself, so any number of them will do.

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
        """Waveform [B, C, T] -> what `sample` reads [B, C, mel_channels, ceil(T / hop_length)]; zeros fill the last.

        Raises:
            ValueError: `wave` is not [batch, channels, samples] of floating-point numbers, none of them 0.
        """
        require_wave(wave, None)
        mel: Tensor = self.mel(F.pad(wave, (0, -wave.shape[-1] % self.config.hop_length)))
        return rearrange(mel, "b (c m) l -> b c m l", c=wave.shape[1])

    def sketch(self, spectrogram: Tensor) -> Tensor:
        """Spectrogram [B, C, mel_channels, L] -> [B, C, L * hop_length]: what stands beside the noisy waveform."""
        flat: Tensor = self.flatten(rearrange(spectrogram, "b c m l -> (b c) m l"))
        return rearrange(flat, "(b c) t -> b c t", b=spectrogram.shape[0])

    def denoise(self, x_t: Tensor, t: Tensor, *, sketch: Tensor) -> Tensor:
        """The net: x_t and sketch [B, C, T], t [B] -> v [B, C, T]."""
        channels = x_t.shape[1]
        rows = rearrange(torch.stack([x_t, sketch.to(x_t)], dim=2), "b c n t -> (b c) n t")
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
            t: diffusion times [B] instead of drawn ones.
            noise: noise of the shape of `wave` instead of drawn noise.
            generator: for what is drawn.
            objective: by default `VObjective()`.

        Raises:
            ValueError: `wave` is not [batch, channels, samples] of floating-point numbers, none of them 0.
        """
        sketch = self.sketch(self.spectrogram(wave))[..., : wave.shape[-1]]
        objective = VObjective() if objective is None else objective
        return objective.loss(self.denoise, wave.float(), t=t, noise=noise, generator=generator, sketch=sketch)

    @torch.no_grad()
    def sample(
        self,
        spectrogram: Tensor,
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
        """Spectrogram [B, C, mel_channels, L] -> waveform [B, C, length].

        Args:
            spectrogram: as `spectrogram` gives it.
            length: samples wanted, at most L * hop_length (the default).
            num_steps: denoising steps.
            seed: of the noise; item i of the batch has its own, from (seed, items[i]).
            items: numbers of the items, by default 0, 1, ...
            noise: the starting noise itself [B, C, L * hop_length], instead of drawn noise.
            sampler: by default deterministic `DDIM`.
            window: samples that are denoised at once, a multiple of 8 * config.net.factor; a longer waveform is
                denoised window by window.
            callback: called as `callback(step, total, estimate)`.

        Raises:
            ValueError: an argument is impossible; the message names it and its value.
        """
        mel_channels = self.config.spectrogram.mel_channels
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
        wave = sample_beside(
            self.denoise,
            self.sketch(spectrogram),
            stage="vocoder",
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
