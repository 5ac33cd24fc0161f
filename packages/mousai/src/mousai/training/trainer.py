"""Lightning's trainer and the loaders of a run, made from its config."""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Callback, Trainer
from torch.utils.data import DataLoader

from mousai.device import resolve_device
from mousai.errors import UserError
from mousai.training.callbacks.loggers import make_logger
from mousai.training.checkpoint_files import StraightToFile
from mousai.training.config import TrainingConfig
from mousai.training.data.index_sampler import IndexSampler, collate
from mousai.training.data.loader import ItemLoader
from mousai.training.fsdp import FSDP, fsdp_strategy
from mousai.training.resident.batches import ResidentBatches
from mousai.training.stages.experiment import VALIDATION_ITEMS, Experiment


def make_trainer(
    config: TrainingConfig, out: Path, *, start: int, validate: int, callbacks: Sequence[Callback]
) -> Trainer:
    """Lightning's trainer for a run.

    Args:
        config: config of the run.
        out: folder of the run.
        start: step at which it begins or goes on.
        validate: steps between two validations; 0 for none.
        callbacks: hooks, in their order.
    """
    loop = config.loop
    return Trainer(
        **_machine(config),
        max_steps=-1 if loop.max_steps is None else loop.max_steps,
        max_epochs=-1,
        accumulate_grad_batches=loop.accumulate,
        gradient_clip_val=config.optimizer.clip,
        val_check_interval=validate * loop.accumulate if validate else None,
        limit_val_batches=1.0 if validate else 0,
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        log_every_n_steps=config.logging.log_every,
        logger=make_logger(config.logging.logger, out, start=start),
        callbacks=list(callbacks),
        plugins=[StraightToFile()],
        inference_mode=loop.strategy != FSDP,  # what is gathered in it is of no use to a backward pass
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )


def check_trainer(config: TrainingConfig) -> None:
    """Have Lightning look at the settings of the machine, before songs are read: it checks them when it is made.

    Raises:
        UserError: it refuses them; one line with its reason.
    """
    loop = config.loop
    try:
        with quiet_lightning():
            Trainer(
                **_machine(config),
                logger=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
            )
    except UserError:
        raise
    except (ValueError, TypeError, KeyError, RuntimeError, ImportError, MisconfigurationException) as error:
        field = "devices" if loop.strategy in ("auto", FSDP) else "strategy"
        why = " ".join(str(error).split())[:300]
        hint = f"is not possible here with loop.precision={loop.precision}: {why}"
        raise UserError(f"loop.{field}", getattr(loop, field), hint) from error


def _machine(config: TrainingConfig) -> dict[str, Any]:
    """Arguments of Lightning's trainer that say on what it computes."""
    accelerator, devices = lightning_device(config)
    return {
        "accelerator": accelerator,
        "devices": devices,
        "num_nodes": config.loop.nodes,
        "strategy": _strategy(config),
        "precision": config.loop.precision,
    }


def _strategy(config: TrainingConfig) -> Any:
    loop = config.loop
    if loop.strategy != FSDP:
        return loop.strategy
    return fsdp_strategy(nodes=loop.nodes, devices=lightning_device(config)[1])


def lightning_device(config: TrainingConfig) -> tuple[str, Any]:
    """Accelerator and devices in Lightning's words, of `device` and `loop.devices`.

    Raises:
        UserError: there is no such device, or a device by its number beside a number of devices.
    """
    device, devices = resolve_device(config.device), config.loop.devices
    if config.loop.resident and device.type == "cuda":
        return "cuda", [device.index or 0]  # the data lies on this one
    if device.index is not None:
        if devices not in ("auto", 1):
            hint = f"is one GPU; leave loop.devices out, or give device={device.type}"
            raise UserError("device", config.device, hint)
        return device.type, [device.index]
    # One process on a CPU takes all its cores.
    return device.type, 1 if device.type == "cpu" and devices == "auto" else devices


def train_loader(
    experiment: Experiment, config: TrainingConfig, *, first: int, rank: int, world: int
) -> DataLoader[Any]:
    """Batches to train on, from item `first` on."""
    if experiment.resident:
        return DataLoader(ResidentBatches(batch=config.loop.batch, first=first), batch_size=None)
    assert experiment.train is not None
    sampler = IndexSampler(first=first, rank=rank, world=world)
    return ItemLoader(experiment.train, batch=config.loop.batch, sampler=sampler, workers=config.loop.workers)


def validation_loader(experiment: Experiment, config: TrainingConfig) -> DataLoader[dict[str, Any]]:
    """Batches to validate on."""
    if experiment.resident:
        return DataLoader(ResidentBatches(batch=config.loop.batch, count=VALIDATION_ITEMS), batch_size=None)
    assert experiment.validation is not None
    return DataLoader(experiment.validation, batch_size=config.loop.batch, collate_fn=collate)


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Silence Lightning's advice that does not concern the user."""
    logs = [
        logging.getLogger(name)
        for name in ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero")
    ]
    before = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.WARNING)
    with warnings.catch_warnings():
        for message in _ADVICE:
            warnings.filterwarnings("ignore", message=message)
        try:
            yield
        finally:
            for log, level in zip(logs, before, strict=True):
                log.setLevel(level)


_ADVICE = (
    ".*does not have many workers.*",  # the user says how many
    ".*have no .val_dataloader.*",  # no files are for validation
    ".*resuming from a checkpoint that ended before the epoch ended.*",  # items are numbered, see `IndexSampler`
    ".*isinstance.treespec, LeafSpec.*",  # of torch, about Lightning
)
