"""Sound files that mutations begin from: one for each container, and one that mousai made."""

import json
from pathlib import Path

import numpy as np
import soundfile

from mousai.audio.files import write_audio
from mousai.data.shards.pack import shard_songs
from mousai.diffusion.lora import FORMAT, A, B
from mousai.storage.folders import load_latent_diffusion
from mousai.storage.weights import save_tensors

RATE = 16_000
_CONTAINERS = {
    "wav": ("WAV", "PCM_16"),
    "float.wav": ("WAV", "FLOAT"),
    "w64": ("W64", "PCM_24"),
    "rf64": ("RF64", "PCM_16"),
    "aiff": ("AIFF", "PCM_16"),
    "au": ("AU", "PCM_16"),
    "caf": ("CAF", "PCM_16"),
    "flac": ("FLAC", "PCM_16"),
    "ogg": ("OGG", "VORBIS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
}


def tone(seconds: float, *, rate: int = 48_000, seed: int = 0) -> np.ndarray:
    """A waveform [2, samples] of noise and a tone."""
    draw = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    wave = 0.3 * np.sin(2 * np.pi * draw.uniform(100, 900) * time) + 0.01 * draw.standard_normal((2, len(time)))
    return wave.astype(np.float32)


def write_sounds(folder: Path) -> list[Path]:
    """Write a twentieth of a second in every container, and in four formats as mousai does; returns the files."""
    folder.mkdir(parents=True)
    made = {"mousai": "1", "prompt": "calm piano pop, 100 bpm", "seed": "3", "command": "edit a.wav rock --region=1:2"}
    for name, (container, subtype) in _CONTAINERS.items():
        with soundfile.SoundFile(folder / f"plain.{name}", "w", RATE, 2, subtype, format=container) as file:
            file.write(tone(0.05, rate=RATE).T)
    for suffix in ("wav", "flac", "ogg", "mp3"):
        write_audio(folder / f"made.{suffix}", tone(0.05, rate=RATE), RATE, metadata=made)
    return sorted(folder.iterdir())


def write_adapter(path: Path, model: Path) -> None:
    """Write an adapter for three weights of a model's latent diffusion.

    Args:
        path: file to write.
        model: model folder.
    """
    import torch

    tensors = {}
    weights = [(name, one) for name, one in load_latent_diffusion(model).named_parameters() if one.ndim >= 2]
    for name, weight in weights[:3]:
        tensors[name + A] = torch.full((2, weight[0].numel()), 0.01)
        tensors[name + B] = torch.full((len(weight), 2), 0.01)
    about = {"format": FORMAT, "version": "1", "rank": "2", "alpha": "4", "base": "miniature"}
    save_tensors(path, tensors, metadata=about)


def write_music(folder: Path, *, songs: int = 3, seconds: float = 0.2) -> None:
    """Write a folder of songs, the first with a sidecar of all that is known of it.

    Args:
        folder: folder to make.
        songs: number of songs.
        seconds: length of each.
    """
    folder.mkdir(parents=True)
    for number in range(songs):
        write_audio(folder / f"{number}.wav", tone(seconds, seed=number), 48_000)
        (folder / f"{number}.txt").write_text(f"calm piano pop {number}, 100 bpm")
    (folder / "0.json").write_text(json.dumps(FIELDS))


FIELDS = {
    "title": "Blue Door",
    "artist": ["A", "B"],
    "genre": "jazz",
    "bpm": 96.5,
    "first_downbeat": 0.1,
    "key": "F# minor",
    "lead": "tenor saxophone",
    "year": 1999,
    "duration": 0.2,
    "chords": [{"start": 0.0, "end": 0.1, "label": "A:min"}, {"start": 0.1, "end": 0.2, "label": "C:maj7/3"}],
    "melody": [[0.0, 0.1, 69], [0.1, 0.2, 71]],
    "sections": [{"start": 0.0, "end": 0.2, "name": "verse"}],
}
"""What a table or a sidecar says of a song."""


def write_shards(folder: Path, music: Path) -> None:
    """Pack a folder of songs into shards of two."""
    shard_songs(music, folder, songs_per_shard=2)
