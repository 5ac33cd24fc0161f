"""One evaluation of each net, and one step of training, ours and the authors', on the same numbers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.speed.models import SCALE, Autoencoders, LatentDiffusions, normal, unmasked
from mousai.conditioning.conditioning import Conditioning
from mousai.diffusion.guided_net import guided_net
from mousai.sampling_config import SamplingConfig

Run = Callable[[], Any]


def without_gradients(run: Run) -> Run:
    """The same without recording gradients, as both libraries sample."""

    def inside() -> Any:
        with torch.no_grad():
            return run()

    return inside


def under_autocast(run: Run, *, enabled: bool = True) -> Run:
    """The same under autocast to bfloat16."""

    def inside() -> Any:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
            return run()

    return inside


@dataclass(frozen=True)
class DecoderStep:
    """Stage 1: one evaluation of the decoder at [batch, 2, samples], learned transform included."""

    models: Autoencoders
    samples: int
    batch: int = 1

    def inputs(self) -> tuple[Tensor, Tensor, Tensor]:
        """Noisy waveform, time, latent."""
        config = self.models.ours.config
        frames = self.samples // config.hop_length
        x = normal(self.batch, config.audio_channels, self.samples)
        return x, torch.full((self.batch,), 0.5), normal(self.batch, config.latent_channels, frames, seed=1).tanh()

    def ours(self) -> Run:
        """Ours, in the dtype that its decoder has now."""
        x, t, latent = self.inputs()
        return without_gradients(lambda: self.models.ours.denoise(x, t, latent=latent))

    def theirs(self) -> Run:
        """Theirs."""
        x, t, latent = self.inputs()
        channels = [None] * self.models.ours.config.latent_depth + [latent]
        return without_gradients(lambda: self.models.theirs.net(x, t, channels=channels))


@dataclass(frozen=True)
class GuidedStep:
    """Stage 2: one guided evaluation of the latent diffusion at [batch, 32, frames], both branches."""

    models: LatentDiffusions
    frames: int
    batch: int = 1

    def inputs(self) -> tuple[Tensor, Tensor, Tensor]:
        """Noisy latent, time, text embedding."""
        config = self.models.ours.config
        x = normal(self.batch, config.net.in_channels, self.frames)
        text = normal(self.batch, config.max_tokens, config.net.context_features, seed=1)
        return x, torch.full((self.batch,), 0.5), text

    def ours(self) -> Run:
        """Ours, as `LatentDiffusion.sample` evaluates it, in the dtype that its net has now."""
        x, t, hidden = self.inputs()
        cond = Conditioning(frames=self.frames, text=unmasked(hidden))
        with torch.no_grad():
            net, conditions = guided_net(self.models.ours, cond, SamplingConfig(guidance_scale=SCALE), batch=self.batch)
        return without_gradients(lambda: net(x, t, **conditions))

    def theirs(self) -> Run:
        """Theirs."""
        x, t, text = self.inputs()
        return without_gradients(lambda: self.models.theirs.net(x, t, embedding=text, embedding_scale=SCALE))


def training_of_decoder(models: Autoencoders, *, batch: int, samples: int, autocast: bool) -> tuple[Run, Run]:
    """Loss and gradients of stage 1, encoder included: ours (its loss autocast to bfloat16, or not), theirs."""
    wave = 0.3 * normal(batch, models.ours.config.audio_channels, samples)
    loss = under_autocast(lambda: models.ours.losses(wave).total(), enabled=autocast)

    def ours() -> None:
        _backward(loss(), models.ours)

    def theirs() -> None:
        _backward(models.theirs(wave), models.theirs)

    return ours, theirs


def training_of_latent_diffusion(
    models: LatentDiffusions, *, batch: int, frames: int, autocast: bool
) -> tuple[Run, Run]:
    """Loss and gradients of stage 2: ours (its loss autocast to bfloat16, or not), theirs."""
    config = models.ours.config
    latent = normal(batch, config.net.in_channels, frames)
    hidden = normal(batch, config.max_tokens, config.net.context_features, seed=1)
    cond = Conditioning(frames=frames, text=unmasked(hidden))

    loss = under_autocast(lambda: models.ours.loss(latent, cond, cond_drop_prob=0.1), enabled=autocast)

    def ours() -> None:
        _backward(loss(), models.ours)

    def theirs() -> None:
        _backward(models.theirs(latent, embedding=hidden, embedding_mask_proba=0.1), models.theirs)

    return ours, theirs


def _backward(loss: Tensor, model: nn.Module) -> None:
    loss.backward()
    model.zero_grad(set_to_none=True)
