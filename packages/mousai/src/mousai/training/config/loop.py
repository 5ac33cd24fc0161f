"""Settings of a run: its length, its machine, its checkpoints and its log."""

import math
from dataclasses import dataclass, field
from typing import Literal

from mousai.errors import UserError
from mousai.training.config.checks import check_above, check_least

Precision = Literal["32-true", "bf16-mixed", "16-mixed"]


@dataclass(frozen=True, kw_only=True)
class LoopConfig:
    """Length, batches and machine of a run.

    Args:
        max_steps: steps of the optimiser after which training ends; needed unless max_time is given.
        max_time: time after which training ends, in seconds or as days:hours:minutes:seconds, such as 00:08:00:00.
        batch: items per step on each device.
        accumulate: batches per step of the optimiser.
        workers: processes on each device that read and cut items; 0 reads between the steps.
        precision: 32-true, bf16-mixed (recent GPUs and CPUs) or 16-mixed.
        devices: number of devices in each machine, or auto for all.
        nodes: number of machines.
        strategy: one of Lightning's: auto, ddp, ...; or fsdp, which splits weights and averages over the devices.
        activation_checkpointing: compute activations again instead of keeping them: half the memory, a third more time.
        compile: compile the U-Net with torch.compile.
        not_finite: what a loss or gradient that is NaN or infinite does: stop ends the run before the step, skip leaves
            the step out, counts it, and ends the run after many.
        resident: keep all data in the device's memory and cut batches there, for small models on a fast GPU.
        cuda_graph: replay the U-Net as CUDA graphs in training, for small models, whose kernels Python starts more
            slowly than a GPU runs them; does nothing on other devices.
        seed: seed of all that is drawn.
        shards: folder of this machine for shards that lie elsewhere; by default below the user's cache.
        shards_gb: size that this folder may reach, in gigabytes; 32 shards should fit.
    """

    max_steps: int | None = None
    max_time: str | None = None
    batch: int = 8
    accumulate: int = 1
    workers: int = 2
    precision: Precision = "32-true"
    devices: int | Literal["auto"] = "auto"
    nodes: int = 1
    strategy: str = "auto"
    activation_checkpointing: bool = False
    compile: bool = False
    not_finite: Literal["stop", "skip"] = "stop"
    resident: bool = False
    cuda_graph: bool = False
    seed: int = 0
    shards: str | None = None
    shards_gb: float = 100.0

    def __post_init__(self) -> None:
        """Check every value."""
        if self.shards == "":
            raise UserError("loop.shards", "", "is empty; give a folder, or leave it out")
        for name in ("batch", "accumulate", "nodes"):
            check_least(f"loop.{name}", getattr(self, name), 1)
        check_least("loop.workers", self.workers, 0)
        check_least("loop.seed", self.seed, 0)
        check_above("loop.shards_gb", self.shards_gb, 0)
        if self.max_steps is not None:
            check_least("loop.max_steps", self.max_steps, 1)
        if self.max_time is not None:
            seconds_of(self.max_time)
        if self.devices != "auto":
            check_least("loop.devices", self.devices, 1)
        if self.resident and (self.nodes > 1 or self.devices not in ("auto", 1) or self.strategy != "auto"):
            raise UserError("loop.resident", True, "is for one device; leave devices, nodes and strategy as they are")
        if self.cuda_graph and (self.compile or self.activation_checkpointing or self.strategy != "auto"):
            hint = "does not go with loop.compile, loop.activation_checkpointing or loop.strategy; leave these out"
            raise UserError("loop.cuda_graph", True, hint)


def seconds_of(max_time: str) -> float:
    """Seconds of a time, which is a number of seconds or "days:hours:minutes:seconds".

    Raises:
        UserError: it is neither, or zero.
    """
    parts = max_time.split(":")
    try:
        if len(parts) == 1:
            seconds = float(max_time)
        elif len(parts) == 4 and all(part.isdecimal() for part in parts):
            days, hours, minutes, rest = map(int, parts)
            seconds = float(((days * 24 + hours) * 60 + minutes) * 60 + rest)
        else:
            seconds = 0.0
    except ValueError:
        seconds = 0.0
    if not (math.isfinite(seconds) and seconds > 0):
        raise UserError("loop.max_time", max_time, "must be seconds or days:hours:minutes:seconds, as 00:08:00:00")
    return seconds


@dataclass(frozen=True, kw_only=True)
class Checkpointing:
    """Checkpoints, from which an interrupted run goes on.

    Args:
        every_steps: steps between two checkpoints; 0 for none but the last.
        every_minutes: minutes between two checkpoints; 0 for none but the last.
        keep: how many of the newest are kept.
    """

    every_steps: int = 0
    every_minutes: float = 10.0
    keep: int = 2

    def __post_init__(self) -> None:
        """Check every value."""
        check_least("checkpointing.every_steps", self.every_steps, 0)
        check_least("checkpointing.every_minutes", self.every_minutes, 0)
        check_least("checkpointing.keep", self.keep, 1)


@dataclass(frozen=True, kw_only=True)
class Logging:
    """Log, validation and samples of a run.

    Args:
        logger: tensorboard, csv, or wandb (if it is installed).
        log_every: steps between two lines of the log.
        validate_every: steps between two validations; 0 for none.
        validation_share: share of the files that only validation uses; 0 for none.
        listen_every: steps between two times that samples are made; 0 for none.
        listen_count: samples each time.
        listen_seconds: length of a sample in seconds.
        prompts: prompts of the samples of stage 2 and of a text encoder; without any, captions of songs for
            validation, or prompts of pairs.
    """

    logger: Literal["tensorboard", "csv", "wandb"] = "tensorboard"
    log_every: int = 10
    validate_every: int = 500
    validation_share: float = 0.02
    listen_every: int = 1000
    listen_count: int = 2
    listen_seconds: float = 10.0
    prompts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Check every value."""
        for name, least in (("log_every", 1), ("validate_every", 0), ("listen_every", 0), ("listen_count", 1)):
            check_least(f"logging.{name}", getattr(self, name), least)
        check_above("logging.listen_seconds", self.listen_seconds, 0)
        if not 0 <= self.validation_share < 0.5:
            raise UserError("logging.validation_share", self.validation_share, "must be 0 or more, below 0.5")
