"""Latents in shards, as stage 2 reads them.

Any song can be read by itself (`mousai.data.shards`), so item n is still a function of (seed, n), and a run that was
killed goes on exactly where it was. The order in which songs are drawn: `shard_shuffle`.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mousai.data.latent_cache import encoder_fingerprint, load_stage_1
from mousai.data.records import CAPTION_FIELDS, Record
from mousai.data.shards import ShardSet
from mousai.errors import UserError

CAPTIONED = 20000
"""Songs whose captions are read to make a tokenizer."""
MEASURED = 1000
"""Songs, and a shard more, from which the standard deviation of latents is taken."""
_SHOWN = 20


@dataclass(frozen=True)
class ShardedSongs:
    """Songs of a set of latents, as `FolderSongs` is of a folder.

    Args:
        shards: the set.
        places: places of the songs in the set.
        frame_rate: latent frames per second.
    """

    shards: ShardSet
    places: npt.NDArray[np.int64]
    frame_rate: float

    def __len__(self) -> int:
        """Number of songs."""
        return len(self.places)

    @cached_property
    def lengths(self) -> list[int]:
        """Frames of each song, of the shortest of its latents."""
        return [int(length) for length in self.shards.lengths[self.places]]

    @property
    def shard_of(self) -> npt.NDArray[np.int64]:
        """Shard of each song."""
        return self.shards.shard_of[self.places]

    def group(self, song: int) -> list[Tensor]:
        """Latents [C, L] of a song, one for each offset."""
        return self.shards.latents(int(self.places[song]))

    def fields(self, song: int) -> Mapping[str, Any]:
        """Metadata of a song."""
        return self.shards.fields(int(self.places[song]))

    def file(self, song: int) -> str:
        """Name of a song."""
        return self.shards.names[int(self.places[song])]

    @property
    def names(self) -> list[str]:
        """Names of the songs."""
        return [self.shards.names[place] for place in self.places]

    @cached_property
    def records(self) -> list[Record]:
        """Metadata of the first `CAPTIONED` songs."""
        chosen = set(self.places.tolist())
        found = (record for place, record in enumerate(self.shards.records()) if place in chosen)
        return list(islice(found, CAPTIONED))

    @property
    def std(self) -> float:
        """Standard deviation of the latents of the first shards."""
        order = np.argsort(self.shard_of, kind="stable")
        last = self.shard_of[order][min(MEASURED, len(order)) - 1]
        songs = np.flatnonzero(self.shard_of <= last)
        return float(torch.cat([one.flatten() for song in songs for one in self.group(int(song))]).float().std())

    def at_least(self, frames: int) -> "ShardedSongs":
        """Songs that have so many latent frames; the others are named on stderr.

        Raises:
            UserError: none has.
        """
        enough = np.array(self.lengths) >= frames
        seconds = frames / self.frame_rate
        if not enough.any():
            raise UserError(
                "crops.frames",
                frames,
                f"all {len(self)} songs are shorter than a crop of {seconds:.1f} s; give longer ones",
            )
        short = np.flatnonzero(~enough)
        for song in short[:_SHOWN]:
            print(f"left out: {self.file(song)} is shorter than a crop of {seconds:.1f} s", file=sys.stderr)
        if len(short) > _SHOWN:
            print(f"left out: {len(short) - _SHOWN} more that are shorter", file=sys.stderr)
        return self.chosen(np.flatnonzero(enough))

    def chosen(self, songs: Sequence[int] | npt.NDArray[np.int64]) -> "ShardedSongs":
        """Some of the songs."""
        return replace(self, places=self.places[np.asarray(songs, dtype=np.int64)])


def latent_shards(shards: ShardSet, stage_1: Path, *, offsets: int, frame_rate: float) -> ShardedSongs:
    """Songs of a set for stage 2.

    Args:
        shards: the set.
        stage_1: folder of the autoencoder that must have made the latents.
        offsets: latents of each song.
        frame_rate: latent frames per second.

    Raises:
        UserError: the set is of music, or of latents of another autoencoder or other offsets, or nothing is known of
            its songs.
    """
    if shards.kind != "latents":
        raise UserError(
            shards.data,
            hint="holds music; `mousai data encode` makes latents of it, and `mousai data shard` shards of "
            "these, which stage 2 is trained on",
        )
    given = {"autoencoder": encoder_fingerprint(load_stage_1(stage_1).state_dict()), "crops.offsets": offsets}
    stored = {"autoencoder": shards.about["autoencoder"], "crops.offsets": shards.about["offsets"]}
    if differ := [
        f"{key}: {stored[key]!r} in the shards, {given[key]!r} given" for key in given if stored[key] != given[key]
    ]:
        raise UserError(
            shards.data,
            hint=f"its latents were made otherwise ({'; '.join(differ)}); name the autoencoder that made "
            "them, or encode anew",
        )
    songs = ShardedSongs(shards, np.arange(len(shards)), frame_rate)
    if not any(name in record.fields for record in songs.records for name in CAPTION_FIELDS):
        raise UserError(shards.data, hint="nothing is known of any song, and stage 2 needs captions")
    return songs
