"""Random crops of the audio files below a folder, for stage 1."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from mousai.audio import AUDIO_SUFFIXES, audio_info, read_audio
from mousai.errors import UserError
from mousai.training.augment import augment


def audio_files(folders: list[Path]) -> list[Path]:
    """All audio files below the folders, in a fixed order.

    Raises:
        UserError: a folder is missing or holds no audio.
    """
    found: list[Path] = []
    for folder in folders:
        if not folder.is_dir():
            raise UserError(f"{folder}: no such folder; give a folder of audio files")
        files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES)
        if not files:
            raise UserError(f"{folder}: holds no audio files ({', '.join(AUDIO_SUFFIXES)})")
        found += files
    return found


class RandomCrops(IterableDataset[Tensor]):
    """An endless stream of crops [C, samples], drawn file by file at random, changed by `augment` if asked.

    Crop number n depends on (seed, n) alone, so a run that starts again at n sees what it would have seen.

    Args:
        files: audio files; read by seeking, so a long one costs no more than its crop.
        samples: length of a crop; a shorter file is repeated.
        sample_rate: Hz.
        channels: channels of a crop.
        seed: of everything drawn.
        start: number of the first crop.
        changed: apply `augment`, and sometimes lay a second crop over the first.
    """

    def __init__(
        self,
        files: list[Path],
        *,
        samples: int,
        sample_rate: int,
        channels: int,
        seed: int = 0,
        start: int = 0,
        changed: bool = True,
    ) -> None:
        self.files, self.samples, self.sample_rate, self.channels = files, samples, sample_rate, channels
        self.seed, self.start, self.changed = seed, start, changed

    def crop(self, number: int) -> Tensor:
        """Crop `number` of the stream."""
        rng = np.random.default_rng((self.seed, number))
        wave = self._read(rng)
        if self.changed:
            if rng.random() < 0.15:
                wave = wave + self._read(rng) * rng.uniform(0.3, 1)
            wave = augment(wave, rng, sample_rate=self.sample_rate)
        return torch.from_numpy(np.ascontiguousarray(wave, dtype=np.float32))

    def _read(self, rng: np.random.Generator) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        path = self.files[rng.integers(len(self.files))]
        wanted = self.samples / self.sample_rate
        spare = audio_info(path).duration - wanted
        start = float(rng.uniform(0, spare)) if spare > 0 else 0.0
        wave = read_audio(path, sample_rate=self.sample_rate, channels=self.channels, start=start, duration=wanted)
        repeats = -(-self.samples // wave.shape[-1])
        return np.tile(wave, (1, repeats))[:, : self.samples]

    def __iter__(self) -> Iterator[Tensor]:
        """Crops in order; with workers, worker w of n takes every n-th."""
        worker = get_worker_info()
        first, step = (worker.id, worker.num_workers) if worker else (0, 1)
        number = self.start + first
        while True:
            yield self.crop(number)
            number += step
