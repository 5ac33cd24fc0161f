"""The parts of the settings of `mousai train`, each checked before anything is loaded."""

import math
from dataclasses import dataclass, field
from typing import Any, Literal

from mousai.errors import UserError
from mousai.training.times import Times

Precision = Literal["32-true", "bf16-mixed", "16-mixed"]


def check_above(name: str, value: Any, least: float) -> None:
    """Refuse a number that is not above `least`."""
    if not (math.isfinite(value) and value > least):
        raise UserError(f"{name}={value}: must be above {least}")


def check_least(name: str, value: Any, least: float) -> None:
    """Refuse a number below `least`."""
    if not (math.isfinite(value) and value >= least):
        raise UserError(f"{name}={value}: must be {least} or more")


@dataclass(frozen=True, kw_only=True)
class Optimizer:
    """AdamW and its learning rate.

    Args:
        learning_rate: at its highest.
        betas: decay of the gradient's mean and of its square's.
        eps: added to the root of the square.
        weight_decay: pull of the weights towards zero.
        schedule: "constant", or "cosine" down to a fiftieth over max_steps.
        warmup: steps over which the rate rises at first.
        clip: largest norm of the gradient; longer ones are shortened.
    """

    learning_rate: float = 1e-4
    betas: tuple[float, float] = (0.95, 0.999)
    eps: float = 1e-6
    weight_decay: float = 1e-3
    schedule: Literal["constant", "cosine"] = "constant"
    warmup: int = 0
    clip: float = 1.0

    def __post_init__(self) -> None:
        """Check every value."""
        for name in ("learning_rate", "eps", "clip"):
            check_above(f"optimizer.{name}", getattr(self, name), 0)
        check_least("optimizer.warmup", self.warmup, 0)
        check_least("optimizer.weight_decay", self.weight_decay, 0)
        if not all(0 <= beta < 1 for beta in self.betas):
            raise UserError(f"optimizer.betas={list(self.betas)}: both must lie in [0, 1)")


@dataclass(frozen=True, kw_only=True)
class Average:
    """The moving average of the trained weights, which is what validation, samples and the exported model use.

    Args:
        beta: largest decay per step.
        power: how fast the decay rises to it: 1 - (1 + step) ** -power.
    """

    beta: float = 0.995
    power: float = 0.7

    def __post_init__(self) -> None:
        """Check every value."""
        if not 0 <= self.beta < 1:
            raise UserError(f"ema.beta={self.beta}: must lie in [0, 1); 0 takes the last weights")
        check_above("ema.power", self.power, 0)


@dataclass(frozen=True, kw_only=True)
class Loop:
    """How long, in what batches, on what machine.

    Args:
        max_steps: steps of the optimiser after which training ends; needed unless max_time is given.
        max_time: the same as time "days:hours:minutes:seconds", such as 00:08:00:00.
        batch: items per step on each device.
        accumulate: batches per step of the optimiser.
        workers: processes on each device that read and cut items; 0 reads between the steps.
        precision: 32-true, bf16-mixed (recent graphics cards and CPUs) or 16-mixed.
        accelerator: auto, cpu, gpu, ...
        devices: how many of them in each machine, or auto for all.
        nodes: machines.
        strategy: of Lightning: auto, ddp, ...; or fsdp, which splits weights and averages over the devices.
        checkpointing: compute activations again instead of keeping them: half the memory, a third more time.
        compile: translate the U-Net with torch.compile.
        seed: of all that is drawn.
        shards: folder of this machine for shards that lie elsewhere; by default below the user's cache.
        shards_gb: what that folder may hold, in gigabytes; 32 shards should fit.
    """

    max_steps: int | None = None
    max_time: str | None = None
    batch: int = 8
    accumulate: int = 1
    workers: int = 2
    precision: Precision = "32-true"
    accelerator: str = "auto"
    devices: int | Literal["auto"] = "auto"
    nodes: int = 1
    strategy: str = "auto"
    checkpointing: bool = False
    compile: bool = False
    seed: int = 0
    shards: str | None = None
    shards_gb: float = 100.0

    def __post_init__(self) -> None:
        """Check every value."""
        for name in ("batch", "accumulate", "nodes"):
            check_least(f"loop.{name}", getattr(self, name), 1)
        check_least("loop.workers", self.workers, 0)
        check_least("loop.seed", self.seed, 0)
        check_above("loop.shards_gb", self.shards_gb, 0)
        if self.max_steps is not None:
            check_least("loop.max_steps", self.max_steps, 1)
        if self.max_time is not None:
            parts = self.max_time.split(":")
            if len(parts) != 4 or not all(part.isdecimal() for part in parts) or not any(map(int, parts)):
                raise UserError(f"loop.max_time={self.max_time!r}: must be days:hours:minutes:seconds, as 00:08:00:00")
        if self.devices != "auto":
            check_least("loop.devices", self.devices, 1)


@dataclass(frozen=True, kw_only=True)
class Saving:
    """Checkpoints, from which an interrupted run goes on.

    Args:
        every_steps: steps between two; 0 for none but the last.
        every_minutes: minutes between two; 0 for none but the last.
        keep: how many of the newest are kept.
    """

    every_steps: int = 0
    every_minutes: float = 10.0
    keep: int = 2

    def __post_init__(self) -> None:
        """Check every value."""
        check_least("saving.every_steps", self.every_steps, 0)
        check_least("saving.every_minutes", self.every_minutes, 0)
        check_least("saving.keep", self.keep, 1)


@dataclass(frozen=True, kw_only=True)
class Watching:
    """What is looked at while it trains.

    Args:
        logger: tensorboard, csv, or wandb (if it is installed).
        log_every: steps between two lines of the log.
        validate_every: steps between two validations; 0 for none.
        validation_share: share of the files that is held out for validation; 0 for none.
        listen_every: steps between two times that samples are made; 0 for none.
        listen_count: samples each time.
        listen_seconds: length of a sample.
        prompts: what the generator's samples are of; without any, captions of songs held out.
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
            check_least(f"watching.{name}", getattr(self, name), least)
        check_above("watching.listen_seconds", self.listen_seconds, 0)
        if not 0 <= self.validation_share < 0.5:
            raise UserError(f"watching.validation_share={self.validation_share}: must be 0 or more, below 0.5")


@dataclass(frozen=True, kw_only=True)
class AutoencoderItems:
    """Crops of sound for stage 1.

    Args:
        samples: length of a crop, at the model's rate.
        augment: change gain, equaliser, room, width and speed at random.
        silence: crops with an RMS level below this many dB of full scale are passed over.
        short: what becomes of files shorter than a crop: repeat them, or join them with other files.
        times: diffusion times (phase=latent and phase=magnitudes have none).
    """

    samples: int = 2**18
    augment: bool = False
    silence: float = -60.0
    short: Literal["repeat", "join"] = "repeat"
    times: Times = field(default_factory=Times)

    def __post_init__(self) -> None:
        """Check every value."""
        check_least("crops.samples", self.samples, 1024)


@dataclass(frozen=True, kw_only=True)
class GeneratorItems:
    """Crops of latents with captions for stage 2.

    Args:
        frames: length of a crop, in latent frames.
        place: random (anywhere), or fixed (the song cut into pieces of that length, as in the paper).
        short: what becomes of songs shorter than a crop: pad them (padding is no part of the loss), or leave them out.
        offsets: encodings of each song, each begun a little later.
        drop: chance that an item is trained without its caption, for guidance.
        twins: a field of the metadata, such as seed; songs that have it the same, the same but for one fact, are
            heard in pairs, cut and noised alike, each under its own caption. By default none are.
        latents: folder of latents that `mousai data encode` made; by default one in the run's own.
        times: diffusion times.
    """

    frames: int = 256
    place: Literal["random", "fixed"] = "random"
    short: Literal["pad", "leave"] = "pad"
    offsets: int = 2
    drop: float = 0.1
    twins: str | None = None
    latents: str | None = None
    times: Times = field(default_factory=Times)

    def __post_init__(self) -> None:
        """Check every value."""
        check_least("crops.frames", self.frames, 2)
        check_least("crops.offsets", self.offsets, 1)
        if self.twins is not None and not self.twins:
            raise UserError("crops.twins: names no field of the metadata; leave it out, or name one, such as seed")
        if not 0 <= self.drop < 1:
            raise UserError(f"crops.drop={self.drop}: must lie in [0, 1)")


@dataclass(frozen=True, kw_only=True)
class Lora:
    """Small additions to a frozen model, trained in its place; see arXiv 2106.09685.

    Args:
        rank: of each addition, 4 to 32; 0 trains all weights instead.
        scale: alpha of the paper: the additions count scale / rank.
    """

    rank: int = 0
    scale: int = 16

    def __post_init__(self) -> None:
        """Check every value."""
        check_least("lora.rank", self.rank, 0)
        check_least("lora.scale", self.scale, 1)
