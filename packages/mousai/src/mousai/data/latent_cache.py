"""Songs encoded once, for every epoch of stage 2: a folder of shards that goes on where it stopped.

latents/index.json                 of which autoencoder, from how many first samples
latents/latents-00000.safetensors  "song.wav#0", "song.wav#1", ...: latents [C, L] in bfloat16
latents/bad.json                   songs that could not be read, and why
"""

import hashlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from dmae import DMAE, DMAEConfig
from mousai.audio import read_audio
from mousai.checkpoint import load_config, load_state, load_tensors, save_config, save_tensors, tensor_shapes
from mousai.data.check import MOST_BAD
from mousai.data.records import Record
from mousai.errors import UserError

SONGS_PER_SHARD = 32
"""What an interruption loses at most."""
_INDEX, _BAD = "index.json", "bad.json"


@dataclass
class Encoded:
    """What came of a folder.

    Args:
        songs: names of the songs that are in the cache.
        new: how many of them were encoded this time.
        bad: name -> what is wrong with it.
    """

    songs: list[str] = field(default_factory=list)
    new: int = 0
    bad: dict[str, str] = field(default_factory=dict)


def fingerprint(state: Mapping[str, Tensor]) -> str:
    """What tells one encoder from another: a hash of the tensors under "encoder." in an autoencoder's state dict."""
    digest = hashlib.sha256()
    for key in sorted(state):
        if key.startswith("encoder."):
            digest.update(f"{key} {list(state[key].shape)} ".encode())
            digest.update(state[key].detach().cpu().float().numpy().tobytes())
    return digest.hexdigest()[:16]


def load_stage_1(folder: Path) -> DMAE:
    """The autoencoder of a folder that holds its `config.json` and `model.safetensors`, in float32."""
    autoencoder = DMAE(DMAEConfig.from_dict(load_config(folder)))
    load_state(folder, autoencoder)
    return autoencoder.eval()


def song_name(record: Record, folder: Path) -> str:
    """How a song is called in the cache: its path below the folder, the same on every system."""
    return record.path.relative_to(folder).as_posix()


def encode_songs(
    stage_1: Path,
    folder: Path,
    records: Sequence[Record],
    cache: Path,
    *,
    offsets: int = 1,
    workers: int = 1,
    progress: bool = True,
) -> Encoded:
    """Encode what is not in the cache yet.

    Args:
        stage_1: folder of the autoencoder, see `load_stage_1`.
        folder: where the songs lie.
        records: of the songs.
        cache: folder of latents; made if it is missing.
        offsets: how often each song is encoded, from first samples spread over one latent frame.
        workers: processes; 1 encodes in this one, with all its threads.
        progress: show a bar.

    Raises:
        UserError: the cache is of another autoencoder, or more than a hundredth of the songs is bad; what was encoded
            stays, and the next call goes on from it.
    """
    for name, value in (("offsets", offsets), ("workers", workers)):
        if value < 1:
            raise UserError(f"{name}={value}: must be 1 or more")
    autoencoder = load_stage_1(stage_1)
    _check_index(cache, fingerprint(autoencoder.state_dict()), offsets)
    known = _known(cache)
    names = {song_name(record, folder): record.path for record in records}
    wanted = {name: [f"{name}#{index}" for index in range(offsets)] for name in names}
    todo = [name for name in names if not known.issuperset(wanted[name])]
    found = Encoded()
    shard: dict[str, Tensor] = {}
    try:
        jobs = _encoded(autoencoder, stage_1, [(name, names[name]) for name in todo], offsets, workers)
        quiet = not progress or not todo
        for name, latents, bad in tqdm(
            jobs, total=len(todo), desc="encoding", unit="song", disable=quiet, file=sys.stderr
        ):
            if bad:
                found.bad[name] = bad
            else:
                shard |= dict(zip(wanted[name], latents, strict=True))
                found.new += 1
            if len(shard) >= SONGS_PER_SHARD * offsets:
                _write_shard(cache, shard)
                shard = {}
    finally:
        if shard:
            _write_shard(cache, shard)
        if todo:
            save_config(cache / _BAD, dict(sorted(found.bad.items())))
    found.songs = [name for name in names if name not in found.bad]
    if len(found.bad) > MOST_BAD * len(names):
        name, why = next(iter(found.bad.items()))
        raise UserError(
            f"{folder}: {len(found.bad)} of {len(names)} songs are bad, which is more than {MOST_BAD:.0%}, such as "
            f"{name}: {why} (all in {cache / _BAD}; `mousai data check` says more)"
        )
    return found


def read_latents(cache: Path, songs: Sequence[str], *, offsets: int) -> list[list[Tensor]]:
    """The latents [C, L] of songs, `offsets` of each.

    Raises:
        UserError: one of them is not in the cache.
    """
    tensors: dict[str, Tensor] = {}
    for path in _shards(cache):
        tensors |= load_tensors(path)[0]
    for name in songs:
        if f"{name}#{offsets - 1}" not in tensors:
            raise UserError(f"{cache}: has no latents of {name}")
    return [[tensors[f"{name}#{index}"] for index in range(offsets)] for name in songs]


def _check_index(cache: Path, autoencoder: str, offsets: int) -> None:
    index = {"format": "mousai latents", "version": 1, "autoencoder": autoencoder, "offsets": offsets}
    path = cache / _INDEX
    if not path.exists():
        save_config(path, index)
    elif (found := load_config(path)) != index:
        differ = ", ".join(
            f"{key} {found.get(key)!r}, here {index[key]!r}" for key in index if found.get(key) != index[key]
        )
        raise UserError(f"{cache}: was encoded otherwise ({differ}); remove it or name another folder")


def _shards(cache: Path) -> list[Path]:
    return sorted(cache.glob("latents-*.safetensors"))


def _known(cache: Path) -> set[str]:
    return {key for path in _shards(cache) for key in tensor_shapes(path)}


def _write_shard(cache: Path, tensors: Mapping[str, Tensor]) -> None:
    last = _shards(cache)[-1:]
    number = int(last[0].stem.removeprefix("latents-")) + 1 if last else 0
    save_tensors(cache / f"latents-{number:05d}.safetensors", tensors)


def _encoded(
    autoencoder: DMAE, stage_1: Path, jobs: Sequence[tuple[str, Path]], offsets: int, workers: int
) -> Iterator[tuple[str, list[Tensor], str]]:
    if workers == 1 or len(jobs) < 2:
        for name, path in jobs:
            yield name, *_encode(autoencoder, path, offsets)
        return
    pool = ProcessPoolExecutor(
        min(workers, len(jobs)), mp_context=get_context("spawn"), initializer=_start_worker, initargs=(stage_1, workers)
    )
    try:
        for future in as_completed([pool.submit(_work, name, path, offsets) for name, path in jobs]):
            name, latents, bad = future.result()
            yield name, [torch.from_numpy(latent).bfloat16() for latent in latents], bad
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _encode(autoencoder: DMAE, path: Path, offsets: int) -> tuple[list[Tensor], str]:
    """The latents of one song, or what is wrong with it."""
    config = autoencoder.config
    try:
        wave = read_audio(path, sample_rate=config.sample_rate, channels=config.audio_channels)
    except UserError as error:
        return [], " ".join(str(error).split())
    latents = []
    for index in range(offsets):
        first = index * config.hop_length // offsets
        whole = (wave.shape[-1] - first) // config.hop_length * config.hop_length
        if whole < config.hop_length:
            return [], f"is shorter than one latent frame, {config.hop_length} samples"
        with torch.no_grad():
            latents.append(autoencoder.encode(torch.from_numpy(wave[None, :, first : first + whole]))[0].bfloat16())
    return latents, ""


_worker: list[DMAE] = []


def _start_worker(stage_1: Path, workers: int) -> None:
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // workers))
    _worker[:] = [load_stage_1(stage_1)]


def _work(name: str, path: Path, offsets: int) -> tuple[str, list[object], str]:
    latents, bad = _encode(_worker[0], path, offsets)
    # As numpy arrays: tensors would go through shared memory, of which a container may have little.
    return name, [latent.float().numpy() for latent in latents], bad
