"""A moving average of the trained weights, kept beside them."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from mousai.errors import UserError
from mousai.training.fsdp import gathered, local_shard, reshard, shard_like


class EMA(Callback):
    """Exponential moving average of the parameters that are trained; validation and samples use it.

    After step n (from 1) the average moves by 1 - d to the weights, d = min(beta, 1 - (1 + n) ** -power): quick at
    first, so that the random start is forgotten. 0.995 and 0.7 are the paper's (arXiv 2301.11757, section 4).

    The average is kept by name, in float32, and sharded over processes where the weights are. No copy of the model is
    made: one that shares closures with the original would go on calling the original's weights.

    Args:
        beta: largest decay, in [0, 1).
        power: how fast the decay rises, above 0.
    """

    def __init__(self, *, beta: float = 0.995, power: float = 0.7) -> None:
        self.beta, self.power = beta, power
        self.step = 0
        self.average: dict[str, Tensor] = {}
        self._loaded: dict[str, Tensor] | None = None

    def decay(self, step: int) -> float:
        """Decay of step `step`, from 1."""
        return min(self.beta, 1 - math.pow(1 + step, -self.power))

    @torch.no_grad()
    def update(self, module: torch.nn.Module) -> None:
        """Move the average towards the weights, one step further."""
        self.step += 1
        weights = _trained(module)
        torch._foreach_lerp_(
            [local_shard(self.average[name]) for name in weights],
            [local_shard(weight.detach()).float() for weight in weights.values()],
            1 - self.decay(self.step),
        )

    @contextmanager
    def averaged(self, module: torch.nn.Module) -> Iterator[None]:
        """The module with the averaged weights inside the block, and with its own, bit for bit, after it."""
        weights = _trained(module)
        own = {name: local_shard(weight.detach()).clone() for name, weight in weights.items()}
        try:
            _copy(self.average, weights)
            reshard(module)
            yield
        finally:
            _copy(own, weights)
            reshard(module)

    # ---- hooks of Lightning

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin with the weights or a checkpoint's average; sharded weights are read after `on_fit_start`."""
        weights = _trained(pl_module)
        if self._loaded is None:
            self.average = {name: weight.detach().float().clone() for name, weight in weights.items()}
            return
        for name in sorted(weights.keys() ^ self._loaded.keys()):
            where = "the checkpoint's average" if name in self._loaded else "the model"
            raise UserError("ema", hint=f"only {where} has {name}; the checkpoint is of another model")
        for name, weight in weights.items():
            if self._loaded[name].shape != weight.shape:
                raise UserError(
                    "ema",
                    hint=f"{name} is {list(self._loaded[name].shape)} in the checkpoint, {list(weight.shape)} here",
                )
        self.average = {name: shard_like(self._loaded[name], weight.detach()) for name, weight in weights.items()}
        self._loaded = None

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any) -> None:
        """After a step of the optimiser (and not after a batch that was only accumulated)."""
        if trainer.global_step > self.step:
            self.update(pl_module)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Validate the average."""
        self._during = self.averaged(pl_module)
        self._during.__enter__()

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Go on with the weights."""
        self._during.__exit__(None, None, None)

    def state_dict(self) -> dict[str, Any]:
        """State for a checkpoint; where weights are sharded, the first process alone has the average."""
        # One tensor at a time is whole, so that an average that no device could hold can still be saved.
        return {"step": self.step, "average": {name: gathered(value) for name, value in self.average.items()}}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with the state of a checkpoint."""
        self.step, self._loaded = state_dict["step"], state_dict["average"]


def _trained(module: torch.nn.Module) -> dict[str, torch.nn.Parameter]:
    return {name: weight for name, weight in module.named_parameters() if weight.requires_grad}


@torch.no_grad()
def _copy(source: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> None:
    for name, weight in target.items():
        local_shard(weight.detach()).copy_(local_shard(source[name]))
