"""What a generator asks of its prompts: the inputs of its cross-attentions while it makes music."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mousai.conditioning.attributes import parse_attributes
from mousai.conditioning.conditioning import Conditioning
from mousai.conditioning.text import T5TextEncoder, TextEmbedding
from mousai.diffusion.latent_diffusion import LatentDiffusion
from mousai.sampling_config import SamplingConfig
from unet1d import Attention, GlobalEmbedding
from vdiffusion import NoiseSource

FRAMES = 120
"""Latent frames of the pieces that are made to hear the questions: ten seconds of the bundled model."""
STEPS = 10
ALIKE = 0.01
"""Share of the power of answers that counts as their variance where they are all but the same."""


def cross_attentions(model: LatentDiffusion) -> dict[str, Attention]:
    """The cross-attentions of a generator by their names."""
    parts = model.net.named_modules()
    return {name: part for name, part in parts if isinstance(part, Attention) and part.context_features}


@torch.no_grad()
def attention_inputs(
    model: LatentDiffusion, text: T5TextEncoder, captions: list[str], *, count: int, seed: int
) -> dict[str, Tensor]:
    """Positions of latents at which each cross-attention reads its prompt, while the model makes music.

    A piece is sampled for every caption, at the model's own steps of noise, so no music is needed.

    Args:
        model: the generator.
        text: its text encoder.
        captions: captions that it knows.
        count: positions of each cross-attention.
        seed: seed of the pieces and of the choice.

    Returns:
        Inputs [count or fewer, channels] of each, by name.
    """
    heard: dict[str, list[Tensor]] = {name: [] for name in cross_attentions(model)}
    with _listening(model, heard):
        model.sample(
            Conditioning(
                frames=FRAMES,
                text=text(captions, keep_padding=model.config.attend_to_padding),
                attributes=[parse_attributes(caption) for caption in captions],
            ),
            noise=NoiseSource(seed, range(len(captions))),
            config=SamplingConfig(num_inference_steps=STEPS, guidance_scale=1.0, sampler="ddim"),
        )
    generator = torch.Generator().manual_seed(seed)
    found = {name: torch.cat(inputs) for name, inputs in heard.items()}
    return {name: inputs[torch.randperm(len(inputs), generator=generator)[:count]] for name, inputs in found.items()}


def unexplained(
    model: LatentDiffusion, read: TextEmbedding, meant: TextEmbedding, questions: dict[str, Tensor]
) -> Tensor:
    """The share of what a generator hears of prompts that is not what was meant, a scalar.

    The answers of the cross-attentions to the questions are compared: the sum of their square errors over the sum of
    their variances among the prompts of the batch, each counted by the size of what it is added to. The same is done
    with what the global condition makes of the mean embedding, where the net reads that, and the mean of both is taken.
    So 0 is the same to the net, and 1 as good as one answer for all prompts. Tokens need not stand in the same places.

    Args:
        model: the generator, whose weights stay.
        read: embeddings [B, N, F] of the prompts, with gradients.
        meant: embeddings [B, M, F] of what they mean; two of them differ.
        questions: inputs [Q, channels] of each cross-attention, see `attention_inputs`.
    """
    error = variance = torch.zeros((), device=read.hidden.device)
    for name, attention in cross_attentions(model).items():
        size = questions[name].square().mean()
        asked = questions[name].expand(len(read.hidden), -1, -1)
        with torch.no_grad():
            wanted = attention(asked, meant.hidden, meant.mask) - asked
            variance = variance + _spread(wanted) / size
        found = attention(asked, read.hidden, read.mask) - asked
        error = error + (found - wanted).square().mean() / size
    shares = [error / variance]
    if model.config.net.global_features:
        with torch.no_grad():
            wanted = _modulation(model, meant)
        shares.append((_modulation(model, read) - wanted).square().mean() / _spread(wanted))
    return torch.stack(shares).mean()


def _spread(answers: Tensor) -> Tensor:
    """The variance among the members of a batch [B, ...], at least `ALIKE` of their power: some mean one thing."""
    variance = (answers - answers.mean(0, keepdim=True)).square().mean()
    return torch.maximum(variance, ALIKE * answers.square().mean())


def _modulation(model: LatentDiffusion, text: TextEmbedding) -> Tensor:
    """What the global condition makes of the mean embedding, where nothing else is told [B, modulation_features]."""
    mean = text.mean()
    embedding = cast(GlobalEmbedding, model.net.global_embedding)
    return cast(Tensor, embedding(F.pad(mean, (0, model.config.net.global_features - mean.shape[1]))))


@contextmanager
def _listening(model: LatentDiffusion, heard: dict[str, list[Tensor]]) -> Iterator[None]:
    """Collect the inputs [positions, channels] of the cross-attentions."""

    def listener(name: str) -> object:
        def listen(part: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            heard[name].append(inputs[0].detach().flatten(0, -2))

        return listen

    # Each normalizes its input first, whichever way it is called.
    hooks = [
        attention.norm.register_forward_pre_hook(listener(name))  # type: ignore[arg-type]
        for name, attention in cross_attentions(model).items()
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
