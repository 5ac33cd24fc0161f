"""What is timed of a model: a few parts, of each a unit that is measured and the number of units that a piece takes."""

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

Run = Callable[[], object]

SLOW = 8.0
"""CPU seconds above which a unit is run once: what happens only in a first run is small beside it."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of making a piece.

    Args:
        name: which.
        unit: what is run and timed once, in words.
        units: how many of it the whole piece takes.
        prepare: makes what a run needs, unmeasured, and returns the run.
    """

    name: str
    unit: str
    units: float
    prepare: Callable[[], Run]


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model with random weights, but for ours that is bundled.

    Args:
        parameters: of everything that is loaded to go from text to sound, by part.
        parts: what a piece takes.
        sample_rate: of what comes out, in Hz.
        channels: of what comes out.
    """

    parameters: dict[str, int]
    parts: Sequence[Part]
    sample_rate: int
    channels: int


@dataclass(frozen=True, kw_only=True)
class Timed:
    """A part that was timed: seconds of one unit by the clock and of the CPU, and how many units the piece takes."""

    name: str
    unit: str
    units: float
    wall: float
    cpu: float


def timed(parts: Sequence[Part], *, repeats: int) -> Iterator[Timed]:
    """Each part, run once; where that took little, run `repeats` times more, of which the median counts."""
    for part in parts:
        runs = [_run(part)]
        if runs[0][1] < SLOW:
            runs = [_run(part) for _ in range(repeats)]
        wall, cpu = (statistics.median(times) for times in zip(*runs, strict=True))
        yield Timed(name=part.name, unit=part.unit, units=part.units, wall=wall, cpu=cpu)


def _run(part: Part) -> tuple[float, float]:
    gc.collect()
    with torch.inference_mode():
        run = part.prepare()
        wall, cpu = time.perf_counter(), time.process_time()
        run()
        return time.perf_counter() - wall, time.process_time() - cpu


def ready(run: Run) -> Callable[[], Run]:
    """The preparation of a run that needs none."""
    return lambda: run


def cast(dtype: torch.dtype, *modules: nn.Module) -> None:
    """Let modules compute in this dtype; they are built in float32."""
    for module in modules:
        if dtype != torch.float32:
            module.to(dtype)


def count(module: nn.Module) -> int:
    """Parameters of a module."""
    return sum(one.numel() for one in module.parameters())


def noise(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Normally distributed numbers, the same in every run."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(dtype)
