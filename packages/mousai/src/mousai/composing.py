"""Composing: what a request asks for as `Conditioning`, and the latents that stage 2 draws under it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from torch import Tensor

from mousai.arguments import MAX_DURATION
from mousai.callbacks import Interrupted, step_callback
from mousai.codec import require_finite
from mousai.conditioning.attributes import MusicAttributes, parse_attributes, strip_attributes
from mousai.conditioning.conditioning import Conditioning
from mousai.conditioning.text import TextEmbedding
from mousai.errors import UserError
from mousai.exact.pieces import each_alone
from mousai.output import MousaiOutput
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


def ask(
    pipe: "Mousai", request: Request, frames: int, *, in_time: bool, span: tuple[float, float] | None = None
) -> Asked:
    """Return the prompts of a request, and the controls beside them, as conditioning.

    Args:
        pipe: the model.
        request: the call.
        frames: length in latent frames.
        in_time: whether the prompts' tempo counts; where none is stated, the one that is usual for the prompt, unless
            there are controls, which may have another.
        span: seconds at which the piece begins and ends, in its own time; by default those of the frames, from 0.

    Raises:
        UserError: the controls do not fit the piece.
    """
    stripped = request.config.attribute_guidance_scale != 0
    cond = _conditioning(pipe, request, request.prompts, frames, in_time=in_time, stripped=stripped)
    attributes = attributes_of(request, in_time=in_time)
    if in_time and request.controls is None:
        attributes = _in_usual_tempo(pipe, request, attributes, cond.text)
    if span is None:
        span = (0.0, frames * pipe.autoencoder.config.hop_length / pipe.sample_rate)
    controls = [] if request.controls is None else [request.controls.placed(one, *span) for one in attributes]
    cond = replace(cond, attributes=attributes, controls=controls)
    away = None
    if request.negatives is not None:
        away = _conditioning(pipe, request, request.negatives, frames, in_time=in_time, stripped=False)
    return Asked(cond=cond, negative=away)


def attributes_of(request: Request, *, in_time: bool) -> list[MusicAttributes]:
    """Tempo, key and lead of each piece: what the request knows of them, and else what its prompt says."""
    parsed = [_parsed(prompt, in_time=in_time) for prompt in request.prompts for _ in range(request.times)]
    return [one.updated(request.attributes) for one in parsed]


def _in_usual_tempo(
    pipe: "Mousai", request: Request, attributes: list[MusicAttributes], text: TextEmbedding | None
) -> list[MusicAttributes]:
    """The attributes, with the text encoder's usual tempo for the prompts of pieces that have none."""
    if text is None or all(one.tempo is not None for one in attributes):
        return attributes
    prompts = [prompt for prompt in request.prompts for _ in range(request.times)]
    told = zip(attributes, pipe._usual_tempos(prompts, text), strict=True)
    return [one if one.tempo is not None else replace(one, tempo=tempo) for one, tempo in told]


def piece_seconds(request: Request, duration: float | None) -> float | None:
    """Return the seconds of the pieces of a request: `duration`, or what the form takes; None where neither is given.

    Raises:
        UserError: the form takes longer than `duration`, or than any piece may.
    """
    if request.controls is None:
        return duration
    return request.controls.duration(attributes_of(request, in_time=True), duration, most=MAX_DURATION)


@each_alone
def make_piece(pipe: "Mousai", request: Request, duration: float, *, latents: Tensor | None = None) -> MousaiOutput:
    """Make pieces from nothing but what is asked for.

    Args:
        pipe: the model.
        request: prompts, seeds, settings.
        duration: seconds.
        latents: starting noise instead of the seeds'.

    Raises:
        UserError: `duration` is less than a sample, or the controls do not fit it.
    """
    rate, samples = pipe.sample_rate, round(duration * pipe.sample_rate)
    if samples < 1:
        raise UserError("duration", duration, f"is less than one sample of {rate} Hz")
    facts = {"duration": duration, "beside_prompt": None if latents is None else "latents"}
    noise = NoiseSource(request.seeds, [0] * len(request.seeds))
    with ProgressBars(request.stages(known=False), pipe._progress_bar_config) as progress:
        frames, span = -(-samples // pipe.autoencoder.config.hop_length), (0.0, samples / rate)
        asked = replace(ask(pipe, request, frames, in_time=True, span=span), latents=latents)
        audios = compose(pipe, request, asked, noise=noise, progress=progress)
        if request.output_type != "latent":
            audios = pipe._decode(audios, request.config, noise, samples, progress)
    known = zip(attributes_of(request, in_time=True), asked.cond.attributes, strict=True)
    tempos = [told.tempo if stated.tempo is None else None for stated, told in known]
    return request.output(pipe, audios, sample_rate=rate, settings=facts, tempos=tempos)


def compose(pipe: "Mousai", request: Request, asked: Asked, *, noise: NoiseSource, progress: ProgressBars) -> Tensor:
    """Draw the latents that are asked for, or what an interrupting callback has left of them.

    Args:
        pipe: the model.
        request: the call, whose settings and callback count here.
        asked: see there.
        noise: seed and index of each piece.
        progress: bars to move.

    Raises:
        UserError: a number of them is not finite.
    """
    steps = request.steps(known=pipe.repaints and asked.cond.known_latent is not None)
    try:
        latent: Tensor = pipe.latent_diffusion.sample(
            asked.cond,
            noise=noise,
            config=request.config,
            negative=asked.negative,
            init_latent=asked.init_latent,
            latents=asked.latents,
            callback=step_callback(pipe, progress, request.callback, steps),
        )
    except Interrupted as interrupted:
        latent = interrupted.latent
    return require_finite(latent)


def _conditioning(
    pipe: "Mousai", request: Request, prompts: Sequence[str], frames: int, *, in_time: bool, stripped: bool
) -> Conditioning:
    """Prompts as conditioning, each for all its pieces; a tempo only if `in_time`, stripped text if it is wanted."""
    parsed = [_parsed(prompt, in_time=in_time) for prompt in prompts for _ in range(request.times)]
    less = [strip_attributes(prompt) for prompt in prompts] if stripped else list(prompts)
    return Conditioning(
        frames=frames,
        text=pipe._embed(prompts).repeated(request.times),
        attributes=parsed,
        stripped_text=None if less == list(prompts) else pipe._embed(less, warn=False).repeated(request.times),
    )


def _parsed(prompt: str, *, in_time: bool) -> MusicAttributes:
    parsed = parse_attributes(prompt)
    return parsed if in_time else replace(parsed, tempo=None)
