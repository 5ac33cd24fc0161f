"""Composing: what a request asks for as `Conditioning`, and the latents that stage 2 draws under it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from torch import Tensor

from mousai.callbacks import Interrupted, step_callback
from mousai.conditioning.attributes import parse_attributes, strip_attributes
from mousai.conditioning.conditioning import Conditioning
from mousai.progress import ProgressBars
from mousai.request import Request
from vdiffusion import NoiseSource

if TYPE_CHECKING:
    from mousai.pipeline import Mousai


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Input of stage 2 for a request.

    Args:
        cond: what each piece is to be.
        negative: what to stay away from; None where no negative prompt is given.
        init_latent: latent [B or 1, C, frames] to start from.
        latents: starting noise instead of the seeds'.
    """

    cond: Conditioning
    negative: Conditioning | None
    init_latent: Tensor | None = None
    latents: Tensor | None = None


def ask(pipe: "Mousai", request: Request, frames: int, *, in_time: bool) -> Asked:
    """Return the prompts of a request as conditioning.

    Args:
        pipe: the model.
        request: the call.
        frames: length in latent frames.
        in_time: whether the prompts' tempo counts.
    """
    stripped = request.config.attribute_guidance_scale != 0
    cond = _conditioning(pipe, request, request.prompts, frames, in_time=in_time, stripped=stripped)
    cond = replace(cond, attributes=[one.updated(request.attributes) for one in cond.attributes])
    away = None
    if request.negatives is not None:
        away = _conditioning(pipe, request, request.negatives, frames, in_time=in_time, stripped=False)
    return Asked(cond=cond, negative=away)


def compose(pipe: "Mousai", request: Request, asked: Asked, *, noise: NoiseSource, progress: ProgressBars) -> Tensor:
    """Draw the latents that are asked for, or what an interrupting callback has left of them.

    Args:
        pipe: the model.
        request: the call, whose settings and callback count here.
        asked: see there.
        noise: seed and index of each piece.
        progress: bars to move.
    """
    steps = request.steps(known=pipe.repaints and asked.cond.known_latent is not None)
    try:
        return pipe.latent_diffusion.sample(
            asked.cond,
            noise=noise,
            config=request.config,
            negative=asked.negative,
            init_latent=asked.init_latent,
            latents=asked.latents,
            callback=step_callback(pipe, progress, request.callback, steps),
        )
    except Interrupted as interrupted:
        return interrupted.latent


def _conditioning(
    pipe: "Mousai", request: Request, prompts: Sequence[str], frames: int, *, in_time: bool, stripped: bool
) -> Conditioning:
    """Prompts as conditioning, each for all its pieces; a tempo only if `in_time`, stripped text if it is wanted."""
    parsed = [parse_attributes(prompt) for prompt in prompts for _ in range(request.times)]
    less = [strip_attributes(prompt) for prompt in prompts] if stripped else list(prompts)
    return Conditioning(
        frames=frames,
        text=pipe._embed(prompts).repeated(request.times),
        attributes=[one if in_time else replace(one, tempo=None) for one in parsed],
        stripped_text=None if less == list(prompts) else pipe._embed(less, warn=False).repeated(request.times),
    )
