"""What a text encoder learns of usual tempos: from captions that tell one where their prompt states none."""

import copy
import math
from collections.abc import Iterable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from mousai.conditioning.attributes import parse_attributes
from mousai.conditioning.text import T5TextEncoder, TextEmbedding
from mousai.conditioning.usual_tempo import UsualTempo
from mousai.training.data.wordings import Wording

WEIGHT = 0.5
"""What an octave counts beside the whole of what is not explained."""
NEAR = 0.1
"""Octaves up to which an error counts by its square; a generator plays one style a fifth faster or slower."""


def tempo_to_learn(teacher: T5TextEncoder, pairs: Sequence[Wording]) -> UsualTempo | None:
    """What a student begins with: the teacher's, a new one if any pair has something to learn, else None."""
    if teacher.tempo is not None:
        return copy.deepcopy(teacher.tempo)
    told = any(told_tempo(pair.prompt, pair.caption) is not None for pair in pairs)
    return UsualTempo(teacher.features) if told else None


def has_tempo(weights: Iterable[str]) -> bool:
    """Tell by the names of a run's weights whether its student learns usual tempos."""
    return any(name.startswith("text.tempo.") for name in weights)


def told_tempo(prompt: str, caption: str, usual: float | None = None) -> float | None:
    """Return the beats per minute that a caption tells, else `usual`; None where the prompt states some itself."""
    if parse_attributes(prompt).tempo is not None:
        return None
    return parse_attributes(caption).tempo or usual


def tempo_loss(
    student: T5TextEncoder,
    heard: TextEmbedding,
    teacher: T5TextEncoder,
    meant: TextEmbedding,
    *,
    prompts: Sequence[str],
    captions: Sequence[str],
) -> tuple[Tensor, Tensor]:
    """Return the loss of a batch, and the mean error in octaves.

    Where a caption tells no tempo either, the teacher's usual one for the caption is learned, if it has any.

    Args:
        student: the encoder that learns; it has a `tempo`.
        heard: its embeddings of the prompts.
        teacher: the encoder of before.
        meant: its embeddings of the captions.
        prompts: prompts of the batch.
        captions: their captions.
    """
    assert student.tempo is not None
    usual = teacher.usual_tempos(captions, meant)
    told = [told_tempo(*three) for three in zip(prompts, captions, usual, strict=True)]
    read = student.tempo(heard.mean())
    counted = torch.tensor([tempo is not None for tempo in told], device=read.device)
    aim = torch.tensor([math.log2(tempo or 1.0) for tempo in told], device=read.device)
    # Those that count for nothing are read all the same: every process of a run has a gradient for every weight.
    error = torch.where(counted, read - aim, 0.0 * read)
    number = counted.sum().clamp(min=1)
    loss = F.smooth_l1_loss(error, torch.zeros_like(error), beta=NEAR, reduction="sum") / number
    return WEIGHT * loss, error.detach().abs().sum() / number
