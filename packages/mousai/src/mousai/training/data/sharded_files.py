"""Audio files in shards, as stage 1 reads them: window by window, the next one fetched meanwhile."""

from collections.abc import Sequence
from threading import Thread
from typing import Any

import numpy as np
import numpy.typing as npt

from mousai.data.shards import ShardError, ShardSet
from mousai.errors import UserError
from mousai.storage.file_parts import FilePart
from mousai.training.data.shard_shuffle import ShardShuffle


class ShardedFiles:
    """Audio files of a set, in windows.

    A shard gives as many items in a pass as its sound has crops, so that all that was fetched is used.

    Args:
        shards: the set.
        places: places of the songs in the set.
        seed: seed of the order.
        seconds: length of a crop.
    """

    def __init__(self, shards: ShardSet, places: npt.NDArray[np.int64], *, seed: int, seconds: float) -> None:
        self.shards, self.places = shards, places
        crops = shards.lengths[places] / seconds
        self.shuffle = ShardShuffle(shards.shard_of[places], seed=seed, items=crops)
        self.prefetch = Prefetch(shards, self.shuffle)

    def __len__(self) -> int:
        """Files."""
        return len(self.places)

    def near(self, index: int) -> Sequence[FilePart]:
        """The files that item `index` may be cut from."""
        self.prefetch(index)
        return _Files(self.shards, self.places[self.shuffle.at(index).pieces])

    def first(self, count: int) -> list[FilePart]:
        """The first few."""
        return [self.shards.sound(int(place)) for place in self.places[:count]]


class _Files(Sequence[FilePart]):
    """Files that are looked up when they are asked for; a window may have a hundred thousand."""

    def __init__(self, shards: ShardSet, places: npt.NDArray[np.int64]) -> None:
        self._shards, self._places = shards, places

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: Any) -> Any:
        return self._shards.sound(int(self._places[index]))


class Prefetch:
    """Fetches the shards of the next window while this one is trained on, where they lie elsewhere.

    Args:
        shards: the set.
        shuffle: order of its pieces.
    """

    def __init__(self, shards: ShardSet, shuffle: ShardShuffle) -> None:
        self.shards, self.shuffle = shards, shuffle
        self._begun: tuple[int, int] | None = None

    def __call__(self, index: int) -> None:
        """Item `index` is wanted."""
        if not self.shards.is_elsewhere:
            return
        found = self.shuffle.at(index)
        if self._begun != (key := (found.pass_number, found.number)):
            self._begun = key
            Thread(target=self._fetch, args=(self.shuffle.shards_after(found),), daemon=True).start()

    def _fetch(self, shards: Sequence[int]) -> None:
        for shard in shards:
            try:
                self.shards.fetch(shard)
            except ShardError:
                return  # whoever needs it meets the same error, and raises it


def audio_shards(shards: ShardSet) -> None:
    """Check that a set is one for stage 1.

    Raises:
        UserError: it holds latents.
    """
    if shards.kind != "audio":
        raise UserError(shards.data, hint="holds latents; the autoencoder is trained on shards of a folder of music")
