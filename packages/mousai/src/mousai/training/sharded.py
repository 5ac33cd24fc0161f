"""Sets of shards as training data: what `items` needs of songs, read from where it lies when it is wanted.

Any song can be read by itself (`mousai.data.shard_set`), so item n is still a function of (seed, n), and a run that was
killed goes on exactly where it was. In which order songs are drawn: `mousai.training.order`.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mousai.data.captions import FIELDS
from mousai.data.fetching import ShardError
from mousai.data.latent_cache import fingerprint, load_stage_1
from mousai.data.records import Record
from mousai.data.shard_set import ShardSet
from mousai.errors import UserError
from mousai.storage.file_parts import FilePart
from mousai.training.order import Windows

READ = 20000
"""Songs whose captions are read to make a tokenizer."""
HEARD = 1000
"""Songs, and a shard more, from which the standard deviation of latents is taken."""
_SHOWN = 20


@dataclass(frozen=True)
class ShardedSongs:
    """Songs of a set of latents, as `Captioned` is of a folder.

    Args:
        shards: the set.
        places: which of its songs.
        frame_rate: latent frames per second.
    """

    shards: ShardSet
    places: npt.NDArray[np.int64]
    frame_rate: float

    def __len__(self) -> int:
        """Songs."""
        return len(self.places)

    @cached_property
    def lengths(self) -> list[int]:
        """Frames of each song, of the shortest of its latents."""
        return [int(length) for length in self.shards.lengths[self.places]]

    @property
    def shard_of(self) -> npt.NDArray[np.int64]:
        """The shard of each song."""
        return self.shards.shard_of[self.places]

    def group(self, song: int) -> list[Tensor]:
        """Latents [C, L] of a song, one for each offset."""
        return self.shards.latents(int(self.places[song]))

    def fields(self, song: int) -> Mapping[str, Any]:
        """What is known of a song."""
        return self.shards.fields(int(self.places[song]))

    def file(self, song: int) -> str:
        """How a song is called."""
        return self.shards.names[int(self.places[song])]

    @property
    def names(self) -> list[str]:
        """Of the songs."""
        return [self.shards.names[place] for place in self.places]

    @cached_property
    def records(self) -> list[Record]:
        """What is known of the first `READ` songs."""
        chosen = set(self.places.tolist())
        found = (record for place, record in enumerate(self.shards.records()) if place in chosen)
        return list(islice(found, READ))

    @property
    def std(self) -> float:
        """Standard deviation of the latents of the first shards."""
        order = np.argsort(self.shard_of, kind="stable")
        last = self.shard_of[order][min(HEARD, len(order)) - 1]
        songs = np.flatnonzero(self.shard_of <= last)
        return float(torch.cat([one.flatten() for song in songs for one in self.group(int(song))]).float().std())

    def at_least(self, frames: int) -> "ShardedSongs":
        """Those that have so many latent frames; which were left out is said on stderr.

        Raises:
            UserError: none has.
        """
        enough = np.array(self.lengths) >= frames
        seconds = frames / self.frame_rate
        if not enough.any():
            raise UserError(f"all {len(self)} songs are shorter than a crop of {seconds:.1f} s; give longer ones")
        short = np.flatnonzero(~enough)
        for song in short[:_SHOWN]:
            print(f"left out: {self.file(song)} is shorter than a crop of {seconds:.1f} s", file=sys.stderr)
        if len(short) > _SHOWN:
            print(f"left out: {len(short) - _SHOWN} more that are shorter", file=sys.stderr)
        return self.chosen(np.flatnonzero(enough))

    def chosen(self, songs: Sequence[int] | npt.NDArray[np.int64]) -> "ShardedSongs":
        """Some of them."""
        return replace(self, places=self.places[np.asarray(songs, dtype=np.int64)])


class ShardedFiles:
    """Audio files of a set, in windows.

    A shard gives as many items in a pass as its sound has crops, so that what was fetched is heard.

    Args:
        shards: the set.
        places: which of its songs.
        seed: of the order.
        seconds: of a crop.
    """

    def __init__(self, shards: ShardSet, places: npt.NDArray[np.int64], *, seed: int, seconds: float) -> None:
        self.shards, self.places = shards, places
        crops = shards.lengths[places] / seconds
        self.windows = Windows(shards.shard_of[places], seed=seed, items=crops)
        self.ahead = Ahead(shards, self.windows)

    def __len__(self) -> int:
        """Files."""
        return len(self.places)

    def near(self, number: int) -> Sequence[FilePart]:
        """The files that item `number` may be cut from."""
        self.ahead(number)
        return _Files(self.shards, self.places[self.windows.at(number).pieces])

    def first(self, count: int) -> list[FilePart]:
        """The first few."""
        return [self.shards.sound(int(place)) for place in self.places[:count]]


class _Files(Sequence[FilePart]):
    """Files that are looked up when they are asked for; a window may hold a hundred thousand."""

    def __init__(self, shards: ShardSet, places: npt.NDArray[np.int64]) -> None:
        self._shards, self._places = shards, places

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: Any) -> Any:
        return self._shards.sound(int(self._places[index]))


class Ahead:
    """Fetches the shards of the next window while this one is heard, where they lie elsewhere.

    Args:
        shards: the set.
        windows: the order.
    """

    def __init__(self, shards: ShardSet, windows: Windows) -> None:
        self.shards, self.windows = shards, windows
        self._begun: tuple[int, int] | None = None

    def __call__(self, number: int) -> None:
        """Item `number` is wanted."""
        if not self.shards.is_elsewhere:
            return
        found = self.windows.at(number)
        if self._begun != (key := (found.pass_number, found.number)):
            self._begun = key
            Thread(target=self._fetch, args=(self.windows.shards_after(found),), daemon=True).start()

    def _fetch(self, shards: Sequence[int]) -> None:
        for shard in shards:
            try:
                self.shards.fetch(shard)
            except ShardError:
                return  # who needs it meets the same, and says so


def audio_shards(shards: ShardSet) -> None:
    """Make sure that a set is one for stage 1.

    Raises:
        UserError: it holds latents.
    """
    if shards.kind != "audio":
        raise UserError(f"{shards.data}: holds latents; the autoencoder is trained on shards of a folder of music")


def latent_shards(shards: ShardSet, stage_1: Path, *, offsets: int, frame_rate: float) -> ShardedSongs:
    """A set for stage 2.

    Args:
        shards: the set.
        stage_1: folder of the autoencoder whose latents they must be.
        offsets: latents of each song.
        frame_rate: latent frames per second.

    Raises:
        UserError: it holds music, latents of another autoencoder or of other offsets, or nothing is known of its songs.
    """
    if shards.kind != "latents":
        raise UserError(
            f"{shards.data}: holds music; `mousai data encode` makes latents of it, and `mousai data shard` shards of "
            "these, which the generator is trained on"
        )
    given = {"autoencoder": fingerprint(load_stage_1(stage_1).state_dict()), "crops.offsets": offsets}
    held = {"autoencoder": shards.about["autoencoder"], "crops.offsets": shards.about["offsets"]}
    if differ := [
        f"{key}: {held[key]!r} in the shards, {given[key]!r} given" for key in given if held[key] != given[key]
    ]:
        raise UserError(
            f"{shards.data}: its latents were made otherwise ({'; '.join(differ)}); name the autoencoder they are of, "
            "or encode anew"
        )
    songs = ShardedSongs(shards, np.arange(len(shards)), frame_rate)
    if not any(name in record.fields for record in songs.records for name in FIELDS):
        raise UserError(f"{shards.data}: nothing is known of any song, and stage 2 needs captions")
    return songs
