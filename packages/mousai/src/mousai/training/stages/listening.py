"""Music for prompts while a generator or its text encoder is trained."""

from collections.abc import Sequence

import torch

from dmae import DMAE
from mousai.conditioning.attributes import parse_attributes
from mousai.conditioning.conditioning import Conditioning
from mousai.conditioning.text import TextEmbedding
from mousai.diffusion.latent_diffusion import LatentDiffusion
from mousai.sampling_config import SamplingConfig
from mousai.training.stages.module import Sound
from vdiffusion import NoiseSource


@torch.no_grad()
def music_for(
    prompts: Sequence[str],
    text: TextEmbedding | None,
    *,
    model: LatentDiffusion,
    autoencoder: DMAE,
    seconds: float,
    seed: int,
    config: SamplingConfig,
) -> list[Sound]:
    """A piece for each prompt.

    Args:
        prompts: sentences, one or more.
        text: their embeddings; `None` for a model that reads no text.
        model: the generator.
        autoencoder: what decodes its latents.
        seconds: length of a piece.
        seed: seed of the pieces.
        config: how they are sampled.
    """
    rate, hop = autoencoder.config.sample_rate, autoencoder.config.hop_length
    samples = round(seconds * rate)
    latent = model.sample(
        Conditioning(frames=-(-samples // hop), text=text, attributes=[parse_attributes(prompt) for prompt in prompts]),
        noise=NoiseSource(seed, range(len(prompts))),
        config=config,
    )
    waves = autoencoder.decode(latent, length=samples)
    return [Sound(prompt, wave.clamp(-1, 1).cpu(), rate) for prompt, wave in zip(prompts, waves, strict=True)]
