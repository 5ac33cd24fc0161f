"""Batches that are cut on the device: the loader counts, and the stage asks the resident data for the batch itself.

loader: index of the batch's first item  ──>  Stage.transfer_batch_to_device  ──>  ResidentData.batch
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch.utils.data import IterableDataset

FETCH_EVERY = 10
"""Steps between two looks for songs that were composed meanwhile."""


class ResidentData(ABC):
    """Songs on the device. A batch follows from the seed, the index of its first item, and the songs that are there.

    Args:
        device: device of the data.
        seed: seed of everything that is drawn.
        validation: songs, the first, that only validation uses.
        fetch: adds the songs that were composed since the last call, by `add`; `None` where all songs are there.
    """

    def __init__(self, *, device: torch.device, seed: int, validation: int) -> None:
        self.device, self.seed, self.validation = device, seed, validation
        self.fetch: Callable[[], None] | None = None
        self._calls = 0

    @abstractmethod
    def __len__(self) -> int:
        """Number of songs."""

    @abstractmethod
    def cut(
        self, songs: list[int], rng: np.random.Generator, generator: torch.Generator, *, augment: bool
    ) -> dict[str, Any]:
        """A batch of one crop of each song, with everything that a step needs but the times.

        Args:
            songs: places of the songs.
            rng: generator of what is drawn on the CPU.
            generator: generator of what is drawn on the device.
            augment: whether crops may be changed.
        """

    @abstractmethod
    def times(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """Diffusion times [count] to train on."""

    def batch(self, first: int, size: int) -> dict[str, Any]:
        """The batch of items `first` ... `first + size - 1`, to train on."""
        if self.fetch is not None and self._calls % FETCH_EVERY == 0:
            self.fetch()
        self._calls += 1
        rng, generator = self._generators(7, first)
        songs = rng.integers(self.validation, len(self), size).tolist()
        found = self.cut(songs, rng, generator, augment=True)
        return {**found, "t": self.times(size, generator)}

    def validation_batch(self, first: int, size: int, *, count: int) -> dict[str, Any]:
        """Items of `count` to validate on, with times spread evenly."""
        rng, generator = self._generators(8, first)
        songs = [index % self.validation for index in range(first, first + size)]
        found = self.cut(songs, rng, generator, augment=False)
        t = (torch.arange(first, first + size, device=self.device) + 0.5) / count
        return {**found, "t": t}

    def _generators(self, label: int, index: int) -> tuple[np.random.Generator, torch.Generator]:
        rng = np.random.default_rng((self.seed, label, index))
        return rng, torch.Generator(self.device).manual_seed(int(rng.integers(2**62)))


class ResidentBatches(IterableDataset[dict[str, Any]]):
    """Indices of batches, as a stage turns them into batches.

    Args:
        batch: items of a batch.
        first: item that comes first.
        count: number of items in all, for validation; `None` counts without end.
    """

    def __init__(self, *, batch: int, first: int = 0, count: int | None = None) -> None:
        self.batch, self.first, self.count = batch, first, count

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Count."""
        first = self.first
        while self.count is None or first < self.count:
            size = self.batch if self.count is None else min(self.batch, self.count - first)
            yield {"first": first, "size": size, "count": self.count}
            first += size


def on_device(data: ResidentData, index: dict[str, Any]) -> dict[str, Any]:
    """The batch that an index of `ResidentBatches` stands for."""
    if index["count"] is None:
        return data.batch(index["first"], index["size"])
    return data.validation_batch(index["first"], index["size"], count=index["count"])
