"""An ideal net, made-up text, and calls of a latent diffusion with plain arguments."""

from typing import Any

import torch
from torch import Tensor, nn

from mousai.conditioning.attributes import MusicAttributes
from mousai.conditioning.conditioning import Conditioning
from mousai.conditioning.text import MAX_TOKENS, TextEmbedding
from mousai.diffusion.latent_diffusion import LatentDiffusion
from mousai.sampling_config import SamplingConfig
from vdiffusion import NoiseSource, alpha_sigma


def sampled(
    model: LatentDiffusion,
    text: TextEmbedding | None,
    *,
    frames: int,
    num_steps: int = 50,
    seed: int = 0,
    indices: tuple[int, ...] | None = None,
    attributes: tuple[MusicAttributes, ...] = (),
    stripped: TextEmbedding | None = None,
    negative: TextEmbedding | None = None,
    init_latent: Tensor | None = None,
    latents: Tensor | None = None,
    callback: Any = None,
    **settings: Any,
) -> Tensor:
    """`LatentDiffusion.sample` with its value objects made from plain arguments."""
    count = 1 if text is None else len(text.hidden)
    return model.sample(
        Conditioning(frames=frames, text=text, attributes=attributes, stripped_text=stripped),
        noise=NoiseSource(seed, range(count) if indices is None else indices),
        config=SamplingConfig(num_inference_steps=num_steps, **settings),
        negative=None if negative is None else Conditioning(frames=frames, text=negative),
        init_latent=init_latent,
        latents=latents,
        callback=callback,
    )


def lost(
    model: LatentDiffusion, latent: Tensor, text: TextEmbedding | None, attributes: Any = (), **given: Any
) -> Tensor:
    """`LatentDiffusion.loss` of latents under texts and attributes."""
    return model.loss(latent, Conditioning(frames=latent.shape[-1], text=text, attributes=attributes), **given)


def some_text(batch: int, *, seed: int = 0, tokens: int = 5) -> TextEmbedding:
    hidden = torch.randn(batch, MAX_TOKENS, 32, generator=torch.Generator().manual_seed(seed))
    mask = torch.arange(MAX_TOKENS).expand(batch, -1) < tokens
    return TextEmbedding(hidden * mask[..., None], mask)


class PointMass(nn.Module):
    """The ideal net where all data is `value`: eps = (x_t - alpha value) / sigma, v = alpha eps - sigma value.

    It notes the conditions it is called with.
    """

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value
        self.calls: list[dict[str, Tensor]] = []

    def encode_context(self, context: Tensor, mask: Tensor) -> dict[str, Tensor]:
        return {"tokens": context, "mask": mask}

    def forward(self, x_t: Tensor, t: Tensor, **conditions: Any) -> Tensor:
        read = conditions["context"]
        self.calls.append(read if isinstance(read, dict) else conditions)
        alpha, sigma = (share[:, None, None] for share in alpha_sigma(t))
        return alpha * (x_t - alpha * self.value) / sigma - sigma * self.value
