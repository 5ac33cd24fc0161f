"""A step of stage 1, and its samples."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from dmae import DMAE
from mousai.training.config import AutoencoderTrainingConfig
from mousai.training.stages.module import Sound, Stage

PARTS = ("diffusion", "magnitude", "attack", "likelihood", "saturation")
"""Parts of the loss that go to the log."""


class AutoencoderStage(Stage):
    """Stage 1: `DMAE.losses` of crops.

    Args:
        model: the autoencoder; parameters of the phase's other part are frozen already.
        config: config of the run.
    """

    def __init__(self, model: DMAE, config: AutoencoderTrainingConfig) -> None:
        super().__init__(config.optimizer, max_steps=config.loop.max_steps)
        if config.phase != "all":
            self.slow = ("net.linear",)  # principal components of the data, which Adam at full rate forgets in a minute
        self.model, self.config = model, config
        self.originals: list[Sound] = []

    def step_loss(self, batch: Mapping[str, Any]) -> tuple[Tensor, dict[str, Tensor]]:
        """The phase's parts of the loss."""
        self.objective.clear()
        losses = self.model.losses(
            batch["wave"],
            t=batch["t"],
            noise=batch["noise"],
            latent_noise=batch.get("latent_noise", 0.0),
            diffusion=self.config.phase in ("all", "decoder"),
            objective=self.objective,
        )
        parts = {key: getattr(losses, key) for key in PARTS}
        return losses.total(attack_weight=self.config.attack_weight), {
            f"loss/{key}": value for key, value in parts.items() if value is not None
        }

    @torch.no_grad()
    def sounds(self, count: int, seconds: float) -> list[Sound]:
        """Originals, each beside its reconstruction."""
        found = []
        for original in self.originals[:count]:
            length = min(original.wave.shape[-1], round(seconds * original.sample_rate))
            wave = original.wave[None, :, :length].to(self.device)
            again = self.model.decode(self.model.encode(wave), length=length)[0]
            found += [
                Sound(f"{original.name}: original", wave[0].cpu(), original.sample_rate),
                Sound(f"{original.name}: decoded", again.clamp(-1, 1).cpu(), original.sample_rate),
            ]
        return found
