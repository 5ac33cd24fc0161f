"""Songs of a captioned folder as latents, encoded once."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from dmae import DMAEConfig
from mousai.data.latent_cache import encode_songs, read_latents
from mousai.data.melodies import with_melodies
from mousai.data.records import CAPTION_FIELDS, Record, find_records, song_name
from mousai.data.skipped import say_skipped
from mousai.errors import UserError
from mousai.storage.weights import load_config
from mousai.training.data.pairs import pair_groups


@dataclass(frozen=True)
class FolderSongs:
    """Files with their metadata, and for each one its latents [C, L] from different first samples."""

    records: list[Record]
    latents: list[list[Tensor]]
    frame_rate: float

    def __len__(self) -> int:
        """Number of songs."""
        return len(self.records)

    @property
    def lengths(self) -> list[int]:
        """Frames of each song, of the shortest of its latents."""
        return [min(latent.shape[-1] for latent in group) for group in self.latents]

    @property
    def shard_of(self) -> npt.NDArray[np.int64]:
        """Shard of each song: all are in one, see `shard_shuffle`."""
        return np.zeros(len(self.records), dtype=np.int64)

    def group(self, song: int) -> list[Tensor]:
        """Latents [C, L] of a song, one for each offset."""
        return self.latents[song]

    def fields(self, song: int) -> Mapping[str, Any]:
        """Metadata of a song."""
        return self.records[song].fields

    def file(self, song: int) -> str:
        """Path of a song."""
        return str(self.records[song].path)

    def chosen(self, songs: Sequence[int]) -> "FolderSongs":
        """Some of the songs."""
        return FolderSongs(
            [self.records[song] for song in songs], [self.latents[song] for song in songs], self.frame_rate
        )

    def at_least(self, frames: int) -> "FolderSongs":
        """Songs that have so many latent frames; the others are named on stderr.

        Raises:
            UserError: none has.
        """
        enough = [length >= frames for length in self.lengths]
        seconds = frames / self.frame_rate
        if not any(enough):
            raise UserError(
                "crops.frames",
                frames,
                f"all {len(self)} songs are shorter than a crop of {seconds:.1f} s; give longer ones",
            )
        for song, long in enumerate(enough):
            if not long:
                print(f"left out: {self.file(song)} is shorter than a crop of {seconds:.1f} s", file=sys.stderr)
        return self.chosen([song for song, long in enumerate(enough) if long])

    @property
    def std(self) -> float:
        """Standard deviation of all latents."""
        return float(torch.cat([latent.flatten() for group in self.latents for latent in group]).float().std())


def encode_folder(
    stage_1: Path, folder: Path, cache: Path, *, offsets: int = 2, pair_by: str | None = None
) -> FolderSongs:
    """Encode every song of a captioned folder, once, see `mousai.data.latent_cache`.

    Raises:
        UserError: nothing is known of any song, too many are bad, the cache is of another autoencoder, or `pair_by`
            makes no pairs (`mousai.training.data.pairs.pair_groups`), which is found before encoding.
    """
    records = find_records(folder)
    say_skipped(folder, records)
    records = with_melodies(records)
    if not any(name in record.fields for record in records for name in CAPTION_FIELDS):
        raise UserError(
            folder,
            hint="nothing is known of any file, and stage 2 needs captions: give a metadata.jsonl or .csv with "
            "file_name and caption, a .txt beside each file, or tags",
        )
    if pair_by is not None:
        pair_groups([record.fields for record in records], pair_by)
    config = DMAEConfig.from_dict(load_config(stage_1))
    done = encode_songs(stage_1, folder, records, cache, offsets=offsets)
    for line in done.lines():
        print(line, file=sys.stderr)
    good = [record for record in records if song_name(record, folder) not in done.bad]
    return FolderSongs(good, read_latents(cache, done.songs, offsets=offsets), config.latent_rate)
