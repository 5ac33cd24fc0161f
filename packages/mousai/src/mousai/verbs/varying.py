"""Varying: a recording made anew, from a little to all of it.

recording ── the model's rate ── encode ──> latent ── noise of `strength` ── sample ──> latent ── decode ──>
new sound ── the recording's rate and channels ──> as long as the recording
"""

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mousai.composing import ask, compose
from mousai.conditioning.control_plan import CONTROL_OF, ControlPlan
from mousai.editing import Recording, converted
from mousai.errors import UserError
from mousai.exact.pieces import each_alone
from mousai.output import MousaiOutput
from mousai.progress import ProgressBars
from vdiffusion import NoiseSource

if TYPE_CHECKING:
    from mousai.pipeline import Mousai
    from mousai.request import Request


def check_strength(strength: float, plan: ControlPlan | None) -> None:
    """Raise `UserError` where chords, a melody or a form are asked for, and nothing is made that could follow them.

    Args:
        strength: how much of the recording is replaced.
        plan: what is asked for beside the prompt.
    """
    if strength == 0 and plan is not None:
        asked = next(name for name in CONTROL_OF if getattr(plan, name) is not None)
        hint = f"keeps the recording as it is, so that nothing follows {asked}; give more, or leave {asked} out"
        raise UserError("strength", strength, hint)


@each_alone
def vary(pipe: "Mousai", request: "Request", recording: Recording, *, latents: Tensor | None = None) -> MousaiOutput:
    """Make a recording anew, as far as `request.config.strength` says.

    Args:
        pipe: the model.
        request: prompts, seeds, settings; `attributes` count in the recording's time.
        recording: the recording.
        latents: starting noise instead of the seeds'.

    Returns:
        the results at the recording's rate, with its channels and as long; with a strength of 0 its very samples.
    """
    pieces, rate = len(request.seeds), recording.sample_rate
    wanted = request.output_type == "latent"
    if request.config.strength == 0 and not wanted:
        same = recording.sound.expand(pieces, -1, -1).clone()
        return request.output(pipe, same, sample_rate=rate, settings={}, needed="init_audio", bits=recording.bits)
    channels = pipe.autoencoder.config.audio_channels
    sound = converted(recording.sound[None], rate, pipe.sample_rate, channels)
    noise = NoiseSource(request.seeds, [0] * pieces)
    with ProgressBars(request.stages(known=False), pipe._progress_bar_config) as progress:
        init_latent = pipe.encode(sound)
        # A recording has beats of its own, which `attributes` tell: the prompt's tempo would lay others over them.
        asked = ask(pipe, request, init_latent.shape[-1], in_time=False, span=(0.0, recording.seconds))
        asked = replace(asked, init_latent=init_latent, latents=latents)
        made = compose(pipe, request, asked, noise=noise, progress=progress)
        if not wanted:
            made = pipe._decode(made, request.config, noise, sound.shape[-1], progress).float()
    if wanted:
        return request.output(pipe, made, sample_rate=pipe.sample_rate, settings={}, needed="init_audio")
    if (rate, len(recording.sound)) != (pipe.sample_rate, channels):
        made = converted(made.cpu(), pipe.sample_rate, rate, len(recording.sound))[..., : recording.sound.shape[-1]]
        made = torch.nn.functional.pad(made, (0, recording.sound.shape[-1] - made.shape[-1])).clamp(-1, 1)
    return request.output(pipe, made, sample_rate=rate, settings={}, needed="init_audio", bits=recording.bits)
