"""Crops of sound, the items of stage 1."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset

from dmae import DMAEConfig
from mousai.audio.files import audio_info, read_audio
from mousai.data.shards import ShardError
from mousai.errors import UserError
from mousai.storage.file_parts import FilePart
from mousai.training.config import AutoencoderCropConfig
from mousai.training.data.augment import augment
from mousai.training.data.index_sampler import draw_noise
from mousai.training.data.sharded_files import ShardedFiles

TRIES = 16
"""Crops that are drawn for one item before its files are called bad or silent."""


class WaveformCrops(Dataset[dict[str, Any]]):
    """Item n: `wave` [C, samples] of a file, `t` [], `noise` of the shape of what is diffused, `files`, `bad`.

    Args:
        files: audio files, read by seeking; of shards, those near an item.
        config: config of the model.
        crops: length and treatment of a crop.
        seed: seed of everything that is drawn.
        latent_noise: standard deviation of `latent_noise`, which an item then has too, of the latent's shape.
        count: where it is given, that many items with times spread evenly over (0, 1), for validation.
    """

    def __init__(
        self,
        files: Sequence[Path] | ShardedFiles,
        config: DMAEConfig,
        crops: AutoencoderCropConfig,
        *,
        seed: int,
        latent_noise: float = 0.0,
        count: int | None = None,
    ) -> None:
        self.files, self.config, self.crops, self.seed, self.count = files, config, crops, seed, count
        self.latent_noise = latent_noise

    def __len__(self) -> int:
        """Items for validation."""
        assert self.count is not None
        return self.count

    def __getitem__(self, index: int) -> dict[str, Any]:
        """One item.

        Raises:
            UserError: so many files in a row are bad or silent that something else must be wrong, or a shard is
                missing.
        """
        rng = np.random.default_rng((self.seed, index))
        files = self.files.near(index) if isinstance(self.files, ShardedFiles) else self.files
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
            if 10 * np.log10(np.square(wave, dtype=np.float64).mean() + 1e-20) >= self.crops.silence:
                break
        else:
            raise UserError(
                str(path),
                hint=f"{TRIES} crops in a row could not be read or were silent (crops.silence="
                f"{self.crops.silence:g} dB); run `mousai data check` on the folder",
            )
        if self.crops.augment and self.count is None:
            wave = augment(wave, rng, self.crops.augmentation, sample_rate=self.config.sample_rate)
        padded = -(-self.crops.samples // self.config.hop_length) * self.config.hop_length
        shape = (self.config.diffused_channels, padded // self.config.diffused_size)
        t, noise, generator = draw_noise(self.seed, index, shape, self.crops.times)
        if self.count is not None:
            t = torch.tensor((index + 0.5) / self.count)
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
        while wave.shape[-1] < self.crops.samples:
            more = wave
            if self.crops.short == "join":
                more = self._part(files[int(rng.integers(len(files)))], rng)
            wave = np.concatenate([wave, more], axis=-1)
        return wave[:, : self.crops.samples]

    def _part(self, path: Path | FilePart, rng: np.random.Generator) -> npt.NDArray[np.float32]:
        wanted = self.crops.samples / self.config.sample_rate
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
            raise UserError(str(path), hint="holds no sound")
        return wave
