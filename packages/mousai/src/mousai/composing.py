"""Composing: what a request asks for as `Conditioning`, and the latents that stage 2 draws under it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from torch import Tensor

from mousai.callbacks import Interrupted, step_callback
from mousai.conditioning.attributes import MusicAttributes, parse_attributes, strip_attributes
from mousai.conditioning.conditioning import Conditioning
from mousai.progress import ProgressBars
from mousai.request import Request
from vdiffusion import NoiseSource

if TYPE_CHECKING:
    from mousai.pipeline import Mousai


def compose(
    pipe: "Mousai",
    request: Request,
    frames: int,
    *,
    noise: NoiseSource,
    progress: ProgressBars,
    in_time: bool,
    init_latent: Tensor | None = None,
    latents: Tensor | None = None,
    known: tuple[Tensor, Tensor] | None = None,
    start: float = 0.0,
) -> Tensor:
    """Draw the latents that a request asks for, or what an interrupting callback has left of them.

    Args:
        pipe: the model.
        request: what is asked for.
        frames: length of the latents.
        noise: seed and index of each piece.
        progress: bars to move.
        in_time: whether the prompts' tempo counts.
        init_latent: see `LatentDiffusion.sample`.
        latents: likewise.
        known: `known_latent` and `known_mask` of `Conditioning`.
        start: second of the piece at which the first frame begins.
    """
    config = request.config
    stripped = config.attribute_guidance_scale != 0
    cond = _conditioning(
        pipe,
        request.prompts,
        request.times,
        frames,
        in_time=in_time,
        stripped=stripped,
        attributes=request.attributes,
    )
    if known is not None:
        starts = [start] * len(noise)
        cond = replace(cond, known_latent=known[0], known_mask=known[1], start_seconds=starts)
    away = None
    if request.negatives is not None:
        away = _conditioning(pipe, request.negatives, request.times, frames, in_time=in_time)
    try:
        return pipe.latent_diffusion.sample(
            cond,
            noise=noise,
            config=config,
            negative=away,
            init_latent=init_latent,
            latents=latents,
            callback=step_callback(pipe, progress, request.callback, request.steps(known=known is not None)),
        )
    except Interrupted as interrupted:
        return interrupted.latent


def _conditioning(
    pipe: "Mousai",
    prompts: Sequence[str],
    times: int,
    frames: int,
    *,
    in_time: bool,
    stripped: bool = False,
    attributes: MusicAttributes | None = None,
) -> Conditioning:
    """What the prompts ask for, each `times` times; a tempo only if `in_time`, stripped text if it is wanted."""
    parsed = [parse_attributes(prompt) for prompt in prompts for _ in range(times)]
    less = [strip_attributes(prompt) for prompt in prompts] if stripped else list(prompts)
    return Conditioning(
        frames=frames,
        text=pipe._embed(prompts).repeated(times),
        attributes=[(one if in_time else replace(one, tempo=None)).updated(attributes) for one in parsed],
        stripped_text=None if less == list(prompts) else pipe._embed(less).repeated(times),
    )
