"""Latents in the memory of the device, for stage 2; captions and attributes stay with the CPU."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mousai.data.annotation import attributes_of, controls_of
from mousai.errors import UserError
from mousai.training.config import ControlConfig, LatentCropConfig
from mousai.training.data.captions import caption_of
from mousai.training.data.control_draws import draw_known, drop_controls
from mousai.training.data.latent_crops import BEGINNINGS, drop_attributes
from mousai.training.resident.batches import ResidentData


class ResidentLatents(ResidentData):
    """Songs as bfloat16 in one long buffer [Z, capacity], of which crops are cut.

    Args:
        crops: length and treatment of a crop.
        controls: controls that the model reads, if it reads some, see `LatentCrops`.
        channels: Z, channels of the latent.
        capacity: frames of all latents together.
        frame_rate: latent frames per second.
        device: device of the data.
        seed: seed of everything that is drawn.
        validation: songs, the first, that only validation uses.
    """

    def __init__(
        self,
        crops: LatentCropConfig,
        *,
        controls: ControlConfig | None = None,
        channels: int,
        capacity: int,
        frame_rate: float,
        device: torch.device,
        seed: int,
        validation: int,
    ) -> None:
        super().__init__(device=device, seed=seed, validation=validation)
        self.crops, self.controls, self.frame_rate = crops, controls, frame_rate
        self._buffer = torch.zeros(channels, capacity, dtype=torch.bfloat16, device=device)
        self._used = 0
        self._places: list[list[tuple[int, int]]] = []  # of each song and offset: first frame and length
        self.names: list[str] = []
        self.metadata: list[Mapping[str, Any]] = []

    def __len__(self) -> int:
        """Number of songs."""
        return len(self.names)

    def add(self, name: str, latents: Sequence[Tensor], fields: Mapping[str, Any]) -> bool:
        """Add a song's latents [Z, L], one for each offset, with its metadata; False where the buffer is full.

        Raises:
            UserError: it is shorter than a crop.
        """
        lengths = [latent.shape[-1] for latent in latents]
        if min(lengths) < self.crops.frames:
            hint = f"is shorter than a crop of {self.crops.frames} frames; give longer songs or shorter crops"
            raise UserError(name, None, hint)
        if self._used + sum(lengths) > self._buffer.shape[1]:
            return False
        places = []
        for latent, length in zip(latents, lengths, strict=True):
            self._buffer[:, self._used : self._used + length] = latent.to(self.device)
            places.append((self._used, length))
            self._used += length
        self._places.append(places)
        self.names.append(name)
        self.metadata.append(fields)
        return True

    def cut(
        self, songs: list[int], rng: np.random.Generator, generator: torch.Generator, *, augment: bool
    ) -> dict[str, Any]:
        """Crops of songs; see `ResidentData.cut`. Nothing is dropped of the conditions where nothing is augmented."""
        frames, count = self.crops.frames, len(songs)
        firsts, starts, captions, attributes = [], [], [], []
        for song in songs:
            offset = int(rng.integers(len(self._places[song])))
            begin, length = self._places[song][offset]
            first = 0 if rng.random() < BEGINNINGS else int(rng.integers(length - frames + 1))
            firsts.append(begin + first)
            starts.append((first + offset / len(self._places[song])) / self.frame_rate)
            captions.append(caption_of(self.metadata[song], rng))
            attributes.append(drop_attributes(attributes_of(self.metadata[song]), rng))
        place = torch.tensor(firsts).to(self.device)[:, None] + torch.arange(frames, device=self.device)
        latent = self._buffer[:, place].transpose(0, 1).float()
        drawn = torch.rand(count, device=self.device, generator=generator)
        told: dict[str, Any] = {}
        if self.controls is not None:
            all_known = [controls_of(self.metadata[song]) for song in songs]
            told["controls"] = [drop_controls(one, self.controls, rng) for one in all_known]
            masks = [draw_known(frames, frames, self.controls, rng) for _ in songs]
            told["known_mask"] = torch.stack(masks).to(self.device)
        return {
            **told,
            "latent": latent,
            "mask": torch.ones(count, 1, frames, dtype=torch.bool, device=self.device),
            "noise": torch.randn(latent.shape, device=self.device, generator=generator),
            "cond_drop_mask": drawn < (self.crops.cond_drop_prob if augment else 0.0),
            "caption": captions,
            "attributes": attributes,
            "start": starts,
            "files": [self.names[song] for song in songs],
        }

    def times(self, count: int, generator: torch.Generator) -> Tensor:
        """Diffusion times [count] to train on."""
        return self.crops.times.distribution()(count, generator, self.device)
