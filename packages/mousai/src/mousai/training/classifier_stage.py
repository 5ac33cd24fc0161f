"""The classifier of latents as a Lightning module."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from mousai.conditions import unstated
from mousai.latent_classifier import LatentClassifier
from mousai.text import TextEncoder
from mousai.training.modules import Sound, Stage
from mousai.training.settings import ClassifierSettings


class ClassifierStage(Stage):
    """`LatentClassifier.loss` of crops of latents with what is known of them.

    Args:
        model: what is trained.
        text: of which the tokenizer reads the captions.
        settings: see there.
    """

    def __init__(self, model: LatentClassifier, text: TextEncoder, settings: ClassifierSettings) -> None:
        super().__init__(settings.optimizer, max_steps=settings.loop.max_steps)
        self.model, self.settings = model, settings
        self._beside = {"text": text}  # a dict, so no submodule

    def step_loss(self, batch: Mapping[str, Any]) -> tuple[Tensor, dict[str, Tensor]]:
        """The cross-entropies."""
        captions = [unstated(caption) for caption in batch["caption"]]  # key and lead have answers of their own
        tokens, token_mask = (part.to(self.device) for part in self._beside["text"].tokens(captions))
        loss, figures = self.model.loss(
            batch["latent"],
            tokens,
            token_mask,
            batch["stated"],
            t=batch["t"],
            noise=batch["noise"],
            mask=batch["mask"],
        )
        # A caption is told apart within its batch: no item has a loss of its own.
        self.objective.__dict__["last"] = {"t": batch["t"][:0], "loss": batch["t"][:0]}
        return loss, {f"loss/{name}" if "/" not in name else name: value for name, value in figures.items()}

    def sounds(self, count: int, seconds: float) -> list[Sound]:
        """None: it makes none."""
        return []
