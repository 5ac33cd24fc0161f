"""Encoding of songs, once for every epoch of stage 2, into a folder of files that goes on where it stopped.

latents/index.json                 the autoencoder, and from how many first samples
latents/latents-00000.safetensors  "song.wav#0", "song.wav#1", ...: latents [C, L] in bfloat16
latents/metadata.jsonl             metadata of the songs, as `find_records` reads it
latents/bad.json                   songs that could not be read, and why

A song whose file changed since (its size, its time, or a hash of its head and tail) is encoded anew. A file depends on
its songs alone, and each is one job for a pool (`mousai.data.workers`). Processes of as many threads write the same
bytes; another number of threads may add up in another order, which moves the last bit.
"""

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from dmae import DMAE, DMAEConfig
from mousai.audio.files import read_audio
from mousai.data.bad_songs import BadSongs
from mousai.data.check import SILENT
from mousai.data.latent_cache.changes import forget_changed, marks_now, write_metadata
from mousai.data.latent_cache.read import (
    ABOUT_SHARD,
    FORMAT,
    INDEX,
    bad_before,
    known_latents,
    shard_path,
)
from mousai.data.listing import first_names
from mousai.data.records import Record, song_name
from mousai.data.workers import LocalPool, Pool
from mousai.errors import UserError
from mousai.storage.file_parts import FilePart
from mousai.storage.files import first_foreign
from mousai.storage.leftovers import sweep
from mousai.storage.system import folder_lock
from mousai.storage.weights import load_config, load_module, save_config, save_tensors

SONGS_PER_SHARD = 32
"""Most that an interruption loses."""
_BAD = "bad.json"


@dataclass
class Encoded:
    """Result of encoding a folder.

    Args:
        songs: names of the songs that are in the cache.
        new: how many of them were encoded this time.
        bad: name -> what is wrong with it.
        changed: names of songs whose file was another when they were encoded before; they were encoded anew.
    """

    songs: list[str] = field(default_factory=list)
    new: int = 0
    bad: dict[str, str] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """What a user should know of it."""
        lines = [f"left out: {name}: {why}" for name, why in self.bad.items()]
        if self.changed:
            lines.append(f"encoded anew: {len(self.changed)} songs whose files changed ({first_names(self.changed)})")
        return lines


def encoder_fingerprint(state: Mapping[str, Tensor]) -> str:
    """Fingerprint of an encoder: of the tensors under "encoder." in an autoencoder's state dict."""
    return fingerprint({key: tensor for key, tensor in state.items() if key.startswith("encoder.")})


def fingerprint(state: Mapping[str, Tensor]) -> str:
    """Fingerprint of weights: a hash of the names, shapes and values in a state dict."""
    digest = hashlib.sha256()
    for key in sorted(state):
        digest.update(f"{key} {list(state[key].shape)} ".encode())
        digest.update(state[key].detach().cpu().float().numpy().tobytes())
    return digest.hexdigest()[:16]


def load_stage_1(folder: Path) -> DMAE:
    """The autoencoder of a folder that holds its `config.json` and `model.safetensors`, in float32."""
    try:
        config = DMAEConfig.from_dict(load_config(folder))
    except ValueError as error:
        raise error if isinstance(error, UserError) else UserError(folder, hint=f"config.json: {error}") from error
    return load_module(folder, lambda: DMAE(config))


def encode_songs(
    stage_1: Path,
    folder: Path,
    records: Sequence[Record],
    cache: Path,
    *,
    offsets: int = 1,
    workers: int = 1,
    pool: Pool | None = None,
    progress: bool = True,
) -> Encoded:
    """Encode what is not in the cache yet; another process that encodes into it is waited for.

    Args:
        stage_1: folder of the autoencoder, see `load_stage_1`.
        folder: folder of the songs.
        records: records of the songs.
        cache: folder of latents; made if it is missing.
        offsets: how often each song is encoded, from first samples spread over one latent frame.
        workers: processes of one thread each; 1 encodes in this one, with all its threads.
        pool: pool that does it instead, see `mousai.data.workers`.
        progress: show a bar.

    Raises:
        UserError: the cache is of another autoencoder, or more than a hundredth of the songs is bad; what was encoded
            stays, and the next call goes on from it.
    """
    for name, value in (("offsets", offsets), ("workers", workers)):
        if value < 1:
            raise UserError(name, value, "must be 1 or more")
    autoencoder = encoder_fingerprint(load_stage_1(stage_1).state_dict())
    with folder_lock(cache):  # two processes would give two files one number
        _check_index(cache, autoencoder, offsets)
        sweep(cache, again=True)
        names = {song_name(record, folder): record.path for record in records}
        if len(names) < len(records):
            raise UserError(folder, hint="two of its songs have one name")
        write_metadata(cache, folder, records)
        marks = marks_now(names)
        changed = forget_changed(cache, marks)
        known, tried = known_latents(cache), bad_before(cache)
        wanted = [name for name in names if not known.issuperset(f"{name}#{index}" for index in range(offsets))]
        # Those that were bad come last and by themselves: what a shard holds then does not depend on interruptions.
        todo = [_cut([n for n in wanted if n not in tried]), _cut([n for n in wanted if n in tried])]
        numbers = _free_numbers(cache)
        jobs = [
            EncodeJob(
                stage_1,
                autoencoder,
                cache,
                next(numbers),
                tuple((n, names[n], marks.get(n, "")) for n in songs),
                offsets,
                again,
            )
            for again, shards in enumerate(todo)
            for songs in shards
        ]
        bad, new = BadSongs(folder, cache / _BAD, total=len(names)), 0
        try:
            quiet = not progress or not jobs or sys.stderr is None
            with tqdm(total=len(wanted), desc="encoding", unit="song", disable=quiet, file=sys.stderr) as bar:
                for done, found in (pool or LocalPool(workers)).map(encode_shard, jobs):
                    new += done
                    bad.add(found)
                    bar.update(done + len(found))
        finally:
            if jobs or not (cache / _BAD).exists():  # a full disk may have stopped the last run right before it
                bad.save()
        return Encoded([name for name in names if name not in bad.found], new, bad.found, changed)


@dataclass(frozen=True)
class EncodeJob:
    """Job: encode the songs of one file, wherever that is done.

    Args:
        stage_1: folder of the autoencoder.
        autoencoder: its `encoder_fingerprint`.
        cache: folder of latents.
        number: number of the file.
        songs: names of the songs, where they lie, and marks of their files.
        offsets: how often each is encoded.
        again: whether they were bad before; a file without a single song is then not written.
    """

    stage_1: Path
    autoencoder: str
    cache: Path
    number: int
    songs: tuple[tuple[str, Path | FilePart, str], ...]
    offsets: int
    again: int


def encode_shard(job: EncodeJob) -> tuple[int, dict[str, str]]:
    """Encode and write one shard; how many songs are in it, and what is wrong with the others."""
    autoencoder = _autoencoder(job.stage_1, job.autoencoder)
    tensors: dict[str, Tensor] = {}
    bad: dict[str, str] = {}
    for name, path, _ in job.songs:
        latents, why = _encode(autoencoder, path, job.offsets)
        if why:
            bad[name] = why
        tensors |= {f"{name}#{index}": latent for index, latent in enumerate(latents)}
    if tensors or not job.again:
        marks = {name: mark for name, _, mark in job.songs if name not in bad}
        about = json.dumps({"bad": bad, "marks": marks})
        save_tensors(shard_path(job.cache, job.number), tensors, metadata={ABOUT_SHARD: about})
    return len(job.songs) - len(bad), bad


@lru_cache(maxsize=1)
def _autoencoder(stage_1: Path, expected: str) -> DMAE:
    """The autoencoder, loaded once in every process."""
    found = load_stage_1(stage_1)
    if (other := encoder_fingerprint(found.state_dict())) != expected:
        raise UserError(stage_1, hint=f"is another autoencoder here ({other}) than where the work began ({expected})")
    return found


def _check_index(cache: Path, autoencoder: str, offsets: int) -> None:
    index = {"format": FORMAT, "version": 1, "autoencoder": autoencoder, "offsets": offsets}
    path = cache / INDEX
    if not path.exists():
        if foreign := first_foreign(cache):
            raise UserError(cache, hint=f"holds {foreign}, and no latents; give a new or empty folder")
        save_config(path, index)
    elif (found := load_config(path)) != index:
        differ = ", ".join(
            f"{key} {found.get(key)!r}, here {index[key]!r}" for key in index if found.get(key) != index[key]
        )
        raise UserError(cache, hint=f"was encoded otherwise ({differ}); remove it or name another folder")


def _free_numbers(cache: Path) -> Iterator[int]:
    """Numbers of shards that are not there: after an interruption each unfinished one gets its own number again."""
    return (number for number in count() if not shard_path(cache, number).exists())


def _cut(names: list[str]) -> list[list[str]]:
    return [names[start : start + SONGS_PER_SHARD] for start in range(0, len(names), SONGS_PER_SHARD)]


def _encode(autoencoder: DMAE, path: Path | FilePart, offsets: int) -> tuple[list[Tensor], str]:
    """The latents of one song, or what is wrong with it."""
    config = autoencoder.config
    try:
        wave = read_audio(path, sample_rate=config.sample_rate, channels=config.audio_channels)
    except UserError as error:
        return [], " ".join(str(error).split())
    if float(np.abs(wave).max()) < SILENT:
        return [], "is silent"
    latents = []
    for index in range(offsets):
        first = index * config.hop_length // offsets
        whole = (wave.shape[-1] - first) // config.hop_length * config.hop_length
        if whole < config.hop_length:
            return [], f"is shorter than one latent frame, {config.hop_length} samples"
        with torch.no_grad():
            latents.append(autoencoder.encode(torch.from_numpy(wave[None, :, first : first + whole]))[0].bfloat16())
    return latents, ""
