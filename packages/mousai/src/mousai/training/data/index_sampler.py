"""Training items by index: everything random about item n follows from (seed, n) and from nothing else.

So the order and the content of what a run sees depend neither on worker processes, nor on how many devices share a
batch, nor on whether the run was interrupted:

    step k of world W, accumulating A batches of B:   items k·A·B·W ... (k+1)·A·B·W - 1,   rank r takes every W-th
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Sampler

from mousai.training.config import TimestepSampling
from vdiffusion import NoiseSource


class IndexSampler(Sampler[int]):
    """first + rank, first + rank + world, ... without end: the items that one of `world` processes sees, in order."""

    def __init__(self, *, first: int, rank: int = 0, world: int = 1) -> None:
        self.first, self.rank, self.world = first, rank, world

    def __iter__(self) -> Iterator[int]:
        """Count."""
        index = self.first + self.rank
        while True:
            yield index
            index += self.world


def collate(items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Items -> a batch: tensors stacked, everything else in lists."""
    batch: dict[str, Any] = {}
    for key in items[0]:
        values = [item[key] for item in items]
        batch[key] = torch.stack(values) if isinstance(values[0], Tensor) else values
    return batch


def draw_noise(
    seed: int, index: int, shape: Sequence[int], times: TimestepSampling
) -> tuple[Tensor, Tensor, torch.Generator]:
    """Draw the diffusion time and the noise of item `index`, and give the generator for what else is drawn of it."""
    generator = NoiseSource(seed, [index]).generators("training")[0]
    t = times.distribution()(1, generator, torch.device("cpu"))[0]
    return t, torch.randn(tuple(shape), generator=generator), generator
