"""Latent -> waveform of any length, in windows that overlap, so that memory does not grow with the length."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import torch
from torch import Tensor

from dmae.config import DecodingConfig, DMAEConfig
from dmae.phase import initial_estimate, random_phases
from dmae.prior import MagnitudePrior, WhitePrior
from dmae.protocols import Representation
from dmae.representation import to_mid_side
from vdiffusion import Callback, LongNoise, Net, NoiseSource, Windows, time_grid, to_noisy, window_plan

NOISE_FRAMES = 256
"""Latent frames per block of the noise: a shorter piece has the noise of one draw."""


@dataclass(frozen=True, kw_only=True)
class Decoder:
    """The parts that turn a latent into a waveform, and the settings of one call.

        latent      |------- window -------|
                              |------- window -------|            each: prior, Griffin-Lim, all steps, synthesis
        waveform    |~~~~~~~~~~~~><~~~~~~~~~~~~~~~~~~~|            cross-faded in the middle of the overlap
                              |..|    |..|                         trimmed: next to an inner border nothing is used

    Where the diffusion starts from an initial estimate, the phases are settled before the first step: by a single pass
    that goes on from window to window, then by Griffin-Lim, which depends on a few frames only. So two windows find the
    same phases where they overlap. They are decoded to the end one after the other, and only the waveform grows with
    the length.

    Without steps of diffusion the estimate is the waveform, and no net is evaluated.

    Where the diffusion starts from noise, or draws noise in its steps, windows must agree in every step. There each
    step goes over the whole piece, window by window (`vdiffusion.Windows`).

    Args:
        denoise: net `denoise(x_t, t, latent=..., **conditions of the prior) -> v`.
        transform: what is diffused.
        prior: where the diffusion starts.
        sizes: sizes of the autoencoder.
        config: steps, sampler, Griffin-Lim, windows.
        noise: seed, and one index per batch member.
        callback: called as `callback(step, total, estimate)`; without steps once a window, with its waveform.
    """

    denoise: Net
    transform: Representation
    prior: WhitePrior | MagnitudePrior
    sizes: DMAEConfig
    config: DecodingConfig
    noise: NoiseSource
    callback: Callback | None = None

    def __call__(self, latent: Tensor, initial_noise: Tensor | None = None) -> Tensor:
        """Decode [B, latent_channels, frames] -> [B, C, frames * hop_length].

        Args:
            latent: what is decoded.
            initial_noise: starting noise [B, diffused channels, L], instead of noise drawn from `noise`.

        Raises:
            ValueError: Griffin-Lim is wanted and the prior holds no magnitudes.
        """
        if self.config.griffin_lim:
            self.prior.require_magnitudes()
        noise = self._noise(latent, initial_noise)
        if self._windows_are_independent:
            return self._overlap_add(latent, lambda window: self.decode_window(latent, window, noise))
        frames = latent.shape[-1]
        conditions = self._conditions(latent, 0, frames)
        x = noise(0, frames)
        if self.config.griffin_lim:
            estimate = self._overlap_add(
                latent, lambda window: self._initial_estimate(self._cut(conditions, window), window)
            )
            x = self._noise_to_start(estimate, x, conditions)
        x = self._sample(x, latent, conditions, done=0, of=1)
        return self._synthesise(x, conditions, frames)

    # ---- windows

    def _overlap_add(self, latent: Tensor, decode: "_DecodeWindow") -> Tensor:
        """Waveform of windows that `decode` gives one after the other, cross-faded where they overlap."""
        frames, hop = latent.shape[-1], self.sizes.hop_length
        wave = torch.empty(
            latent.shape[0], self.sizes.audio_channels, frames * hop, device=latent.device, dtype=torch.float32
        )
        fade = _fade((self._overlap - 2 * self._trim) * hop).to(latent.device)
        phases: Tensor | None = None
        for window in self._plan(frames):
            # One call per window, so that the tensors of one window are freed before the next.
            part, phases = decode(replace(window, phases=phases))
            if window.number:
                part = part[..., self._trim * hop :]
                into = wave[..., (window.first + self._trim) * hop : window.last * hop]
                into[..., : len(fade)].lerp_(part[..., : len(fade)], fade)
                into[..., len(fade) :] = part[..., len(fade) :]
            else:
                wave[..., : window.last * hop] = part
            del part
        return wave

    def _plan(self, frames: int) -> Iterator["Window"]:
        size, starts = window_plan(frames, size=self._size, overlap=self._overlap)
        for number, first in enumerate(starts):
            following = starts[number + 1] if number + 1 < len(starts) else first
            yield Window(
                first=first,
                last=first + size,
                following=following,
                position=first,
                number=number,
                count=len(starts),
            )

    def decode_window(
        self, latent: Tensor, window: "Window", noise: Callable[[int, int], Tensor]
    ) -> tuple[Tensor, Tensor | None]:
        """Decode one window to the end; also return the phases from which the next window starts, where there are any.

        Args:
            latent: [B, latent_channels, frames], of which the prior also reads the neighbours of the window.
            window: its frames, of `latent`.
            noise: gives the starting noise of frames first..last of `latent`.
        """
        conditions = self._conditions(latent, window.first, window.last)
        phases: Tensor | None = None
        if not self.config.num_steps:
            estimate, phases = self._initial_estimate(conditions, window)
            if self.callback is not None:
                self.callback(window.number, window.count, estimate)
            return estimate, phases
        x = noise(window.first, window.last)
        if self.config.griffin_lim:
            estimate, phases = self._initial_estimate(conditions, window)
            x = self._noise_to_start(estimate, x, conditions)
            del estimate
        part = latent[..., window.first : window.last]
        x = self._sample(x, part, conditions, done=window.number, of=window.count)
        return self._synthesise(x, conditions, part.shape[-1]), phases

    @property
    def _windows_are_independent(self) -> bool:
        quiet = self.config.start < 1 and not getattr(self.config.sampler, "draws_noise", True)
        return quiet or not self.config.num_steps

    @property
    def _ratio(self) -> int:
        """Positions of what is diffused per latent frame."""
        return self.sizes.hop_length // self.sizes.diffused_size

    @property
    def _size(self) -> int:
        return self.config.window_frames - self.config.window_frames % 8

    @property
    def _overlap(self) -> int:
        return self._size // 8

    @property
    def _trim(self) -> int:
        return self._overlap // 4

    # ---- noise and conditions of some frames

    def _noise(self, latent: Tensor, initial_noise: Tensor | None) -> Callable[[int, int], Tensor]:
        """Noise of latent frames first..last, the same in whatever pieces it is asked for."""
        ratio = self._ratio
        if initial_noise is not None:
            return lambda first, last: initial_noise[..., first * ratio : last * ratio]
        shape = (self.sizes.diffused_channels, latent.shape[-1] * ratio)
        drawn = LongNoise(self.noise, shape, stage="decoder", block=NOISE_FRAMES * ratio, device=latent.device)
        return lambda first, last: drawn.between(first * ratio, last * ratio)

    def _conditions(self, latent: Tensor, first: int, last: int) -> dict[str, Tensor]:
        """Conditions from the prior for some frames, computed with the neighbours that it reads."""
        field, ratio = self.prior.receptive_field, self._ratio
        before = min(field, first)
        conditions = self.prior.conditions(latent[..., first - before : last + field])
        return {
            name: value[..., before * ratio : (before + last - first) * ratio] for name, value in conditions.items()
        }

    def _cut(self, conditions: Mapping[str, Tensor], window: "Window") -> dict[str, Tensor]:
        first, last = window.first * self._ratio, window.last * self._ratio
        return {name: value[..., first:last] for name, value in conditions.items()}

    # ---- the steps of decoding

    def _initial_estimate(self, conditions: Mapping[str, Tensor], window: "Window") -> tuple[Tensor, Tensor]:
        """Waveform with the magnitudes of the latent, and the phases from which the next window starts."""
        prior, hop = self.prior.require_magnitudes(), self.sizes.hop_length
        magnitudes = prior.magnitudes(conditions)
        phases = window.phases
        if phases is None:
            phases = random_phases(magnitudes[..., 0], self.noise.generators("phases"))
        mid_side, found = initial_estimate(
            magnitudes,
            phases,
            window=prior.bands.window,
            hop_length=prior.bands.hop_length,
            length=(window.last - window.first) * hop,
            iterations=self.config.griffin_lim,
            position=window.position * hop // prior.bands.hop_length,
        )
        next_frame = (window.following - window.first) * hop // prior.bands.hop_length
        return to_mid_side(mid_side), found[..., next_frame].clone()

    def _noise_to_start(self, wave: Tensor, noise: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """Waveform -> what is diffused, with the amount of noise of the time where sampling starts."""
        estimate = self.prior.whiten(self.transform.analyse(wave), conditions)
        return to_noisy(estimate, noise, torch.tensor(self.config.start, dtype=torch.float32, device=noise.device))

    def _sample(self, x: Tensor, latent: Tensor, conditions: Mapping[str, Tensor], *, done: int, of: int) -> Tensor:
        """Denoise x from the start to time 0, as part number `done` of `of` parts."""
        size, overlap, trim = (frames * self._ratio for frames in (self._size, self._overlap, self._trim))
        known: dict[str, Any] = {"latent": latent, **conditions}
        along_time = {"latent": self._ratio, **dict.fromkeys(conditions, 1)}

        def report(step: int, total: int, estimate: Tensor) -> None:
            if self.callback is not None:
                self.callback(done * total + step, of * total, estimate)

        return self.config.sampler.sample(
            Windows(self.denoise, size=size, overlap=overlap, trim=trim, conditions_along_time=along_time),
            x,
            times=time_grid(self.config.num_steps, start=self.config.start),
            generators=self.noise.generators("decoder steps"),
            callback=report,
            **known,
        )

    def _synthesise(self, x: Tensor, conditions: Mapping[str, Tensor], frames: int) -> Tensor:
        return self.transform.synthesise(self.prior.unwhiten(x, conditions), frames * self.sizes.hop_length)


@dataclass(frozen=True, kw_only=True)
class Window:
    """Latent frames first..last that are decoded at once.

    Args:
        first: first frame.
        last: frame after the last one.
        following: frame at which the next window starts.
        position: number of `first` in the piece, of which the latent may be a part.
        number: number of the window.
        count: number of windows.
        phases: phases at `first`, from the window before.
    """

    first: int
    last: int
    following: int
    position: int
    number: int
    count: int
    phases: Tensor | None = None


_DecodeWindow: TypeAlias = Callable[[Window], tuple[Tensor, Tensor | None]]


def _fade(samples: int) -> Tensor:
    return torch.sin(
        (torch.arange(samples, dtype=torch.float32, device="cpu") + 0.5) * (math.pi / 2 / max(samples, 1))
    ).square()
