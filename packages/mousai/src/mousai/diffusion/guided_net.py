"""Guidance of stage 2: the net that a sampler evaluates, away from a negative and towards key and lead."""

from dataclasses import replace
from typing import Any, Protocol

from mousai.conditioning.conditioning import Conditioning
from mousai.conditioning.text import TextEmbedding
from mousai.diffusion.conditions import Scales
from mousai.sampling_config import SamplingConfig
from vdiffusion import Circle, Guidance, Net

ATTRIBUTE_GUIDANCE_T_MIN = 0.4
"""Diffusion time below which key and lead of a piece are decided: `attribute_guidance_scale` acts above it."""


class ConditionedModel(Protocol):
    """Protocol of stage 2 as guidance needs it; `LatentDiffusion` has it."""

    @property
    def denoise(self) -> Net:
        """The U-Net as a net of `vdiffusion`."""
        ...

    @property
    def reads_guidance(self) -> bool:
        """Tell whether the guidance scales are inputs of the net."""
        ...

    def net_conditions(self, cond: Conditioning, batch: int, *, scales: Scales = ...) -> dict[str, Any]:
        """Return the conditions of `denoise`."""
        ...

    def null(self, batch: int, tokens: int | None = None) -> TextEmbedding:
        """Return the embedding that stands for "no prompt"."""
        ...


def guided_net(
    model: ConditionedModel,
    cond: Conditioning,
    config: SamplingConfig,
    *,
    batch: int,
    negative: Conditioning | None = None,
) -> tuple[Net, dict[str, Any]]:
    """Return what a sampler evaluates in each step: a net, and the conditions to call it with.

    What does not depend on the step is computed here, once. Chords, melody and sections are in the positive branch
    alone, so that guidance leads towards them as it does towards the prompt. A known part of the latent is in both: it
    is nothing that was asked for but what is there, and guidance is to choose among pieces that fit it.

    A model that guidance was distilled into reads the scales, and one branch is enough. It knows guidance away from no
    prompt alone: beside a negative prompt it is guided as any other model, with the scales of no guidance for inputs.

    Args:
        model: stage 2.
        cond: what each piece is asked to be.
        config: settings of sampling, of which the two guidance scales count.
        batch: batch members.
        negative: what to stay away from; by default the null embedding, no attributes and no controls.

    Raises:
        ValueError: guidance is asked of a model that reads no text.
    """
    if config.guidance_scale != 1 and cond.text is None:
        raise ValueError(
            f"guidance_scale={config.guidance_scale:g}: this latent diffusion reads no text; only 1 would do"
        )
    if model.reads_guidance and negative is None:
        return _on_circle(model.denoise, cond), model.net_conditions(cond, batch, scales=scales_read(cond, config))
    conditions = model.net_conditions(cond, batch)
    partial = None
    if config.attribute_guidance_scale and cond.names_key_or_lead:
        partial = model.net_conditions(cond.without_key_and_lead(), batch)
    if config.guidance_scale == 1 and partial is None:
        return _on_circle(model.denoise, cond), conditions
    away: dict[str, Any] = {}
    if config.guidance_scale != 1:
        if negative is None:
            tokens = None if cond.text is None else cond.text.hidden.shape[1]
            negative = Conditioning(frames=cond.frames, text=model.null(batch, tokens))
        elif negative.text is None and cond.text is not None:
            raise ValueError("negative: has no text; give one, or no negative conditioning")
        negative = replace(negative, known_latent=cond.known_latent, known_mask=cond.known_mask)
        away = model.net_conditions(negative, batch)
    guidance = Guidance(
        model.denoise,
        config.guidance_scale,
        away,
        partial_negative=partial,
        partial_scale=config.attribute_guidance_scale,
        t_min=ATTRIBUTE_GUIDANCE_T_MIN,
    )
    return _on_circle(guidance, cond), conditions


def scales_read(cond: Conditioning, config: SamplingConfig) -> Scales:
    """Return the scales that a distilled net reads; without a key or a lead there is nothing to lead towards."""
    return config.guidance_scale, config.attribute_guidance_scale if cond.names_key_or_lead else 0.0


def _on_circle(net: Net, cond: Conditioning) -> Net:
    """The net itself, or for a loop one that hears it played on, cross-faded where it is heard twice."""
    if cond.circle is None:
        return net
    return Circle(net, length=cond.frames, fade=min(cond.frames - cond.circle, cond.circle))
