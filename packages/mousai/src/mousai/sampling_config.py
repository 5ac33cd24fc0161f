"""How music is made: the settings that a model is best run with, and what settings are possible at all."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from mousai.errors import UserError
from vdiffusion import SAMPLER_NAMES, TIME_GRID_NAMES
from vdiffusion import time_grid as grid_of_times

LONGEST = 3600.0
"""Seconds of one piece at most."""


@dataclass(frozen=True, kw_only=True)
class SamplingConfig:
    """What a model is best run with; stored in its `model_index.json`, each one an argument of the same name.

    Args:
        num_inference_steps: denoising steps of the generator.
        guidance_scale: weight of the prompt.
        attribute_guidance_scale: further weight of the key and the lead that the prompt names.
        decoder_steps: denoising steps of the autoencoder's decoder.
        griffin_lim: Griffin-Lim iterations from the latent's magnitudes, 0 = none.
        decoder_start: diffusion time from which the decoder goes on after Griffin-Lim.
        sampler: of the generator, one of `vdiffusion.SAMPLER_NAMES`.
        time_grid: where the generator's steps lie, one of `vdiffusion.TIME_GRID_NAMES`.
    """

    num_inference_steps: int = 50
    guidance_scale: float = 3.0
    attribute_guidance_scale: float = 0.0
    decoder_steps: int = 20
    griffin_lim: int = 0
    decoder_start: float = 1.0
    sampler: str = "ddim"
    time_grid: str = "uniform"

    def __post_init__(self) -> None:
        """Check every value."""
        check_settings(
            num_inference_steps=self.num_inference_steps,
            guidance_scale=self.guidance_scale,
            attribute_guidance_scale=self.attribute_guidance_scale,
            decoder_steps=self.decoder_steps,
            sampler=self.sampler,
            time_grid=self.time_grid,
        )
        if not 0 <= self.griffin_lim <= 1000:
            raise UserError("griffin_lim", self.griffin_lim, "must be 0 (none) to 1000 iterations")
        if not 0 < self.decoder_start <= 1:
            raise UserError("decoder_start", self.decoder_start, "must lie above 0, up to 1")
        if self.decoder_start < 1 and not self.griffin_lim:
            raise UserError("decoder_start", self.decoder_start, "must be 1 where griffin_lim is 0")

    def changed(self, texts: Sequence[str]) -> "SamplingConfig":
        """With some settings given as NAME=VALUE, as on a command line.

        Raises:
            UserError: there is no such setting, or the value is impossible.
        """
        kinds = {one.name: type(getattr(self, one.name)) for one in fields(self)}
        values: dict[str, Any] = {}
        for text in texts:
            name, equals, value = text.partition("=")
            if not equals or name not in kinds:
                raise UserError(f"{text}: must be NAME=VALUE, the name one of {', '.join(kinds)}")
            try:
                values[name] = kinds[name](value)
            except ValueError:
                kind = "a whole number" if kinds[name] is int else "a number"
                raise UserError(f"{text}: {name} must be {kind}") from None
        return replace(self, **values)


def check_settings(
    *,
    duration: float = 20.0,
    num_inference_steps: int | None = None,
    guidance_scale: float | None = None,
    attribute_guidance_scale: float | None = None,
    decoder_steps: int | None = None,
    sampler: str | None = None,
    time_grid: str | None = None,
    num_waveforms_per_prompt: int = 1,
    seed: int | None = None,
    strength: float = 1.0,
) -> None:
    """Refuse impossible settings; needs no model, so that it can be asked before weights are loaded.

    Raises:
        UserError: one line that names the argument, its value and what would do.
    """
    if not (math.isfinite(duration) and 0 < duration <= LONGEST):
        raise UserError("duration", duration, f"must be above 0 seconds, up to {LONGEST:g}")
    for name, steps in (("num_inference_steps", num_inference_steps), ("decoder_steps", decoder_steps)):
        if steps is not None and not 1 <= steps <= 1000:
            raise UserError(name, steps, "must be 1 to 1000")
    if guidance_scale is not None and not (math.isfinite(guidance_scale) and 0 <= guidance_scale <= 100):
        raise UserError("guidance_scale", guidance_scale, "must be 0 to 100; 1 is no guidance, 3 to 7 are usual")
    if attribute_guidance_scale is not None and not (
        math.isfinite(attribute_guidance_scale) and 0 <= attribute_guidance_scale <= 100
    ):
        raise UserError(
            "attribute_guidance_scale", attribute_guidance_scale, "must be 0 to 100; 0 is none, 2 to 5 are usual"
        )
    for name, chosen, known in (("sampler", sampler, SAMPLER_NAMES), ("time_grid", time_grid, TIME_GRID_NAMES)):
        if chosen is not None and chosen not in known:
            raise UserError(name, chosen, f"must be one of {', '.join(known)}")
    if not 1 <= num_waveforms_per_prompt <= 64:
        raise UserError("num_waveforms_per_prompt", num_waveforms_per_prompt, "must be 1 to 64")
    if seed is not None and not 0 <= seed < 2**63:
        raise UserError("seed", seed, "must be 0 or more, below 2^63")
    if not 0 < strength <= 1:
        raise UserError("strength", strength, "must lie above 0, up to 1")
    try:
        times = grid_of_times(num_inference_steps or 1, start=strength, kind=time_grid or "uniform")
        falls = bool((times.float().diff() < 0).all())  # as the samplers, which compute in float32, need it
    except ValueError:
        falls = False
    if not falls:
        hint = f"is too little for the time grid {time_grid or 'uniform'!r}; give more, or choose 'uniform'"
        raise UserError("strength", strength, hint)
