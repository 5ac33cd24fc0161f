"""Distillation of stage 2: a model learns to do in one evaluation, and in fewer steps, what its teacher does in more.

    x_t ── teacher, guided (2 or 3 evaluations) ──> v                       steps=0: guidance (2210.03142, section 3.1)
    x_t ── teacher, guided ── DDIM ── teacher ──> x_s ── the v of one step ──> v         steps=N (2202.00512, section 3)

The student reads the guidance scales. Its teacher may read them too, or be guided as in sampling.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dmae import DMAE
from mousai.conditioning.attributes import MusicAttributes, strip_attributes
from mousai.conditioning.conditioning import Conditioning
from mousai.conditioning.controls import Controls
from mousai.conditioning.text import T5TextEncoder, TextEmbedding
from mousai.diffusion.conditions import without_prompt
from mousai.diffusion.config import LatentDiffusionConfig
from mousai.diffusion.guided_net import guided_net, scales_read
from mousai.diffusion.latent_diffusion import LatentDiffusion
from mousai.errors import UserError
from mousai.sampling_config import SamplingConfig
from mousai.storage.folders import latent_diffusion_config
from mousai.training.config import LatentDiffusionTrainingConfig
from mousai.training.sources import model_folder
from mousai.training.stages.latent_diffusion.module import LatentDiffusionStage
from vdiffusion import KeepKnown, NoiseSource, time_grid, to_noisy, two_step_target


class DistillationStage(LatentDiffusionStage):
    """Stage 2 under a teacher; the text encoder is the teacher's, and stays as it is.

    Args:
        model: student; begins as the teacher, with the guidance scales among its inputs.
        teacher: model to learn from; neither trained nor in checkpoints.
        text: their text encoder.
        autoencoder: autoencoder that made the latents.
        config: config of the run, with `distill_from`.
    """

    def __init__(
        self,
        model: LatentDiffusion,
        teacher: LatentDiffusion,
        text: T5TextEncoder,
        autoencoder: DMAE,
        config: LatentDiffusionTrainingConfig,
    ) -> None:
        super().__init__(model, text, autoencoder, config, train_text=False)
        self._beside["teacher"] = teacher.eval().requires_grad_(False)
        steps = config.distillation.steps
        # Every second of the teacher's times is one of the student's, and those between are where it goes through.
        self._grid = time_grid(2 * steps, kind=config.distillation.time_grid).float() if steps else None

    def step_loss(self, batch: Mapping[str, Any]) -> tuple[Tensor, dict[str, Tensor]]:
        """Mean square error of the student's v against the teacher's."""
        latent, noise = batch["latent"] / self.model.config.latent_std, batch["noise"]
        cond = self._asked(batch)
        settings = self._settings()
        t, target = self._target(cond, latent, noise, batch["t"], settings)
        mask = batch["mask"] if cond.known_mask is None else batch["mask"] & ~cond.known_mask
        conditions = self.model.net_conditions(cond, len(latent), scales=scales_read(cond, settings))
        loss = self.objective.loss(self.model.denoise, latent, t=t, noise=noise, target=target, mask=mask, **conditions)
        return loss, {}

    def _asked(self, batch: Mapping[str, Any]) -> Conditioning:
        """Conditions of the batch; of members without them the embedding for no prompt, and nothing told."""
        cond, dropped = self.conditioning(batch), batch["cond_drop_mask"]
        away = dropped.tolist()
        return replace(
            cond,
            text=self._without_prompt(cond.text, dropped),
            stripped_text=self._without_prompt(
                self.read_text([strip_attributes(one) for one in batch["caption"]]), dropped
            ),
            attributes=[MusicAttributes() if out else one for out, one in zip(away, cond.attributes, strict=True)],
            controls=[Controls() if out else one for out, one in zip(away, cond.controls, strict=True)]
            if cond.controls
            else (),
        )

    @torch.no_grad()
    def _without_prompt(self, text: TextEmbedding | None, dropped: Tensor) -> TextEmbedding | None:
        if text is None or not self.model.config.max_tokens:
            return text
        return without_prompt(text, self.model.null(len(dropped), text.mask.shape[1]), dropped)

    def _settings(self) -> SamplingConfig:
        """Guidance scales of the batch, by what the run has seen before it."""
        drawn = torch.rand(2, generator=NoiseSource(self.config.loop.seed, [self._seen]).generators("guidance")[0])
        config = self.config.distillation
        ranges = (config.guidance, config.attribute_guidance)
        guidance, lead = (low + (high - low) * float(u) for (low, high), u in zip(ranges, drawn, strict=True))
        return SamplingConfig(guidance_scale=guidance, attribute_guidance_scale=lead)

    @torch.no_grad()
    def _target(
        self, cond: Conditioning, latent: Tensor, noise: Tensor, t: Tensor, settings: SamplingConfig
    ) -> tuple[Tensor, Tensor]:
        """Times [B], and the v to learn there [B, C, L]."""
        net, conditions = guided_net(self._beside["teacher"].to(self.device), cond, settings, batch=len(latent))
        if cond.known_mask is not None and self.model.reads_known:
            net = KeepKnown(net, source=latent, mask=cond.known_mask)
        if self._grid is None:
            x_t = to_noisy(latent, noise, t)
            return t, net(x_t, t, **conditions).float()
        # t is uniform: it draws one of the student's steps.
        steps = len(self._grid) // 2
        step = 2 * (t * steps).long().clamp(max=steps - 1)
        start, middle, end = (self._grid.to(t.device)[step + ahead] for ahead in range(3))
        x_t = to_noisy(latent, noise, start)
        return start, two_step_target(net, x_t, start=start, middle=middle, end=end, conditions=conditions)


def teacher_folder(config: LatentDiffusionTrainingConfig) -> Path:
    """Folder of the model that a run learns from."""
    assert config.distill_from is not None
    return model_folder(config.distill_from, field="distill_from", need=["latent_diffusion"])


def check_teacher(student: LatentDiffusionConfig, config: LatentDiffusionTrainingConfig) -> None:
    """Check, before anything is loaded, that a student can begin from one model and learn from the other.

    Args:
        student: sizes of the model that it begins as.
        config: config of the run.

    Raises:
        UserError: they are of other sizes, or the student has no way to read the guidance scales.
    """
    folder = teacher_folder(config)
    if not student.net.global_features:
        hint = "reads no guidance scales: its U-Net has no global condition (net.global_features is 0)"
        raise UserError("start_from", config.start_from, hint)
    teacher = latent_diffusion_config(folder)
    if not teacher.net.global_features or teacher.with_guidance_inputs() != student.with_guidance_inputs():
        raise UserError("distill_from", config.distill_from, f"is of other sizes than the model of {config.start_from}")


def sampling_defaults(config: Mapping[str, Any], defaults: SamplingConfig) -> SamplingConfig:
    """Settings that a distilled model is best run with: those of its teacher, in the steps that it learned.

    Args:
        config: content of the run's config.json.
        defaults: settings of the model that the run started from.
    """
    distillation = config.get("distillation") or {}
    if not config.get("distill_from") or not distillation["steps"]:
        return defaults
    return replace(
        defaults, num_inference_steps=distillation["steps"], time_grid=distillation["time_grid"], sampler="ddim"
    )
