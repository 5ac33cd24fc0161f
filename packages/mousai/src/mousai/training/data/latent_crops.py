"""Crops of latents under their captions, the items of stage 2."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.data import Dataset

from mousai.conditioning.attributes import MusicAttributes
from mousai.data.annotation import attributes_of, controls_of
from mousai.training.config import ControlConfig, LatentCropConfig
from mousai.training.data.captions import caption_of
from mousai.training.data.control_draws import draw_known, drop_controls
from mousai.training.data.folder_songs import FolderSongs
from mousai.training.data.index_sampler import draw_noise
from mousai.training.data.pairs import Pairs
from mousai.training.data.shard_shuffle import ShardShuffle
from mousai.training.data.sharded_files import Prefetch
from mousai.training.data.sharded_songs import ShardedSongs

ATTRIBUTE_DROPOUT = 0.15
"""Chance that a crop is trained on without its tempo, and without its key, and without its lead."""
BEGINNINGS = 0.3
"""Share of crops that are cut from the first frame: beginnings are rarer than anything else in a song."""


def drop_attributes(attributes: MusicAttributes, rng: np.random.Generator) -> MusicAttributes:
    """Leave each attribute out with the chance `ATTRIBUTE_DROPOUT`."""
    tempo, key, lead = (rng.random() >= ATTRIBUTE_DROPOUT for _ in range(3))
    return replace(
        attributes,
        tempo=attributes.tempo if tempo else None,
        key=attributes.key if key else None,
        lead=attributes.lead if lead else None,
    )


class LatentCrops(Dataset[dict[str, Any]]):
    """Item n: `latent` [C, frames], `mask` [1, frames], `t` [], `noise`, `cond_drop_mask` [], and what is known of it.

    That is `caption`, `attributes`, `start`, `files`. The mask is true where there is song, and not padding.
    Pieces of songs come in shuffled passes, see `mousai.training.data.shard_shuffle`; with `crops.pair_by` every
    second item is the partner of the one before it, see `mousai.training.data.pairs`.

    Args:
        songs: their latents and what is known of them; those shorter than a crop are padded at their end.
        crops: length and treatment of a crop.
        controls: controls that the model reads, if it reads some. Items then have `controls`, what is told of them, in
            seconds of the song, and `known_mask` [1, frames].
        seed: seed of everything that is drawn.
        count: where it is given, that many items with times spread evenly over (0, 1), for validation.
    """

    def __init__(
        self,
        songs: FolderSongs | ShardedSongs,
        crops: LatentCropConfig,
        *,
        controls: ControlConfig | None = None,
        seed: int,
        count: int | None = None,
    ) -> None:
        self.songs, self.crops, self.controls, self.seed, self.count = songs, crops, controls, seed, count
        self.pieces: list[tuple[int, int | None]] = []
        for song, length in enumerate(songs.lengths):
            if crops.place == "random":
                self.pieces.append((song, None))
            else:
                self.pieces += [(song, first) for first in range(0, max(length - crops.frames, 0) + 1, crops.frames)]
        shard_of = songs.shard_of
        self.shuffle = ShardShuffle([int(shard_of[song]) for song, _ in self.pieces], seed=seed)
        self.prefetch = Prefetch(songs.shards, self.shuffle) if isinstance(songs, ShardedSongs) else None
        # Validation takes songs one by one.
        self.pairs: Pairs | None = None
        if crops.pair_by is not None and count is None:
            self.pairs = Pairs([songs.fields(song) for song in range(len(songs))], crops.pair_by, seed=seed)
        self.single = [piece for piece in self.pieces if self.pairs and piece[0] not in self.pairs]

    def __len__(self) -> int:
        """Items for validation."""
        assert self.count is not None
        return self.count

    def __getitem__(self, index: int) -> dict[str, Any]:
        """One item."""
        if self.prefetch is not None:
            self.prefetch(index)
        if self.pairs is None:
            return self._item(*self.pieces[self.shuffle.piece(index)], drawn=index)
        pair, second = divmod(index, 2)
        song, first = self.pieces[self.shuffle.piece(pair)]
        if not second:
            return self._item(song, first, drawn=index)
        partner = self.pairs.partner(song, pair)
        if partner is None:  # any other without one, so that all songs are trained on as often
            any_one = int(np.random.default_rng((self.seed, 6, pair)).integers(len(self.single)))
            return self._item(*self.single[any_one], drawn=index)
        return self._item(partner, first, drawn=index - 1)

    def _item(self, song: int, fixed: int | None, *, drawn: int) -> dict[str, Any]:
        """A crop of a song, from its frame `fixed` if that is given, with all that is drawn for the item `drawn`."""
        rng = np.random.default_rng((self.seed, 2, drawn))
        group, fields, frames = self.songs.group(song), self.songs.fields(song), self.crops.frames
        offset = int(rng.integers(len(group)))
        latent = group[offset]
        anywhere = 0 if rng.random() < BEGINNINGS else int(rng.integers(max(latent.shape[-1] - frames, 0) + 1))
        # The partner of a song may be shorter.
        first = anywhere if fixed is None else min(fixed, max(latent.shape[-1] - frames, 0))
        attributes = drop_attributes(attributes_of(fields), rng)
        t, noise, generator = draw_noise(self.seed, drawn, (latent.shape[0], frames), self.crops.times)
        dropped = torch.rand((), generator=generator) < self.crops.cond_drop_prob
        if self.count is not None:
            t, dropped = torch.tensor((drawn + 0.5) / self.count), torch.tensor(False)
        crop = latent[:, first : first + frames].float()
        told: dict[str, Any] = {}
        if self.controls is not None:
            # A generator of their own, so that a model without controls sees the same items.
            rng_of_controls = np.random.default_rng((self.seed, 9, drawn))
            told["controls"] = drop_controls(controls_of(fields), self.controls, rng_of_controls)
            told["known_mask"] = draw_known(frames, crop.shape[-1], self.controls, rng_of_controls)
        return {
            **told,
            "latent": F.pad(crop, (0, frames - crop.shape[-1])),
            "mask": torch.arange(frames)[None] < crop.shape[-1],
            "t": t,
            "noise": noise,
            "cond_drop_mask": dropped,
            "caption": caption_of(fields, rng),
            "attributes": attributes,
            "start": (first + offset / len(group)) / self.songs.frame_rate,
            "files": self.songs.file(song),
        }
