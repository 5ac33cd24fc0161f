"""A step of a text encoder that learns wordings, and its samples."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from dmae import DMAE
from mousai.conditioning.text import T5TextEncoder, TextEmbedding
from mousai.diffusion.latent_diffusion import LatentDiffusion
from mousai.sampling_config import SamplingConfig
from mousai.training.config import TextEncoderTrainingConfig
from mousai.training.stages.listening import music_for
from mousai.training.stages.module import Sound, Stage
from mousai.training.stages.text_encoder.questions import unexplained
from mousai.training.stages.text_encoder.tempo import tempo_loss
from vdiffusion import NoiseSource


class TextEncoderStage(Stage):
    """A text encoder that learns what its generator makes of other words for the same: distillation (1503.02531).

        prompt ── student ──> embedding ─────┐
        caption ── teacher ──> embedding ────┴── the generator's cross-attentions ──> the same answers

    Args:
        text: the student.
        teacher: the encoder that the generator was trained with; neither trained nor in checkpoints.
        model: the generator, likewise.
        autoencoder: to listen with, likewise.
        questions: inputs of the generator's cross-attentions, see `questions.attention_inputs`.
        defaults: how the model is best sampled.
        config: config of the run.
    """

    def __init__(
        self,
        text: T5TextEncoder,
        *,
        teacher: T5TextEncoder,
        model: LatentDiffusion,
        autoencoder: DMAE,
        questions: Mapping[str, Tensor],
        defaults: SamplingConfig,
        config: TextEncoderTrainingConfig,
    ) -> None:
        super().__init__(config.optimizer, max_steps=config.loop.max_steps)
        self.text, self.config, self.defaults = text, config, defaults
        for part in (teacher, model, autoencoder):
            part.eval().requires_grad_(False)
        self._beside: dict[str, Any] = {"teacher": teacher, "model": model, "autoencoder": autoencoder}
        self._questions = dict(questions)
        self.prompts: list[str] = []

    def step_loss(self, batch: Mapping[str, Any]) -> tuple[Tensor, dict[str, Tensor]]:
        """The share of what the generator hears that is not what the captions mean, and the error of usual tempos."""
        teacher, model = (self._beside[name].to(self.device) for name in ("teacher", "model"))
        with torch.no_grad():
            meant = self._read(teacher, batch["caption"])
        if self.training:  # so that a run that goes on leaves out what it would have left out
            torch.manual_seed(self._generator("dropout").initial_seed())
        heard = self._read(self.text, batch["prompt"])
        loss = unexplained(model, heard, meant, self._asked())
        if self.text.tempo is None:
            return loss, {}
        more, error = tempo_loss(self.text, heard, teacher, meant, prompts=batch["prompt"], captions=batch["caption"])
        return loss + more, {"tempo, octaves off": error}

    def _read(self, encoder: T5TextEncoder, texts: list[str]) -> TextEmbedding:
        kept = self._beside["model"].config.attend_to_padding
        embedding: TextEmbedding = encoder(texts, keep_padding=kept, to_longest=True)
        return embedding

    def _asked(self) -> dict[str, Tensor]:
        """Questions of this step, which what the run has seen before it decides; of a validation always the same."""
        generator = self._generator("questions")
        chosen = {}
        for name, inputs in self._questions.items():
            places = torch.randint(len(inputs), (self.config.queries_per_step,), generator=generator)
            chosen[name] = inputs[places].to(self.device)
        return chosen

    def _generator(self, what: str) -> torch.Generator:
        """Generator of what a step draws, by what the run has seen before it; a validation always draws the same."""
        step = self._seen if self.training else 0
        return NoiseSource(self.config.loop.seed, [step]).generators(what)[0]

    @torch.no_grad()
    def sounds(self, count: int, seconds: float) -> list[Sound]:
        """Music for the prompts."""
        prompts = self.prompts[:count]
        if not prompts:
            return []
        model, autoencoder = (self._beside[name].to(self.device) for name in ("model", "autoencoder"))
        text = self._read(self.text, prompts)
        return music_for(
            prompts,
            text,
            model=model,
            autoencoder=autoencoder,
            seconds=seconds,
            seed=self.config.loop.seed,
            config=self.defaults,
        )
