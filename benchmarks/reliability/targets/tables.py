"""Folders of music whose tables and sidecars were changed, and shards whose indexes were."""

import json
import os
import random
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.reliability.mutate import mutated_bytes, mutated_json, mutated_text
from benchmarks.reliability.samples import FIELDS, write_music, write_shards
from benchmarks.reliability.targets.base import Target, taken
from mousai.data.annotation import attributes_of, controls_of
from mousai.data.records import Record, find_records
from mousai.data.shards.read import open_shards
from mousai.training.data.captions import caption_of

_CSV = 'file_name,title,bpm,key\n0.wav,"Blue, Door",96.5,F# minor\n1.wav,Rain,120,C major\n2.wav,x,nan,\n'


class Tables(Target):
    """Tables, sidecars and annotations, read as training reads them: captions, attributes, controls."""

    share = 0.14

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._music = folder / "music"
        write_music(self._music)

    def make(self, rng: random.Random, place: Path) -> Any:
        """Write a mutated table beside songs."""
        for number in range(3):
            os.link(self._music / f"{number}.wav", place / f"{number}.wav")
        name = rng.choice(("metadata.jsonl", "metadata.jsonl", "metadata.csv", "0.json", "0.txt", "annotations.jsonl"))
        if name == "metadata.csv":
            text = mutated_text(rng, _CSV, [_CSV])
        elif name.endswith(".jsonl"):
            rows = [json.dumps({"file_name": f"{number}.wav", **FIELDS}) for number in range(3)]
            rows[rng.randrange(3)] = mutated_json(rng, {"file_name": "1.wav", **FIELDS})
            text = rng.choice(("\n", "\n", "\r\n", "\n\n", ",\n")).join(rows)
        else:
            text = mutated_json(rng, FIELDS) if name == "0.json" else mutated_text(rng, "calm piano pop, 100 bpm")
        data = text.encode("utf-8", "surrogatepass")
        (place / name).write_bytes(mutated_bytes(rng, data) if rng.random() < 0.2 else data)
        return name

    def run(self, case: Any, place: Path) -> bool:
        """Read the folder, and take each song's metadata for what it is taken for."""
        return all([_used(record) for record in find_records(place)])


def _used(record: Record) -> bool:
    draw = np.random.default_rng(0)
    return taken(
        lambda: attributes_of(record.fields),
        lambda: controls_of(record.fields),
        lambda: caption_of(record.fields, draw).encode(),
    )


class Shards(Target):
    """Sets of shards whose index, metadata or bytes were changed."""

    share = 0.03

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        write_music(folder / "music")
        self._shards = folder / "shards"
        write_shards(self._shards, folder / "music")
        self._files = sorted(path.name for path in self._shards.iterdir())

    def make(self, rng: random.Random, place: Path) -> Any:
        """Mutate one file of the set."""
        chosen = rng.choice([name for name in self._files if name.endswith(".json")] * 3 + self._files)
        for name in self._files:
            if name != chosen:
                os.link(self._shards / name, place / name)
        data = (self._shards / chosen).read_bytes()
        if chosen.endswith(".json") and rng.random() < 0.8:
            data = mutated_json(rng, json.loads(data)).encode("utf-8", "surrogatepass")
        else:
            data = mutated_bytes(rng, data)
        (place / chosen).write_bytes(data)
        return chosen

    def run(self, case: Any, place: Path) -> bool:
        """Open the set, and read its songs and their metadata."""
        from mousai.audio.files import read_audio

        found = open_shards(str(place))
        whole = taken(lambda: [_used(record) for record in found.records()], lambda: (found.lengths, found.shard_of))
        return taken(*(lambda song=song: read_audio(found.sound(song)) for song in range(len(found)))) and whole
