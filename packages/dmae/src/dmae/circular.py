"""Latent -> waveform of a circle: a loop whose end runs into its beginning."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from dmae.decode import Decoder
from dmae.phase import initial_estimate, random_phases
from dmae.representation import to_mid_side
from vdiffusion import time_grid, to_noisy


def around(x: Tensor, reach: int) -> Tensor:
    """Continue [..., L] as a circle by `reach` positions at either end."""
    positions = torch.arange(-reach, x.shape[-1] + reach, device=x.device).remainder(x.shape[-1])
    return x[..., positions]


@dataclass(frozen=True, kw_only=True)
class CircularDecoder(Decoder):
    """Decoder of latents whose last frame is followed by their first.

        latent ── prior, across the border ──> conditions
               ── phases that close, Griffin-Lim on frames that go across the border ──> initial estimate
               ── steps of a net whose convolutions go across it ── synthesis ──> waveform, a circle

    What looks only a little to either side (the prior, the transform) is shown the circle with a latent frame more at
    either end, or as many as it looks at, and cut back. The whole circle is decoded at once.
    """

    def __call__(self, latent: Tensor, initial_noise: Tensor | None = None) -> Tensor:
        """Decode [B, latent_channels, frames] -> [B, C, frames * hop_length]; the arguments are those of `Decoder`."""
        if self.config.griffin_lim:
            self.prior.require_magnitudes()
        frames, ratio = latent.shape[-1], self._ratio
        reach = max(self.prior.receptive_field, 1)
        beyond = self.prior.conditions(around(latent, reach))
        conditions = {name: value[..., reach * ratio :][..., : frames * ratio] for name, value in beyond.items()}
        if not self.config.num_steps:
            wave = self._circle(conditions, frames)
            if self.callback is not None:
                self.callback(0, 1, wave)
            return wave
        x = self._noise(latent, initial_noise)(0, frames)
        if self.config.griffin_lim:
            x = self._noise_to_start(self._circle(conditions, frames), x, conditions)
        x = self._denoise_circle(x, latent, conditions)
        return self._synthesise(x, conditions, frames)

    def _circle(self, conditions: Mapping[str, Tensor], frames: int) -> Tensor:
        """Waveform with the magnitudes of the latent."""
        prior = self.prior.require_magnitudes()
        magnitudes = prior.magnitudes(conditions)[..., :-1]  # without the one at the end, which is the first
        mid_side, _ = initial_estimate(
            magnitudes,
            random_phases(magnitudes[..., 0], self.noise.generators("phases")),
            window=prior.bands.window,
            hop_length=prior.bands.hop_length,
            length=frames * self.sizes.hop_length,
            iterations=self.config.griffin_lim,
            circular=True,
        )
        return to_mid_side(mid_side)

    def _noise_to_start(self, wave: Tensor, noise: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        ratio = self._ratio
        wider = {name: around(value, ratio) for name, value in conditions.items()}
        coefficients = self.transform.analyse(around(wave, self.sizes.hop_length))
        estimate = self.prior.whiten(coefficients, wider)[..., ratio:-ratio]
        return to_noisy(estimate, noise, torch.tensor(self.config.start, dtype=torch.float32, device=noise.device))

    def _denoise_circle(self, x: Tensor, latent: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """Denoise x from the start to time 0."""
        known: dict[str, Any] = {"latent": latent, **conditions}
        return self.config.sampler.sample(
            self.denoise,
            x,
            times=time_grid(self.config.num_steps, start=self.config.start),
            generators=self.noise.generators("decoder steps"),
            callback=self.callback,
            circular=True,
            **known,
        )

    def _synthesise(self, x: Tensor, conditions: Mapping[str, Tensor], frames: int) -> Tensor:
        hop, ratio = self.sizes.hop_length, self._ratio
        wider = {name: around(value, ratio) for name, value in conditions.items()}
        wave = self.transform.synthesise(self.prior.unwhiten(around(x, ratio), wider), (frames + 2) * hop)
        return wave[..., hop : (frames + 1) * hop]
