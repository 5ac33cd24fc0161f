"""Audio files of every container, with bytes that were changed."""

import random
from pathlib import Path
from typing import Any

from benchmarks.reliability.mutate import mutated_bytes
from benchmarks.reliability.samples import write_sounds
from benchmarks.reliability.targets.base import Target, taken
from mousai.audio.files import audio_info, read_audio, read_metadata
from mousai.audio.reading import sound_blocks


class Sounds(Target):
    """Audio files, read as a header, as metadata, block by block, and whole at another rate."""

    share = 0.18

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        files = write_sounds(folder / "sounds")
        self._samples = [(path.name, path.read_bytes()) for path in files]

    def make(self, rng: random.Random, place: Path) -> Any:
        """Mutate one of the samples."""
        name, data = rng.choice(self._samples)
        (place / name).write_bytes(mutated_bytes(rng, data, [other for _, other in self._samples]))
        return name

    def run(self, case: Any, place: Path) -> bool:
        """Read it in every way."""
        path = place / case
        return taken(
            lambda: audio_info(path),
            lambda: read_metadata(path),
            lambda: sum(len(block) for block in sound_blocks(path)),
            lambda: read_audio(path, sample_rate=24_000, channels=2, duration=2.0),
            lambda: read_audio(path, sample_rate=16_000, channels=1, start=0.01, duration=0.02),
        )
