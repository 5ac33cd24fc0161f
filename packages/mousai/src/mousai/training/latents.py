"""A captioned folder as latents: encoded once, then drawn from in random crops with fresh captions."""

import json
import sys
from collections.abc import Callable, Iterator
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
from mousai.errors import UserError

UNTOLD = 0.15
"""Chance that the tempo of a crop is not stated, and that its key is not."""


@dataclass(frozen=True)
class Captioned:
    """Rows of a `metadata.jsonl`, and for each one the latents [C, L] of its file from different first samples."""

    rows: list[dict[str, Any]]
    latents: list[list[Tensor]]
    frame_rate: float

    @property
    def std(self) -> float:
        """Standard deviation of all latents."""
        return float(torch.cat([latent.flatten() for group in self.latents for latent in group]).std())


def read_metadata_rows(folder: Path) -> list[dict[str, Any]]:
    """The rows of `metadata.jsonl` in a folder of the Hugging Face audiofolder layout.

    Raises:
        UserError: the file is missing or a line of it is not a row with `file_name` and `caption`.
    """
    path = folder / "metadata.jsonl"
    if not path.is_file():
        raise UserError(f"{path} does not exist; stage 2 needs captions (see `mousai compose --help` for the layout)")
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise UserError(f"{path}, line {number}: not JSON ({error})") from error
        if not isinstance(row, dict) or not {"file_name", "caption"} <= row.keys():
            raise UserError(f"{path}, line {number}: needs the keys file_name and caption")
        rows.append(row)
    if not rows:
        raise UserError(f"{path} is empty")
    return rows


def encode_folder(autoencoder: DMAE, folder: Path, cache: Path, *, offsets: int = 2) -> Captioned:
    """Encode every song of a captioned folder `offsets` times, from first samples spread over one latent frame.

    What is in `cache` already (a safetensors file that names its autoencoder by a checksum) is not done again.
    """
    rows = read_metadata_rows(folder)
    config = autoencoder.config
    fingerprint = _fingerprint(autoencoder)
    known: dict[str, Tensor] = {}
    if cache.exists():
        known, about = load_tensors(cache)
        if about.get("autoencoder") != fingerprint:
            raise UserError(f"{cache} was encoded by another autoencoder; remove it or name another file")
    todo = [row for row in rows if any(f"{row['file_name']}#{index}" not in known for index in range(offsets))]
    with torch.no_grad():
        for row in tqdm(todo, desc="encoding", unit="song", file=sys.stderr, disable=not todo):
            wave = read_audio(folder / row["file_name"], sample_rate=config.sample_rate, channels=config.audio_channels)
            for index in range(offsets):
                first = index * config.hop_length // offsets
                whole = (wave.shape[-1] - first) // config.hop_length * config.hop_length
                crop = torch.from_numpy(wave[None, :, first : first + whole])
                known[f"{row['file_name']}#{index}"] = autoencoder.encode(crop)[0].bfloat16()
    if todo:
        cache.parent.mkdir(parents=True, exist_ok=True)
        save_tensors(cache, known, metadata={"autoencoder": fingerprint})
    latents = [[known[f"{row['file_name']}#{i}"] for i in range(offsets)] for row in rows]
    return Captioned(rows, latents, config.sample_rate / config.hop_length)


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


def stated_of(row: dict[str, Any]) -> Stated:
    """Tempo and key of a row, each where it has it; a tempo counts only with `first_beat`, the second of a bar line."""
    tempo = float(row["bpm"]) if row.get("bpm") and row.get("first_beat") is not None else None
    key = stated_in(str(row.get("key") or "")).key
    return Stated(tempo=tempo, key=key, first_beat=float(row.get("first_beat") or 0.0))


def latent_batches(
    data: Captioned,
    caption: Callable[[dict[str, Any], np.random.Generator], str],
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
    count = len(data.rows)
    for row, group in zip(data.rows, data.latents, strict=True):
        if group[0].shape[-1] - 1 < frames:
            raise UserError(f"{row['file_name']}: {group[0].shape[-1]} latent frames are fewer than a crop of {frames}")

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

    known = [stated_of(row) for row in data.rows]

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
            captions.append(caption(data.rows[index], rng))
            starts.append((first + offset / len(group)) / data.frame_rate)
            told = known[index]
            told = replace(told, tempo=None) if rng.random() < UNTOLD else told
            stated.append(replace(told, key=None) if rng.random() < UNTOLD else told)
        return Batch(torch.stack(crops), captions, stated, starts)

    return get
