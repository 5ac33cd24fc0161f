"""A step of stage 2, and its samples."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from dmae import DMAE
from mousai.conditioning.conditioning import Conditioning
from mousai.conditioning.text import T5TextEncoder, TextEmbedding
from mousai.diffusion.latent_diffusion import LatentDiffusion
from mousai.sampling_config import SamplingConfig
from mousai.training.config import LatentDiffusionTrainingConfig
from mousai.training.stages.listening import music_for
from mousai.training.stages.module import Sound, Stage

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

    def beside(self, part: str) -> nn.Module:
        """A part that steps read and checkpoints do not hold, such as "text"."""
        found: nn.Module = self._beside[part]
        return found

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
        prompts = self.prompts[:count]
        if not prompts:
            return []
        text = self.read_text(prompts)
        return music_for(
            prompts,
            text,
            model=self.model,
            autoencoder=self._beside["autoencoder"].to(self.device),
            seconds=seconds,
            seed=self.config.loop.seed,
            config=SamplingConfig(num_inference_steps=SAMPLE_STEPS, guidance_scale=1.0 if text is None else 3.0),
        )
