"""Latent -> waveform of any length: in pieces that overlap, so that memory does not grow with the length."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from dmae.griffin_lim import griffin_lim
from dmae.single_pass import as_spectrum, single_pass_phases
from dmae.transform import to_mid_side
from vdiffusion import LongNoise, NoiseSource, Sampler, Windows, time_grid, to_noisy, window_plan

if TYPE_CHECKING:
    from dmae.autoencoder import DMAE

NOISE_FRAMES = 256
"""Latent frames per block of the noise: a shorter piece has the noise of one draw."""


@dataclass(frozen=True, kw_only=True)
class Decoder:
    """How one batch of latents is turned into sound; the arguments are those of `DMAE.decode`.

        latent      |------- window -------|
                              |------- window -------|            each: prior, Griffin-Lim, all steps, inverse
        waveform    |~~~~~~~~~~~~><~~~~~~~~~~~~~~~~~~~|            cross-faded in the middle of the overlap
                              |..|    |..|                         next to an inner border nothing is taken

    Where the diffusion starts from Griffin-Lim's estimate the phases are settled before the first step: in a single
    pass that goes on from window to window, then by an algorithm that looks a few frames far. Two windows find the same
    for what they share. So windows are decoded to the end one after the other, and what grows with the length is the
    waveform alone.

    Where it starts from noise, or draws fresh noise in its steps, windows must agree in every step. There each step
    goes over the whole piece, window by window (`vdiffusion.Windows`).
    """

    model: "DMAE"
    num_steps: int
    seed: int
    items: Sequence[int]
    noise: Tensor | None
    sampler: Sampler
    griffin_lim: int
    start: float
    window_frames: int
    callback: Callable[[int, int, Tensor], None] | None

    def __call__(self, latent: Tensor) -> Tensor:
        """[B, latent_channels, frames] -> [B, C, frames * hop_length]."""
        if self.griffin_lim:
            self.model.require_prior()
        noise = self._noise(latent)
        if self._in_pieces:
            return self._joined(latent, lambda window: self._decoded(latent, window, noise))
        frames = latent.shape[-1]
        bands = self._bands(latent, 0, frames)
        x = noise(0, frames)
        if self.griffin_lim:
            assert bands is not None  # there is a prior
            sketch = self._joined(
                latent,
                lambda window: self._sketch(bands[..., window.first * self._ratio : window.last * self._ratio], window),
            )
            x = self._begun(sketch, x, bands)
        x = self._sample(x, latent, bands, done=0, of=1)
        return self.model.to_wave(x, bands, frames * self.model.config.hop_length)

    def _joined(self, latent: Tensor, sound_of: "_SoundOf") -> Tensor:
        """The waveform that some way makes of a latent window by window, cross-faded."""
        config, frames = self.model.config, latent.shape[-1]
        size, starts = window_plan(frames, size=self._size, overlap=self._overlap)
        hop = config.hop_length
        wave = torch.empty(latent.shape[0], config.audio_channels, frames * hop, device=latent.device)
        fade = self._fade((self._overlap - 2 * self._trim) * hop).to(latent.device)
        turns: Tensor | None = None
        for number, first in enumerate(starts):
            last = first + size
            following = starts[number + 1] if number + 1 < len(starts) else first
            window = _Window(first, last, following, turns, number, len(starts))
            # In a call of its own, so that nothing of one window is still held while the next is worked on.
            sound, turns = sound_of(window)
            if number:
                sound = sound[..., self._trim * hop :]
                into = wave[..., (first + self._trim) * hop : last * hop]
                into[..., : len(fade)].lerp_(sound[..., : len(fade)], fade)
                into[..., len(fade) :] = sound[..., len(fade) :]
            else:
                wave[..., : size * hop] = sound
            del sound
        return wave

    def _decoded(self, latent: Tensor, window: "_Window", noise: Callable[[int, int], Tensor]) -> tuple[Tensor, Tensor]:
        """A window to the end: its waveform, and the phases where the next window begins."""
        bands = self._bands(latent, window.first, window.last)
        assert bands is not None  # there is a prior
        sound, turns = self._sketch(bands, window)
        x = self._begun(sound, noise(window.first, window.last), bands)
        del sound
        here = latent[..., window.first : window.last]
        x = self._sample(x, here, bands, done=window.number, of=window.count)
        return self.model.to_wave(x, bands, here.shape[-1] * self.model.config.hop_length), turns

    @property
    def _in_pieces(self) -> bool:
        return self.start < 1 and not getattr(self.sampler, "draws_noise", True)

    @property
    def _ratio(self) -> int:
        return self.model.config.hop_length // self.model.config.diffused_size

    @property
    def _size(self) -> int:
        return self.window_frames - self.window_frames % 8

    @property
    def _overlap(self) -> int:
        return self._size // 8

    @property
    def _trim(self) -> int:
        return self._overlap // 4

    @staticmethod
    def _fade(samples: int) -> Tensor:
        return torch.sin((torch.arange(samples) + 0.5) * (math.pi / 2 / max(samples, 1))).square()

    def _noise(self, latent: Tensor) -> Callable[[int, int], Tensor]:
        """Noise of latent frames first..last, the same whichever frames are asked for together."""
        ratio, given = self._ratio, self.noise
        if given is not None:
            return lambda first, last: given[..., first * ratio : last * ratio]
        shape = (self.model.config.diffused_channels, latent.shape[-1] * ratio)
        block = NOISE_FRAMES * ratio
        drawn = LongNoise(NoiseSource(self.seed, self.items), shape, stage="decoder", block=block, device=latent.device)
        return lambda first, last: drawn.between(first * ratio, last * ratio)

    def _bands(self, latent: Tensor, first: int, last: int) -> Tensor | None:
        """What the prior makes of some frames, with the neighbours that it looks at."""
        if self.model.prior is None:
            return None
        before = min(self.model.prior.reach, first)
        near = latent[..., first - before : last + self.model.prior.reach]
        bands = self.model.condition(near)
        return bands[..., before * self._ratio : (before + last - first) * self._ratio]

    def _windowed(self, net: Callable[..., Tensor], along_time: dict[str, int]) -> Windows:
        size, overlap, trim = (frames * self._ratio for frames in (self._size, self._overlap, self._trim))
        return Windows(net, size=size, overlap=overlap, trim=trim, conditions_along_time=along_time)

    def _sample(self, x: Tensor, latent: Tensor, bands: Tensor | None, *, done: int, of: int) -> Tensor:
        conditions: dict[str, Any] = {"latent": latent}
        along_time = {"latent": self._ratio}
        if bands is not None:
            conditions["bands"], along_time["bands"] = bands, 1

        def tell(step: int, total: int, estimate: Tensor) -> None:
            if self.callback is not None:
                self.callback(done * total + step, of * total, estimate)

        return self.sampler.sample(
            self._windowed(self.model.denoise, along_time),
            x,
            times=time_grid(self.num_steps, start=self.start),
            generators=NoiseSource(self.seed, self.items).generators("decoder steps"),
            callback=tell,
            **conditions,
        )

    def _sketch(self, bands: Tensor, window: "_Window") -> tuple[Tensor, Tensor]:
        """Griffin-Lim's waveform for the magnitudes of `bands`, and the phases where the next window begins."""
        model, prior = self.model, self.model.require_prior()
        magnitudes = model.target_magnitudes(bands)
        turns = self._any_phases(magnitudes[..., 0]) if window.turns is None else window.turns
        phases = single_pass_phases(
            magnitudes.flatten(0, 1), turns.flatten(0, 1), hop_length=prior.bands.hop_length
        ).view_as(magnitudes)
        next_frame = (window.following - window.first) * model.config.hop_length // prior.bands.hop_length
        turns = phases[..., next_frame].clone()
        mid_side = griffin_lim(
            magnitudes,
            as_spectrum(phases),
            window=prior.bands.window,
            hop_length=prior.bands.hop_length,
            length=(window.last - window.first) * model.config.hop_length,
            iterations=self.griffin_lim,
        )
        return to_mid_side(mid_side), turns

    def _any_phases(self, like: Tensor) -> Tensor:
        """Phases for the first frame of each item, from its own seed; were they all alike, it would be a click."""
        drawn = [
            torch.rand(like.shape[1:], generator=generator, dtype=torch.float64)
            for generator in NoiseSource(self.seed, self.items).generators("phases")
        ]
        return (2 * math.pi * torch.stack(drawn)).to(like)

    def _begun(self, sound: Tensor, noise: Tensor, bands: Tensor) -> Tensor:
        """A waveform as what is diffused, with as much noise as there is at the time where sampling starts."""
        estimate = self.model.over_sigma(self.model.coefficients(sound), bands)
        return to_noisy(estimate, noise, torch.tensor(self.start, dtype=torch.float32, device=noise.device))


@dataclass(frozen=True)
class _Window:
    """Latent frames first..last, the frame where the next window begins, the phases there that the one before found."""

    first: int
    last: int
    following: int
    turns: Tensor | None
    number: int
    count: int


_SoundOf = Callable[[_Window], tuple[Tensor, Tensor]]
