"""A captioned folder as latents: encoded once, then drawn from in random crops with fresh captions."""

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from dmae import DMAE
from mousai.audio import read_audio
from mousai.checkpoint import load_tensors, save_tensors
from mousai.conditions import Stated, stated_in
from mousai.data.captions import FIELDS
from mousai.data.records import Record, find_records
from mousai.errors import UserError

UNTOLD = 0.15
"""Chance that the tempo of a crop is not stated, and that its key is not."""


@dataclass(frozen=True)
class Captioned:
    """Files with what is known of them, and for each one its latents [C, L] from different first samples."""

    records: list[Record]
    latents: list[list[Tensor]]
    frame_rate: float

    @property
    def std(self) -> float:
        """Standard deviation of all latents."""
        return float(torch.cat([latent.flatten() for group in self.latents for latent in group]).std())


def encode_folder(autoencoder: DMAE, folder: Path, cache: Path, *, offsets: int = 2) -> Captioned:
    """Encode every song of a captioned folder `offsets` times, from first samples spread over one latent frame.

    What is in `cache` already (a safetensors file that names its autoencoder by a checksum) is not done again.
    """
    records = find_records(folder)
    if not any(name in record.fields for record in records for name in FIELDS):
        raise UserError(
            f"{folder}: nothing is known of any file, and stage 2 needs captions: give a metadata.jsonl or .csv with "
            "file_name and caption, a .txt beside each file, or tags"
        )
    names = {record.path: record.path.relative_to(folder).as_posix() for record in records}
    config = autoencoder.config
    fingerprint = _fingerprint(autoencoder)
    known: dict[str, Tensor] = {}
    if cache.exists():
        known, about = load_tensors(cache)
        if about.get("autoencoder") != fingerprint:
            raise UserError(f"{cache} was encoded by another autoencoder; remove it or name another file")
    todo = [r for r in records if any(f"{names[r.path]}#{index}" not in known for index in range(offsets))]
    with torch.no_grad():
        for record in tqdm(todo, desc="encoding", unit="song", file=sys.stderr, disable=not todo):
            wave = read_audio(record.path, sample_rate=config.sample_rate, channels=config.audio_channels)
            for index in range(offsets):
                first = index * config.hop_length // offsets
                whole = (wave.shape[-1] - first) // config.hop_length * config.hop_length
                crop = torch.from_numpy(wave[None, :, first : first + whole])
                known[f"{names[record.path]}#{index}"] = autoencoder.encode(crop)[0].bfloat16()
    if todo:
        cache.parent.mkdir(parents=True, exist_ok=True)
        save_tensors(cache, known, metadata={"autoencoder": fingerprint})
    latents = [[known[f"{names[record.path]}#{i}"] for i in range(offsets)] for record in records]
    return Captioned(records, latents, config.sample_rate / config.hop_length)


def _fingerprint(autoencoder: DMAE) -> str:
    weights = [p.double().abs().sum() for k, p in autoencoder.encoder.state_dict().items()]
    return f"{float(torch.stack(weights).sum()):.6f}"


@dataclass(frozen=True)
class Batch:
    """Crops of songs.

    Args:
        latents: [B, C, frames].
        captions: of the songs.
        stated: tempo and key of the songs, as far as they are told this time.
        starts: second of its song at which each crop begins.
    """

    latents: Tensor
    captions: list[str]
    stated: list[Stated]
    starts: list[float]


def stated_of(fields: Mapping[str, Any]) -> Stated:
    """Tempo and key of a file, each where it is known; a tempo counts only with `first_beat`, a bar line's second."""
    tempo = float(fields["bpm"]) if fields.get("bpm") and fields.get("first_beat") is not None else None
    key = stated_in(str(fields.get("key") or "")).key
    return Stated(tempo=tempo, key=key, first_beat=float(fields.get("first_beat") or 0.0))


def latent_batches(
    data: Captioned,
    caption: Callable[[Mapping[str, Any], np.random.Generator], str],
    *,
    frames: int,
    batch: int,
    seed: int,
) -> Callable[[int], Batch]:
    """A function from the step's number to its batch, from (seed, step) alone.

    Songs come in shuffled passes; a crop begins at the song's start three times in ten, else anywhere. Tempo and key
    are each left out of what is stated once in seven times.

    Raises:
        UserError: a song is shorter than a crop.
    """
    count = len(data.records)
    for record, group in zip(data.records, data.latents, strict=True):
        if group[0].shape[-1] - 1 < frames:
            raise UserError(f"{record.path}: {group[0].shape[-1]} latent frames are fewer than a crop of {frames}")

    def orders() -> Iterator[np.ndarray[tuple[int], np.dtype[np.int64]]]:
        pass_number = 0
        while True:
            yield np.random.default_rng((seed, 1, pass_number)).permutation(count)
            pass_number += 1

    permutations: list[np.ndarray[tuple[int], np.dtype[np.int64]]] = []
    source = orders()

    def song(position: int) -> int:
        while len(permutations) <= position // count:
            permutations.append(next(source))
        return int(permutations[position // count][position % count])

    known = [stated_of(record.fields) for record in data.records]

    def get(step: int) -> Batch:
        rng = np.random.default_rng((seed, 2, step))
        crops, captions, stated, starts = [], [], [], []
        for position in range(step * batch, (step + 1) * batch):
            index = song(position)
            group = data.latents[index]
            offset = int(rng.integers(len(group)))
            latent = group[offset]
            first = 0 if rng.random() < 0.3 else int(rng.integers(latent.shape[-1] - frames + 1))
            crops.append(latent[:, first : first + frames].float())
            captions.append(caption(data.records[index].fields, rng))
            starts.append((first + offset / len(group)) / data.frame_rate)
            told = known[index]
            told = replace(told, tempo=None) if rng.random() < UNTOLD else told
            stated.append(replace(told, key=None) if rng.random() < UNTOLD else told)
        return Batch(torch.stack(crops), captions, stated, starts)

    return get
