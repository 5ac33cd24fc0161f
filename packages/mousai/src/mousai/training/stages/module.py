"""A stage as a Lightning module: what both stages share of a step, its log and its optimiser."""

import math
import time
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor

from mousai.training.config import OptimizerConfig
from mousai.training.fsdp import shard
from mousai.training.resident.batches import ResidentData, on_device
from mousai.training.stages.loss_by_timestep import LossByTimestep

SLOW = 0.02
"""Share of the learning rate for weights that start from something good."""
FLOOR = 0.02
"""Share of the learning rate at which a cosine ends."""


@dataclass(frozen=True)
class Sound:
    """Something to listen to.

    Args:
        name: what it is, such as the prompt.
        wave: waveform [C, T] in [-1, 1].
        sample_rate: Hz.
    """

    name: str
    wave: Tensor
    sample_rate: int


class Stage(LightningModule):
    """Common part of both stages. `step_loss` takes a batch of crops.

    A checkpoint says under `SEEN` how many items the run has seen, in all its processes, under `FILES` how many files
    the data has, and under `FIGURES` what was logged last.

    Args:
        optimizer: how weights move.
        max_steps: steps after which training ends, `None` where time ends it.
    """

    SEEN, FILES, FIGURES = "items_seen", "files", "figures"
    slow: tuple[str, ...] = ()
    """Parts of names of weights that learn at `SLOW` of the rate."""

    def __init__(self, optimizer: OptimizerConfig, *, max_steps: int | None) -> None:
        super().__init__()
        self.optimizer_config, self.max_steps = optimizer, max_steps
        self.objective = LossByTimestep()
        self.resident: ResidentData | None = None
        self.files_of_batch: list[str] = []
        self.time_progress: Callable[[], float] | None = None
        self._waited = self._worked = 0.0
        self._since = time.monotonic()
        self._seen = self._files = 0

    def begin_at(self, seen: int, *, files: int, time_progress: Callable[[], float] | None = None) -> None:
        """Tell where the run stands.

        Args:
            seen: items that the run has seen before.
            files: files that the data has.
            time_progress: share of the run's time that has passed, where time ends it.
        """
        self._seen, self._files, self.time_progress = seen, files, time_progress

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Store where the data stands and the last figures."""
        checkpoint |= {self.SEEN: self._seen, self.FILES: self._files}
        checkpoint[self.FIGURES] = {name: float(value) for name, value in self.trainer.callback_metrics.items()}

    @abstractmethod
    def step_loss(self, batch: Mapping[str, Any]) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss of a batch, and figures for the log."""

    @abstractmethod
    def sounds(self, count: int, seconds: float) -> list[Sound]:
        """Samples to listen to."""

    def configure_model(self) -> None:
        """Shard the weights over the processes, where the strategy is FSDP."""
        if self.device_mesh is not None:
            for model in self.children():
                if next(model.parameters(), None) is not None:
                    shard(model, self.device_mesh["data_parallel"])

    def transfer_batch_to_device(self, batch: Mapping[str, Any], device: torch.device, dataloader_idx: int) -> Any:
        """Move the tensors; captions and attributes stay. Resident data is cut here, on the device."""
        if self.resident is not None:
            return on_device(self.resident, dict(batch))
        return {key: value.to(device) if isinstance(value, Tensor) else value for key, value in batch.items()}

    def on_train_batch_start(self, batch: Mapping[str, Any], batch_idx: int) -> None:
        """Measure the time since the last step, which was spent waiting for this batch."""
        now = time.monotonic()
        self._waited, self._since = now - self._since, now

    def training_step(self, batch: Mapping[str, Any], batch_idx: int) -> Tensor:
        """One step; the loss and its parts go to the log."""
        # Gradients that are still being accumulated have come from these files too.
        begins = batch_idx % self.trainer.accumulate_grad_batches == 0
        self._seen += len(batch["files"]) * self.trainer.world_size
        self.files_of_batch = [*([] if begins else self.files_of_batch), *batch["files"]]
        loss, figures = self.step_loss(batch)
        self.log("loss", loss.detach(), batch_size=len(batch["files"]), sync_dist=True)
        self.log_dict({key: value.detach().float() for key, value in figures.items()})
        self.log_dict(self.objective.update_means())
        return loss

    def on_train_batch_end(self, outputs: Any, batch: Mapping[str, Any], batch_idx: int) -> None:
        """Log how fast it goes, and which share of the time was spent waiting for data."""
        now = time.monotonic()
        whole = self._waited + now - self._since
        self._since = now
        self.log("samples per second", len(batch["files"]) * self.trainer.world_size / max(whole, 1e-9))
        self.log("waiting for data", self._waited / max(whole, 1e-9))

    def validation_step(self, batch: Mapping[str, Any], batch_idx: int) -> None:
        """The same loss on files for validation, at times spread evenly."""
        loss, _ = self.step_loss(batch)
        self.log("validation loss", loss, batch_size=len(batch["files"]), sync_dist=True)

    def configure_optimizers(self) -> Any:
        """AdamW on what is trained, with warm-up and perhaps a cosine."""
        chosen = self.optimizer_config
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
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self.rate_share)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step", "name": "rate"}}

    def rate_share(self, step: int) -> float:
        """Share of the learning rate at a step: a linear rise, then constant or a cosine over steps or time."""
        rise = min(1.0, (step + 1) / (self.optimizer_config.warmup + 1))
        if self.optimizer_config.schedule == "constant":
            return rise
        if self.max_steps is not None:
            progress = min(step / self.max_steps, 1.0)
        else:
            assert self.time_progress is not None
            progress = self.time_progress()
        return rise * (FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * progress)))
