"""A captioned folder as latents: encoded once, then drawn from in random crops with fresh captions."""

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dmae import DMAEConfig
from mousai.checkpoint import load_config
from mousai.conditions import Stated, stated_in
from mousai.data.captions import FIELDS
from mousai.data.latent_cache import encode_songs, read_latents, song_name
from mousai.data.records import Record, find_records
from mousai.errors import UserError

UNTOLD = 0.15
"""Chance that the tempo of a crop is not stated, and that its key is not."""


@dataclass(frozen=True)
class Captioned:
    """Files with what is known of them, and for each one its latents [C, L] from different first samples."""

    records: list[Record]
    latents: list[list[Tensor]]
    frame_rate: float

    def at_least(self, frames: int) -> "Captioned":
        """Those that have so many latent frames; which were left out is said on stderr.

        Raises:
            UserError: none has.
        """
        pairs = list(zip(self.records, self.latents, strict=True))
        kept = [(record, group) for record, group in pairs if min(one.shape[-1] for one in group) >= frames]
        seconds = frames / self.frame_rate
        if not kept:
            raise UserError(f"all {len(pairs)} songs are shorter than a crop of {seconds:.1f} s; give longer ones")
        whole = {record.path for record, _ in kept}
        for record in self.records:
            if record.path not in whole:
                print(f"left out: {record.path} is shorter than a crop of {seconds:.1f} s", file=sys.stderr)
        return Captioned([record for record, _ in kept], [group for _, group in kept], self.frame_rate)

    @property
    def std(self) -> float:
        """Standard deviation of all latents."""
        return float(torch.cat([latent.flatten() for group in self.latents for latent in group]).float().std())


def encode_folder(stage_1: Path, folder: Path, cache: Path, *, offsets: int = 2) -> Captioned:
    """Every song of a captioned folder as latents, encoded once, see `mousai.data.latent_cache`.

    Raises:
        UserError: nothing is known of any song, too many are bad, or the cache is of another autoencoder.
    """
    records = find_records(folder)
    if not any(name in record.fields for record in records for name in FIELDS):
        raise UserError(
            f"{folder}: nothing is known of any file, and stage 2 needs captions: give a metadata.jsonl or .csv with "
            "file_name and caption, a .txt beside each file, or tags"
        )
    config = DMAEConfig.from_dict(load_config(stage_1))
    done = encode_songs(stage_1, folder, records, cache, offsets=offsets)
    for name, why in done.bad.items():
        print(f"left out: {name}: {why}", file=sys.stderr)
    kept = [record for record in records if song_name(record, folder) not in done.bad]
    return Captioned(kept, read_latents(cache, done.songs, offsets=offsets), config.sample_rate / config.hop_length)


@dataclass(frozen=True)
class Batch:
    """Crops of songs.

    Args:
        latents: [B, C, frames].
        captions: of the songs.
        stated: tempo and key of the songs, as far as they are told this time.
        starts: second of its song at which each crop begins.
    """

    latents: Tensor
    captions: list[str]
    stated: list[Stated]
    starts: list[float]


def stated_of(fields: Mapping[str, Any]) -> Stated:
    """Tempo and key of a file, each where it is known; a tempo counts only with `first_beat`, a bar line's second."""
    tempo = float(fields["bpm"]) if fields.get("bpm") and fields.get("first_beat") is not None else None
    key = stated_in(str(fields.get("key") or "")).key
    return Stated(tempo=tempo, key=key, first_beat=float(fields.get("first_beat") or 0.0))


def latent_batches(
    data: Captioned,
    caption: Callable[[Mapping[str, Any], np.random.Generator], str],
    *,
    frames: int,
    batch: int,
    seed: int,
) -> Callable[[int], Batch]:
    """A function from the step's number to its batch, from (seed, step) alone.

    Songs come in shuffled passes; a crop begins at the song's start three times in ten, else anywhere. Tempo and key
    are each left out of what is stated once in seven times.

    Raises:
        UserError: a song is shorter than a crop.
    """
    count = len(data.records)
    for record, group in zip(data.records, data.latents, strict=True):
        if group[0].shape[-1] - 1 < frames:
            raise UserError(f"{record.path}: {group[0].shape[-1]} latent frames are fewer than a crop of {frames}")

    def orders() -> Iterator[np.ndarray[tuple[int], np.dtype[np.int64]]]:
        pass_number = 0
        while True:
            yield np.random.default_rng((seed, 1, pass_number)).permutation(count)
            pass_number += 1

    permutations: list[np.ndarray[tuple[int], np.dtype[np.int64]]] = []
    source = orders()

    def song(position: int) -> int:
        while len(permutations) <= position // count:
            permutations.append(next(source))
        return int(permutations[position // count][position % count])

    known = [stated_of(record.fields) for record in data.records]

    def get(step: int) -> Batch:
        rng = np.random.default_rng((seed, 2, step))
        crops, captions, stated, starts = [], [], [], []
        for position in range(step * batch, (step + 1) * batch):
            index = song(position)
            group = data.latents[index]
            offset = int(rng.integers(len(group)))
            latent = group[offset]
            first = 0 if rng.random() < 0.3 else int(rng.integers(latent.shape[-1] - frames + 1))
            crops.append(latent[:, first : first + frames].float())
            captions.append(caption(data.records[index].fields, rng))
            starts.append((first + offset / len(group)) / data.frame_rate)
            told = known[index]
            told = replace(told, tempo=None) if rng.random() < UNTOLD else told
            stated.append(replace(told, key=None) if rng.random() < UNTOLD else told)
        return Batch(torch.stack(crops), captions, stated, starts)

    return get
