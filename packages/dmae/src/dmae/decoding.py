"""Latent -> waveform of any length: in pieces that overlap, so that memory does not grow with the length."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from dmae.griffin_lim import griffin_lim
from dmae.transform import to_mid_side
from vdiffusion import LongNoise, Sampler, Windows, item_generators, time_grid, to_noisy, window_plan

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

    Where the diffusion starts from Griffin-Lim's estimate the phases are settled before the first step, and by an
    algorithm that looks a few frames far: begun with the same noise, two windows find the same for what they share.
    So windows are decoded to the end one after the other, and what grows with the length is the waveform alone.

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
        config, frames = self.model.config, latent.shape[-1]
        size, starts = window_plan(frames, size=self._size, overlap=self._overlap)
        if not self._in_pieces:
            size, starts = frames, [0]
        noise, phases = (self._noise(stage, latent) for stage in ("decoder", "phases"))
        hop = config.hop_length
        wave = torch.empty(latent.shape[0], config.audio_channels, frames * hop, device=latent.device)
        fade = self._fade((self._overlap - 2 * self._trim) * hop).to(latent.device)
        for number, first in enumerate(starts):
            last = first + size
            # In a call of its own, so that nothing of one window is still held while the next is worked on.
            sound = self._window(latent, first, last, noise, phases, done=number, of=len(starts))
            if number:
                sound = sound[..., self._trim * hop :]
                into = wave[..., (first + self._trim) * hop : last * hop]
                into[..., : len(fade)].lerp_(sound[..., : len(fade)], fade)
                into[..., len(fade) :] = sound[..., len(fade) :]
            else:
                wave[..., : size * hop] = sound
            del sound
        return wave

    def _window(
        self,
        latent: Tensor,
        first: int,
        last: int,
        noise: Callable[[int, int], Tensor],
        phases: Callable[[int, int], Tensor],
        *,
        done: int,
        of: int,
    ) -> Tensor:
        """Latent frames first..last to the end: their waveform."""
        bands = self._bands(latent, first, last)
        span = (first * self._ratio, last * self._ratio)
        x = noise(*span) if self.noise is None else self.noise[..., span[0] : span[1]]
        if self.griffin_lim:
            estimate = self._estimate(phases(*span), bands)
            x = to_noisy(estimate, x, torch.tensor(self.start, dtype=torch.float32, device=x.device))
        x = self._sample(x, latent[..., first:last], bands, done=done, of=of)
        return self.model.to_wave(x, bands, (last - first) * self.model.config.hop_length)

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

    def _noise(self, stage: str, latent: Tensor) -> Callable[[int, int], Tensor]:
        shape = (self.model.config.diffused_channels, latent.shape[-1] * self._ratio)
        block = NOISE_FRAMES * self._ratio
        return LongNoise(
            shape, seed=self.seed, items=self.items, stage=stage, block=block, device=latent.device
        ).between

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
            generators=item_generators(seed=self.seed, items=self.items, stage="decoder steps"),
            callback=tell,
            **conditions,
        )

    def _estimate(self, phases: Tensor, bands: Tensor | None) -> Tensor:
        """Griffin-Lim's coefficients / sigma for the magnitudes of `bands`, begun with the phases of `phases`."""
        model, prior = self.model, self.model.require_prior()

        def find(x: Tensor, t: Tensor, *, bands: Tensor) -> Tensor:
            length = x.shape[-1] * model.config.transform_size
            mid_side = griffin_lim(
                model.target_magnitudes(bands),
                prior.bands.spectrum(model.to_wave(x, bands, length)),
                window=prior.bands.window,
                hop_length=prior.bands.hop_length,
                length=length,
                iterations=self.griffin_lim,
            )
            return model.coefficients(to_mid_side(mid_side)) / prior.log_sigma(model.unpack(bands)).exp()

        anytime = torch.ones(phases.shape[0], device=phases.device)
        return self._windowed(find, {"bands": 1})(phases, anytime, bands=bands)
