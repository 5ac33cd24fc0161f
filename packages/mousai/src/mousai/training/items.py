"""Training items by number: everything random about item n follows from (seed, n) and from nothing else.

So the order and the content of what a run sees depend neither on worker processes, nor on how many devices share a
batch, nor on whether the run was interrupted:

    step k of world W, accumulating A batches of B:   items k·A·B·W ... (k+1)·A·B·W - 1,   rank r takes every W-th
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from dmae import DMAEConfig
from mousai.audio.files import audio_info, read_audio
from mousai.data.attributes import stated_of
from mousai.data.captions import caption_of
from mousai.data.fetching import ShardError
from mousai.errors import UserError
from mousai.storage.file_parts import FilePart
from mousai.training.augment import augment
from mousai.training.latents import ATTRIBUTE_DROPOUT, Captioned
from mousai.training.order import Windows
from mousai.training.settings_parts import AutoencoderItems, GeneratorItems
from mousai.training.sharded import Ahead, ShardedFiles, ShardedSongs
from mousai.training.times import Times
from mousai.training.twins import Twins
from vdiffusion import NoiseSource

TRIES = 16
"""Crops that are drawn for one item before its files are called bad or silent."""


class Numbers(Sampler[int]):
    """first + rank, first + rank + world, ... without end: which items one of `world` processes sees, in order."""

    def __init__(self, *, first: int, rank: int = 0, world: int = 1) -> None:
        self.first, self.rank, self.world = first, rank, world

    def __iter__(self) -> Iterator[int]:
        """Count."""
        number = self.first + self.rank
        while True:
            yield number
            number += self.world


def held_out(names: Sequence[str], share: float) -> list[bool]:
    """Which files are kept for validation, by a hash of their names, so that new files move none of the old ones.

    At least one of 20 files or more; none of fewer, which a model needs all. Those of the same name stay together.
    """
    ranks = [hashlib.blake2b(name.encode(), digest_size=8).digest() for name in names]
    if not share or len(names) < 20:
        return [False] * len(names)
    chosen = [int.from_bytes(rank) < share * 2**64 for rank in ranks]
    if not any(chosen):
        least = min(ranks)
        return [rank == least for rank in ranks]
    return chosen


def parted(names: Sequence[str], share: float) -> tuple[list[int], list[int]]:
    """Places of the names to learn from, and of those that are `held_out`."""
    out = held_out(names, share)
    kept, apart = ([place for place, is_out in enumerate(out) if is_out == which] for which in (False, True))
    return kept, apart


def collate(items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Items -> a batch: tensors stacked, everything else in lists."""
    batch: dict[str, Any] = {}
    for key in items[0]:
        values = [item[key] for item in items]
        batch[key] = torch.stack(values) if isinstance(values[0], Tensor) else values
    return batch


def _drawn(seed: int, number: int, shape: Sequence[int], times: Times) -> tuple[Tensor, Tensor, torch.Generator]:
    """Diffusion time, noise, and the generator for what else is drawn of item `number`."""
    generator = NoiseSource(seed, [number]).generators("training")[0]
    t = times.distribution()(1, generator, torch.device("cpu"))[0]
    return t, torch.randn(tuple(shape), generator=generator), generator


class AutoencoderCrops(Dataset[dict[str, Any]]):
    """Item n: `wave` [C, samples] of a file, `t` [], `noise` of the shape of what is diffused, `files`, `bad`.

    Args:
        files: audio files, read by seeking; of shards, those near an item.
        config: of the model.
        items: length and treatment of a crop.
        seed: of everything.
        latent_noise: standard deviation of `latent_noise`, which is then there too, of the latent's shape.
        count: where it is given, that many items with times spread evenly over (0, 1), for validation.
    """

    def __init__(
        self,
        files: Sequence[Path] | ShardedFiles,
        config: DMAEConfig,
        items: AutoencoderItems,
        *,
        seed: int,
        latent_noise: float = 0.0,
        count: int | None = None,
    ) -> None:
        self.files, self.config, self.items, self.seed, self.count = files, config, items, seed, count
        self.latent_noise = latent_noise

    def __len__(self) -> int:
        """Items for validation."""
        assert self.count is not None
        return self.count

    def __getitem__(self, number: int) -> dict[str, Any]:
        """One item.

        Raises:
            UserError: so many files in a row are bad or silent that something else must be wrong, or a shard is
                missing.
        """
        rng = np.random.default_rng((self.seed, number))
        files = self.files.near(number) if isinstance(self.files, ShardedFiles) else self.files
        bad: list[tuple[str, str]] = []
        for _ in range(TRIES):
            path = files[int(rng.integers(len(files)))]
            try:
                wave = self._read(path, files, rng)
            except ShardError:
                raise
            except UserError as error:
                bad.append((str(path), " ".join(str(error).split())))
                continue
            if 10 * np.log10(np.square(wave, dtype=np.float64).mean() + 1e-20) >= self.items.silence:
                break
        else:
            raise UserError(
                f"{path}: {TRIES} crops in a row could not be read or were silent (crops.silence="
                f"{self.items.silence:g} dB); run `mousai data check` on the folder"
            )
        if self.items.augment and self.count is None:
            wave = augment(wave, rng, sample_rate=self.config.sample_rate)
        padded = -(-self.items.samples // self.config.hop_length) * self.config.hop_length
        shape = (self.config.diffused_channels, padded // self.config.diffused_size)
        t, noise, generator = _drawn(self.seed, number, shape, self.items.times)
        if self.count is not None:
            t = torch.tensor((number + 0.5) / self.count)
        wave = np.ascontiguousarray(wave, dtype=np.float32)
        item = {"wave": torch.from_numpy(wave), "t": t, "noise": noise, "files": str(path), "bad": bad}
        if self.latent_noise:
            latent = (self.config.latent_channels, padded // self.config.hop_length)
            item["latent_noise"] = self.latent_noise * torch.randn(latent, generator=generator)
        return item

    def _read(
        self, path: Path | FilePart, files: Sequence[Path | FilePart], rng: np.random.Generator
    ) -> npt.NDArray[np.float32]:
        wave = self._part(path, rng)
        while wave.shape[-1] < self.items.samples:
            more = wave
            if self.items.short == "join":
                more = self._part(files[int(rng.integers(len(files)))], rng)
            wave = np.concatenate([wave, more], axis=-1)
        return wave[:, : self.items.samples]

    def _part(self, path: Path | FilePart, rng: np.random.Generator) -> npt.NDArray[np.float32]:
        wanted = self.items.samples / self.config.sample_rate
        spare = audio_info(path).duration - wanted
        start = float(rng.uniform(0, spare)) if spare > 0 else 0.0
        wave = read_audio(
            path,
            sample_rate=self.config.sample_rate,
            channels=self.config.audio_channels,
            start=start,
            duration=wanted,
        )
        if not wave.shape[-1]:
            raise UserError(f"{path}: holds no sound")
        return wave


class LatentCrops(Dataset[dict[str, Any]]):
    """Item n: `latent` [C, frames], `mask` [1, frames], `t` [], `noise`, `dropped` [], and what is known of it.

    That is `caption`, `stated`, `start`, `files`. The mask is true where there is song, and not padding.
    Pieces of songs come in shuffled passes, see `mousai.training.order`; with `items.twins` every second item is the
    twin of the one before it, see `mousai.training.twins`.

    Args:
        songs: their latents and what is known of them; those shorter than a crop are padded at their end.
        items: length and treatment of a crop.
        seed: of everything.
        count: where it is given, that many items with times spread evenly over (0, 1), for validation.
    """

    def __init__(
        self, songs: Captioned | ShardedSongs, items: GeneratorItems, *, seed: int, count: int | None = None
    ) -> None:
        self.songs, self.items, self.seed, self.count = songs, items, seed, count
        self.pieces: list[tuple[int, int | None]] = []
        for song, length in enumerate(songs.lengths):
            if items.place == "random":
                self.pieces.append((song, None))
            else:
                self.pieces += [(song, first) for first in range(0, max(length - items.frames, 0) + 1, items.frames)]
        shard_of = songs.shard_of
        self.windows = Windows([int(shard_of[song]) for song, _ in self.pieces], seed=seed)
        self.ahead = Ahead(songs.shards, self.windows) if isinstance(songs, ShardedSongs) else None
        # What is held out is heard song by song.
        self.twins: Twins | None = None
        if items.twins is not None and count is None:
            self.twins = Twins([songs.fields(song) for song in range(len(songs))], items.twins, seed=seed)
        self.alone = [piece for piece in self.pieces if self.twins and piece[0] not in self.twins]

    def __len__(self) -> int:
        """Items for validation."""
        assert self.count is not None
        return self.count

    def __getitem__(self, number: int) -> dict[str, Any]:
        """One item."""
        if self.ahead is not None:
            self.ahead(number)
        if self.twins is None:
            return self._item(*self.pieces[self.windows.piece(number)], drawn=number)
        pair, second = divmod(number, 2)
        song, first = self.pieces[self.windows.piece(pair)]
        if not second:
            return self._item(song, first, drawn=number)
        twin = self.twins.of(song, pair)
        if twin is None:  # any other without one, so that all songs are heard as often
            any_one = int(np.random.default_rng((self.seed, 6, pair)).integers(len(self.alone)))
            return self._item(*self.alone[any_one], drawn=number)
        return self._item(twin, first, drawn=number - 1)

    def _item(self, song: int, fixed: int | None, *, drawn: int) -> dict[str, Any]:
        """A crop of a song, from its frame `fixed` if that is given, with all that is drawn for the item `drawn`."""
        rng = np.random.default_rng((self.seed, 2, drawn))
        group, fields, frames = self.songs.group(song), self.songs.fields(song), self.items.frames
        offset = int(rng.integers(len(group)))
        latent = group[offset]
        # Beginnings are rarer than anything else in a song, and wanted more often.
        anywhere = 0 if rng.random() < 0.3 else int(rng.integers(max(latent.shape[-1] - frames, 0) + 1))
        # The twin of a song may be shorter.
        first = anywhere if fixed is None else min(fixed, max(latent.shape[-1] - frames, 0))
        stated = stated_of(fields)
        stated = replace(stated, tempo=None) if rng.random() < ATTRIBUTE_DROPOUT else stated
        stated = replace(stated, key=None) if rng.random() < ATTRIBUTE_DROPOUT else stated
        stated = replace(stated, lead=None) if rng.random() < ATTRIBUTE_DROPOUT else stated
        t, noise, generator = _drawn(self.seed, drawn, (latent.shape[0], frames), self.items.times)
        dropped = torch.rand((), generator=generator) < self.items.drop
        if self.count is not None:
            t, dropped = torch.tensor((drawn + 0.5) / self.count), torch.tensor(False)
        crop = latent[:, first : first + frames].float()
        return {
            "latent": F.pad(crop, (0, frames - crop.shape[-1])),
            "mask": torch.arange(frames)[None] < crop.shape[-1],
            "t": t,
            "noise": noise,
            "dropped": dropped,
            "caption": caption_of(fields, rng),
            "stated": stated,
            "start": (first + offset / len(group)) / self.songs.frame_rate,
            "files": self.songs.file(song),
        }
