"""A step of stage 2, and its samples."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from dmae import DMAE
from mousai.conditioning.conditioning import Conditioning
from mousai.conditioning.text import T5TextEncoder, TextEmbedding
from mousai.diffusion.latent_diffusion import LatentDiffusion
from mousai.sampling_config import SamplingConfig
from mousai.training.config import LatentDiffusionTrainingConfig
from mousai.training.stages.module import Sound, Stage
from vdiffusion import NoiseSource

SAMPLE_STEPS = 20
"""Steps of the sampler for samples to listen to."""


class LatentDiffusionStage(Stage):
    """Stage 2: `LatentDiffusion.loss` of crops of latents under their captions and attributes.

    Args:
        model: the latent diffusion model.
        text: its text encoder; trained along if `train_text`, else kept beside it and not in checkpoints.
        autoencoder: autoencoder that made the latents, to listen with; neither trained nor in checkpoints.
        config: config of the run.
        train_text: see `text`.
    """

    def __init__(
        self,
        model: LatentDiffusion,
        text: T5TextEncoder,
        autoencoder: DMAE,
        config: LatentDiffusionTrainingConfig,
        *,
        train_text: bool,
    ) -> None:
        super().__init__(config.optimizer, max_steps=config.loop.max_steps)
        self.model, self.config = model, config
        self.text: T5TextEncoder | None = text if train_text else None
        self._beside: dict[str, Any] = {"text": text, "autoencoder": autoencoder}  # a dict, so no submodules
        self.prompts: list[str] = []

    def embed(self, captions: list[str]) -> TextEmbedding:
        """Embed captions, with gradients where the text encoder is trained."""
        encoder = self._beside["text"].to(self.device)
        with torch.set_grad_enabled(self.text is not None and torch.is_grad_enabled()):
            embedding: TextEmbedding = encoder(captions, keep_padding=self.model.config.attend_to_padding)
            return embedding

    def read_text(self, captions: list[str]) -> TextEmbedding | None:
        """Embed captions for a model that reads text."""
        return self.embed(captions) if self.model.config.net.context_features else None

    def conditioning(self, batch: Mapping[str, Any]) -> Conditioning:
        """Conditions of a batch, of all its members."""
        mask = batch.get("known_mask")
        return Conditioning(
            frames=batch["latent"].shape[-1],
            text=self.read_text(batch["caption"]),
            attributes=batch["attributes"],
            controls=batch.get("controls", ()),
            start_seconds=batch["start"],
            known_latent=None if mask is None else batch["latent"],
            known_mask=mask,
        )

    def step_loss(self, batch: Mapping[str, Any]) -> tuple[Tensor, dict[str, Tensor]]:
        """The v-objective."""
        loss = self.model.loss(
            batch["latent"],
            self.conditioning(batch),
            t=batch["t"],
            noise=batch["noise"],
            cond_drop_mask=batch["cond_drop_mask"],
            mask=batch["mask"],
            objective=self.objective,
        )
        return loss, {}

    @torch.no_grad()
    def sounds(self, count: int, seconds: float) -> list[Sound]:
        """Music for the prompts."""
        from mousai.conditioning.attributes import parse_attributes

        prompts = self.prompts[:count]
        if not prompts:
            return []
        autoencoder: DMAE = self._beside["autoencoder"].to(self.device)
        config = autoencoder.config
        samples = round(seconds * config.sample_rate)
        reads_text = bool(self.model.config.net.context_features)
        latent = self.model.sample(
            Conditioning(
                frames=-(-samples // config.hop_length),
                text=self.embed(prompts) if reads_text else None,
                attributes=[parse_attributes(prompt) for prompt in prompts],
            ),
            noise=NoiseSource(self.config.loop.seed, range(len(prompts))),
            config=SamplingConfig(num_inference_steps=SAMPLE_STEPS, guidance_scale=3.0 if reads_text else 1.0),
        )
        waves = autoencoder.decode(latent, length=samples)
        pairs = zip(prompts, waves, strict=True)
        return [Sound(prompt, wave.clamp(-1, 1).cpu(), config.sample_rate) for prompt, wave in pairs]
