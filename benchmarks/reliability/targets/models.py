"""Model folders of which one file was changed."""

import json
import os
import random
from pathlib import Path
from typing import Any

from benchmarks.reliability.miniature import save_controlled, save_miniature
from benchmarks.reliability.mutate import mutated_bytes, mutated_json
from benchmarks.reliability.targets.base import Target
from benchmarks.reliability.targets.tensors import mutated_tensors
from mousai import Mousai

_WEIGHTED = {"tokenizer.json": 1, "model.safetensors": 3, "README.md": 0}


class Models(Target):
    """Model folders, loaded and, where that goes, asked for three hundredths of a second of music."""

    share = 0.008

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        save_miniature(folder / "plain")
        self._model = folder / "model"
        save_controlled(self._model, folder / "plain")
        self._files = sorted(path.relative_to(self._model) for path in self._model.rglob("*") if path.is_file())

    def make(self, rng: random.Random, place: Path) -> Any:
        """Mutate one file of the folder; the others are the same files."""
        chosen = rng.choices(self._files, [_WEIGHTED.get(path.name, 6) for path in self._files])[0]
        for path in self._files:
            (place / path).parent.mkdir(exist_ok=True)
            if path != chosen:
                os.link(self._model / path, place / path)
        data = (self._model / chosen).read_bytes()
        if chosen.suffix == ".safetensors":
            data = mutated_tensors(rng, data)
        elif rng.random() < 0.8:
            data = mutated_json(rng, json.loads(data)).encode("utf-8", "surrogatepass")
        else:
            data = mutated_bytes(rng, data)
        (place / chosen).write_bytes(data)
        return str(chosen)

    def run(self, case: Any, place: Path) -> bool:
        """Load it and make music."""
        pipeline = Mousai.from_pretrained(place, device="cpu", dtype="float32")
        pipeline.set_progress_bar_config(disable=True)
        few = {"num_inference_steps": 1, "decoder_steps": 1, "griffin_lim": 0, "decoder_start": 1.0}
        seconds = min(0.03, 2000 / pipeline.sample_rate)
        pipeline("calm piano pop in A minor, 100 bpm", duration=seconds, seed=0, chords="Am F", **few)
        return True
