"""Conditions of stage 2's U-Net, made from a `Conditioning`: the signal at depth 0, and the vector of the whole piece.

attributes ── attribute_signal ──┐
controls ──── control_signal ────┼──> injected at depth 0 [B, channels, frames]
known part ── known_signal ──────┘
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from mousai.conditioning.attribute_signal import ATTRIBUTE_CHANNELS, GLOBAL_CHANNELS, attribute_signal
from mousai.conditioning.attributes import MusicAttributes
from mousai.conditioning.conditioning import Conditioning
from mousai.conditioning.control_signal import FIELDS, control_signal, known_signal
from mousai.conditioning.controls import Controls
from mousai.conditioning.text import TextEmbedding
from mousai.diffusion.config import LatentDiffusionConfig


def injected_signal(
    config: LatentDiffusionConfig,
    cond: Conditioning,
    batch: int,
    *,
    device: torch.device,
    dropped: Tensor | None = None,
) -> dict[int, Tensor]:
    """Return what is injected into the U-Net, by depth; nothing for a model that reads text alone.

    Args:
        config: sizes of the model.
        cond: what each piece is asked to be.
        batch: batch members.
        device: device of the signal.
        dropped: bool [B], members that are told nothing of what they are to be. What is known of a latent stays: it is
            in both branches of guidance, which leads away from a piece of another kind around the same known part.

    Raises:
        ValueError: the parts are of another batch.
    """
    if not config.frame_rate:
        return {}
    attributes = cond.attributes or [MusicAttributes()] * batch
    if len(attributes) != batch:
        raise ValueError(f"attributes: {len(attributes)} for a batch of {batch}")
    where = {"frames": cond.frames, "frame_rate": config.frame_rate, "starts": cond.start_seconds or None}
    signal = attribute_signal(attributes, **where)  # type: ignore[arg-type]
    if names := [name for name in config.controls if name in FIELDS]:
        controls = cond.controls or [Controls()] * batch
        told = control_signal(controls, names=names, **{**where, "frames": cond.latent_frames})  # type: ignore[arg-type]
        # A loop is played on with the chords and the tune of its beginning, while its clock runs on.
        signal = torch.cat([signal, told[..., torch.arange(cond.frames) % cond.latent_frames]], dim=1)
    signal = signal.to(device)
    if dropped is not None:
        signal = signal.masked_fill(dropped[:, None, None], 0)
    if "known" in config.controls:
        latent, mask = cond.known_latent, cond.known_mask
        if latent is None or mask is None:
            latent = torch.zeros(batch, config.net.in_channels, cond.frames)
            mask = torch.zeros(batch, 1, cond.frames, dtype=torch.bool)
        known = known_signal(latent.to(device), mask.to(device), latent_std=config.latent_std)
        signal = torch.cat([signal, known], dim=1)
    return {0: signal}


def without_prompt(text: TextEmbedding, null: TextEmbedding, dropped: Tensor) -> TextEmbedding:
    """Return a text with the embedding for no prompt in the place of the members that are dropped.

    Args:
        text: embeddings of the prompts.
        null: embedding for no prompt, of as many members and tokens.
        dropped: bool [B].

    Raises:
        ValueError: the two have different shapes.
    """
    if text.hidden.shape != null.hidden.shape:
        raise ValueError(f"text.hidden: expected {list(null.hidden.shape)}, got {list(text.hidden.shape)}")
    hidden = torch.where(dropped[:, None, None], null.hidden.to(text.hidden), text.hidden)
    return TextEmbedding(hidden, torch.where(dropped[:, None], null.mask, text.mask))


Scales = tuple[float, float]
"""Guidance scale and attribute guidance scale."""
NO_GUIDANCE: Scales = (1.0, 0.0)
"""Scales at which the net says what it says without either."""
_UNIT = 4.0  # a difference of scales that counts as 1


def global_condition(
    config: LatentDiffusionConfig,
    text: TextEmbedding | None,
    inject: Mapping[int, Tensor],
    *,
    scales: Scales = NO_GUIDANCE,
) -> dict[str, Tensor]:
    """Return the condition of the whole piece under its name; nothing for a model without one.

    Args:
        config: sizes of the model.
        text: embeddings [B, N, F] (or of one member for all).
        inject: signals of `injected_signal`.
        scales: guidance scale and attribute guidance scale, which a model with `guidance_inputs` reads.

    Returns:
        float32 [B, global_features]: the mean over the tokens of the text, then the attribute channels that are the
        same at every frame, then the scales, as differences from those of no guidance.
    """
    if not config.net.global_features:
        return {}
    parts = []
    if text is not None:
        parts.append(text.mean())
    if inject:
        steady = inject[0][:, ATTRIBUTE_CHANNELS - GLOBAL_CHANNELS : ATTRIBUTE_CHANNELS, 0]
        parts = [*(mean.expand(len(steady), -1) for mean in parts), steady]
    if config.guidance_inputs:
        told = torch.tensor(scales, dtype=torch.float32) - torch.tensor(NO_GUIDANCE)
        parts.append((told / _UNIT).to(parts[0].device).expand(len(parts[0]), -1))
    # One dtype whatever the text encoder's is, so that both branches of guidance stand in one batch.
    return {"global_condition": torch.cat([part.float() for part in parts], dim=1)}
