"""The two stages as Lightning modules: what one step computes, what is logged of it, and what can be heard."""

import math
import time
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor

from dmae import DMAE
from mousai.conditioning.conditioning import Conditioning
from mousai.conditioning.text import TextEncoder
from mousai.diffusion.latent_diffusion import LatentDiffusion
from mousai.sampling_config import SamplingConfig
from mousai.training.settings import AutoencoderSettings, LatentDiffusionSettings
from mousai.training.settings_parts import Optimizer
from mousai.training.splitting import split
from vdiffusion import Net, NoiseSource, VObjective

SLOW = 0.02
"""Share of the learning rate that weights get which start from something good."""
BINS = 10
"""Bins of the diffusion time, of which each has its own mean loss in the log."""
_FORGET = 0.98


@dataclass(frozen=True)
class Sound:
    """Something to listen to.

    Args:
        name: what it is, such as the prompt.
        wave: [C, T] in [-1, 1].
        sample_rate: Hz.
    """

    name: str
    wave: Tensor
    sample_rate: int


class ByTime(VObjective):
    """The v-objective, which remembers every item's loss and time of its last call."""

    def __init__(self) -> None:
        super().__init__()
        object.__setattr__(self, "last", {})

    def loss(self, net: Net, x: Tensor, *, t: Tensor | None = None, **given: Any) -> Tensor:
        """Return the mean; see `VObjective.loss`."""
        per_item = self.loss_per_item(net, x, t=t, **given)
        self.__dict__["last"] = {"t": t, "loss": per_item.detach()}
        return per_item.mean()


class Stage(LightningModule):
    """What both stages share. `step_loss` takes a batch of `mousai.training.items`.

    A checkpoint says under `SEEN` how many items the run has seen, in all its processes, under `FILES` how many files
    the data has, and under `FIGURES` what was logged last.
    """

    SEEN, FILES, FIGURES = "items_seen", "files", "figures"
    slow: tuple[str, ...] = ()
    """Parts of names of weights that learn at `SLOW` of the rate."""

    def __init__(self, optimizer: Optimizer, *, max_steps: int | None) -> None:
        super().__init__()
        self.optimizer_settings, self.max_steps = optimizer, max_steps
        self.objective = ByTime()
        self.files_of_batch: list[str] = []
        self.by_time: dict[int, float] = {}
        self._waited = self._worked = 0.0
        self._since = time.monotonic()
        self._seen = self._files = 0

    def begin_at(self, seen: int, *, files: int) -> None:
        """Say how many items the run has seen before, and how many files the data has."""
        self._seen, self._files = seen, files

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Say where the data stands and how well it goes."""
        checkpoint |= {self.SEEN: self._seen, self.FILES: self._files}
        checkpoint[self.FIGURES] = {name: float(value) for name, value in self.trainer.callback_metrics.items()}

    @abstractmethod
    def step_loss(self, batch: Mapping[str, Any]) -> tuple[Tensor, dict[str, Tensor]]:
        """Batch -> loss, and figures for the log."""

    @abstractmethod
    def sounds(self, count: int, seconds: float) -> list[Sound]:
        """What to listen to."""

    def configure_model(self) -> None:
        """Split the weights over the processes, where the strategy is of that kind."""
        if self.device_mesh is not None:
            for model in self.children():
                if next(model.parameters(), None) is not None:
                    split(model, self.device_mesh["data_parallel"])

    def transfer_batch_to_device(self, batch: Mapping[str, Any], device: torch.device, dataloader_idx: int) -> Any:
        """Move the tensors; captions and what is stated of the music stay."""
        return {key: value.to(device) if isinstance(value, Tensor) else value for key, value in batch.items()}

    def on_train_batch_start(self, batch: Mapping[str, Any], batch_idx: int) -> None:
        """The time since the last step was spent waiting for this batch."""
        now = time.monotonic()
        self._waited, self._since = now - self._since, now

    def training_step(self, batch: Mapping[str, Any], batch_idx: int) -> Tensor:
        """One step; the loss and its parts go to the log."""
        # Gradients that are still being accumulated have come from these files too.
        begins = batch_idx % self.trainer.accumulate_grad_batches == 0
        self._seen += len(batch["files"]) * self.trainer.world_size
        self.files_of_batch = [*([] if begins else self.files_of_batch), *batch["files"]]
        loss, figures = self.step_loss(batch)
        for t, value in zip(*(self.objective.last[key].tolist() for key in ("t", "loss")), strict=True):  # type: ignore[attr-defined]
            bin_ = min(int(t * BINS), BINS - 1)
            self.by_time[bin_] = _FORGET * self.by_time.get(bin_, value) + (1 - _FORGET) * value
        self.log("loss", loss.detach(), batch_size=len(batch["files"]), sync_dist=True)
        self.log_dict({key: value.detach().float() for key, value in figures.items()})
        self.log_dict({f"loss by t/{bin_ / BINS:.1f}": value for bin_, value in sorted(self.by_time.items())})
        return loss

    def on_train_batch_end(self, outputs: Any, batch: Mapping[str, Any], batch_idx: int) -> None:
        """How fast it goes, and which share of the time was spent waiting for data."""
        now = time.monotonic()
        whole = self._waited + now - self._since
        self._since = now
        self.log("samples per second", len(batch["files"]) * self.trainer.world_size / max(whole, 1e-9))
        self.log("waiting for data", self._waited / max(whole, 1e-9))

    def validation_step(self, batch: Mapping[str, Any], batch_idx: int) -> None:
        """The same loss on what is held out, at times spread evenly."""
        loss, _ = self.step_loss(batch)
        self.log("validation loss", loss, batch_size=len(batch["files"]), sync_dist=True)

    def configure_optimizers(self) -> Any:
        """AdamW on what is trained, with warm-up and perhaps a cosine."""
        chosen = self.optimizer_settings
        fast: list[Tensor] = []
        slow: list[Tensor] = []
        for name, weight in self.named_parameters():
            if weight.requires_grad:
                (slow if any(part in name for part in self.slow) else fast).append(weight)
        groups: list[dict[str, Any]] = [{"params": fast}, {"params": slow, "lr": chosen.learning_rate * SLOW}]
        optimizer = torch.optim.AdamW(
            [group for group in groups if group["params"]],
            lr=chosen.learning_rate,
            betas=chosen.betas,
            eps=chosen.eps,
            weight_decay=chosen.weight_decay,
        )

        def share(step: int) -> float:
            rise = min(1.0, (step + 1) / (chosen.warmup + 1))
            if chosen.schedule == "constant":
                return rise
            assert self.max_steps is not None
            done = min(step / self.max_steps, 1.0)
            return rise * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, share)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step", "name": "rate"}}


class AutoencoderStage(Stage):
    """Stage 1: `DMAE.losses` of crops.

    Args:
        model: what is trained; parameters of the phase's other part are frozen already.
        settings: see there.
    """

    def __init__(self, model: DMAE, settings: AutoencoderSettings) -> None:
        super().__init__(settings.optimizer, max_steps=settings.loop.max_steps)
        if settings.phase != "all":
            self.slow = ("net.linear",)  # principal components of the data, which Adam at full rate forgets in a minute
        self.model, self.settings = model, settings
        self.originals: list[Sound] = []

    def step_loss(self, batch: Mapping[str, Any]) -> tuple[Tensor, dict[str, Tensor]]:
        """The phase's parts of the loss."""
        losses = self.model.losses(
            batch["wave"],
            t=batch["t"],
            noise=batch["noise"],
            latent_noise=batch.get("latent_noise", 0.0),
            diffusion=self.settings.phase in ("all", "decoder"),
            objective=self.objective,
        )
        if self.settings.phase in ("latent", "magnitudes"):
            self.objective.__dict__["last"] = {"t": batch["t"][:0], "loss": batch["t"][:0]}
        parts = {key: getattr(losses, key) for key in ("diffusion", "magnitude", "attack", "likelihood", "saturation")}
        return losses.total(attack_weight=self.settings.attack_weight), {
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


class LatentDiffusionStage(Stage):
    """Stage 2: `LatentDiffusion.loss` of crops of latents under their captions.

    Args:
        model: the generator.
        text: its text encoder; trained along if `train_text`, else held beside and not in checkpoints.
        train_text: see `text`.
        autoencoder: what made the latents, to listen with; not trained, not in checkpoints.
        settings: see there.
    """

    def __init__(
        self,
        model: LatentDiffusion,
        text: TextEncoder,
        autoencoder: DMAE,
        settings: LatentDiffusionSettings,
        *,
        train_text: bool,
    ) -> None:
        super().__init__(settings.optimizer, max_steps=settings.loop.max_steps)
        self.model, self.settings = model, settings
        self.text: TextEncoder | None = text if train_text else None
        self._beside: dict[str, Any] = {"text": text, "autoencoder": autoencoder}  # a dict, so no submodules
        self.prompts: list[str] = []

    def embed(self, captions: list[str]) -> Any:
        """Captions -> embedding, with gradients where the text encoder is trained."""
        encoder = self._beside["text"].to(self.device)
        with torch.set_grad_enabled(self.text is not None and torch.is_grad_enabled()):
            return encoder(captions, keep_padding=self.model.config.attend_to_padding)

    def step_loss(self, batch: Mapping[str, Any]) -> tuple[Tensor, dict[str, Tensor]]:
        """The v-objective."""
        cond = Conditioning(
            frames=batch["latent"].shape[-1],
            text=self.embed(batch["caption"]) if self.model.config.net.context_features else None,
            attributes=batch["stated"],
            start_seconds=batch["start"],
        )
        loss = self.model.loss(
            batch["latent"],
            cond,
            t=batch["t"],
            noise=batch["noise"],
            cond_drop_mask=batch["dropped"],
            mask=batch["mask"],
            objective=self.objective,
        )
        return loss, {}

    @torch.no_grad()
    def sounds(self, count: int, seconds: float) -> list[Sound]:
        """Pieces of the prompts."""
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
            noise=NoiseSource(self.settings.loop.seed, range(len(prompts))),
            config=SamplingConfig(num_inference_steps=20, guidance_scale=3.0 if reads_text else 1.0),
        )
        waves = autoencoder.decode(latent, length=samples)
        pairs = zip(prompts, waves, strict=True)
        return [Sound(prompt, wave.clamp(-1, 1).cpu(), config.sample_rate) for prompt, wave in pairs]
