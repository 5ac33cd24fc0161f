"""Waveforms in the memory of the device, for stage 1."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from dmae import DMAEConfig
from mousai.errors import UserError
from mousai.training.config import AutoencoderCropConfig
from mousai.training.resident.augment_batch import augment_batch
from mousai.training.resident.batches import ResidentData

_SCALE = 32767


class ResidentWaveforms(ResidentData):
    """Songs as int16 in one long buffer [C, capacity], of which crops are cut.

    Args:
        config: config of the model.
        crops: length and treatment of a crop.
        capacity: samples of all songs together.
        device: device of the data.
        seed: seed of everything that is drawn.
        validation: songs, the first, that only validation uses.
        latent_noise: standard deviation of the noise on the latent.
    """

    def __init__(
        self,
        config: DMAEConfig,
        crops: AutoencoderCropConfig,
        *,
        capacity: int,
        device: torch.device,
        seed: int,
        validation: int,
        latent_noise: float = 0.0,
    ) -> None:
        super().__init__(device=device, seed=seed, validation=validation)
        self.config, self.crops, self.latent_noise = config, crops, latent_noise
        self._buffer = torch.zeros(config.audio_channels, capacity, dtype=torch.int16, device=device)
        self._starts: list[int] = []
        self._lengths: list[int] = []
        self.names: list[str] = []

    def __len__(self) -> int:
        """Number of songs."""
        return len(self.names)

    def add(self, name: str, wave: npt.NDArray[Any]) -> bool:
        """Add a song [C, T], float in [-1, 1] or int16; False where the buffer is full.

        Raises:
            UserError: it is shorter than a crop.
        """
        length, start = wave.shape[-1], (self._starts[-1] + self._lengths[-1] if self._starts else 0)
        if length < self.crops.samples:
            hint = f"is shorter than a crop of {self.crops.samples} samples; give longer songs or shorter crops"
            raise UserError(name, None, hint)
        if start + length > self._buffer.shape[1]:
            return False
        if wave.dtype != np.int16:
            wave = np.round(np.clip(wave, -1, 1) * _SCALE).astype(np.int16)
        self._buffer[:, start : start + length] = torch.from_numpy(np.ascontiguousarray(wave)).to(self.device)
        self._starts.append(start)
        self._lengths.append(length)
        self.names.append(name)
        return True

    def wave(self, song: int) -> Tensor:
        """A whole song [C, T] in [-1, 1]."""
        start, length = self._starts[song], self._lengths[song]
        return self._buffer[:, start : start + length].float() / _SCALE

    def cut(
        self, songs: list[int], rng: np.random.Generator, generator: torch.Generator, *, augment: bool
    ) -> dict[str, Any]:
        """Crops of songs; see `ResidentData.cut`."""
        samples, config = self.crops.samples, self.config
        firsts = [self._starts[song] + int(rng.integers(self._lengths[song] - samples + 1)) for song in songs]
        place = torch.tensor(firsts).to(self.device)[:, None] + torch.arange(samples, device=self.device)
        wave = self._buffer[:, place].transpose(0, 1).float() / _SCALE
        if augment and self.crops.augment:
            wave = augment_batch(wave, generator, self.crops.augmentation, sample_rate=config.sample_rate)
        padded = -(-samples // config.hop_length) * config.hop_length
        shape = (len(songs), config.diffused_channels, padded // config.diffused_size)
        found = {
            "wave": wave,
            "noise": torch.randn(shape, device=self.device, generator=generator),
            "files": [self.names[song] for song in songs],
        }
        if self.latent_noise and augment:
            latent = (len(songs), config.latent_channels, padded // config.hop_length)
            drawn = torch.randn(latent, device=self.device, generator=generator)
            found["latent_noise"] = self.latent_noise * drawn
        return found

    def times(self, count: int, generator: torch.Generator) -> Tensor:
        """Diffusion times [count] to train on."""
        return self.crops.times.distribution()(count, generator, self.device)
