"""Writing of one shard, the job of `mousai data shard`."""

import hashlib
import json
import os
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mousai.data.check import inspect_file
from mousai.data.shards.format import Kind, Placed, Shard
from mousai.errors import UserError
from mousai.storage.files import atomic_file
from mousai.storage.weights import save_config

_CHUNK = 2**20


@dataclass(frozen=True)
class Song:
    """One song on its way into a shard.

    Args:
        number: place of the song in the data; a song's files in a shard are called by it.
        name: path below the folder it came from, with slashes.
        source: audio file, or the file of a latent cache that holds `name#0`, `name#1`, ...
        fields: metadata of the song.
    """

    number: int
    name: str
    source: Path
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class ShardJob:
    """Job: write one shard, wherever that is done.

    Args:
        kind: kind of the songs.
        out: folder of the shards.
        number: number of the shard.
        songs: songs of the shard, in their order.
        offsets: number of latents that each song has; 0 for audio.
    """

    kind: Kind
    out: Path
    number: int
    songs: tuple[Song, ...]
    offsets: int = 0

    @property
    def file(self) -> str:
        """Name of the tar file."""
        return f"shard-{self.number:06d}.tar"


def about_path(out: Path, file: str) -> Path:
    """Path of the description of a finished shard until the index of them all is made."""
    return out / f"{file}.json"


def write_shard(job: ShardJob) -> Shard:
    """Write one shard, and after it the description that says that it is whole."""
    import webdataset

    lengths: dict[int, float] = {}
    bad: dict[str, str] = {}
    with atomic_file(job.out / job.file) as partial:
        with (
            partial.open("wb") as stream,
            # Owner and time are what would differ from run to run.
            webdataset.TarWriter(stream, user="mousai", group="mousai", mode=0o644, mtime=0, encoder=False) as tar,
        ):
            for song in job.songs:
                data, length, why = _sound(song) if job.kind == "audio" else _latents(song, job.offsets)
                if why:
                    bad[song.name] = why
                    continue
                lengths[song.number] = length
                suffix = song.source.suffix.lower()[1:]
                tar.write({"__key__": f"{song.number:09d}", suffix: data, "json": fields_text(song).encode()})
        digest = hashlib.sha256()
        with partial.open("rb") as written:
            while block := written.read(_CHUNK):
                digest.update(block)
        size = partial.stat().st_size
        places = _places(partial)
    songs = tuple(
        Placed(song.number, song.name, lengths[song.number], *places[song.number])
        for song in job.songs
        if song.number in lengths
    )
    shard = Shard(job.file, size, digest.hexdigest(), songs, bad)
    save_config(about_path(job.out, job.file), shard.to_dict())
    return shard


def fields_text(song: Song) -> str:
    """Metadata of a song, as one line of JSON."""
    return json.dumps({"file_name": song.name, **song.fields}, sort_keys=True)


def _sound(song: Song) -> tuple[bytes, float, str]:
    report = inspect_file(song.source)
    if report.bad:
        return b"", 0.0, report.bad
    return song.source.read_bytes(), report.duration, ""


def _latents(song: Song, offsets: int) -> tuple[bytes, float, str]:
    import safetensors.torch

    from mousai.storage.weights import load_some_tensors

    try:
        found = load_some_tensors(song.source, [f"{song.name}#{index}" for index in range(offsets)])
    except UserError as error:
        return b"", 0.0, str(error)
    tensors = {str(index): tensor for index, tensor in enumerate(found)}
    return safetensors.torch.save(tensors), float(min(tensor.shape[-1] for tensor in found)), ""


def _places(tar: Path) -> dict[int, tuple[int, int, int, int]]:
    """Song's number -> start and size of its sound or latents, and of its JSON."""
    found: dict[int, dict[bool, tuple[int, int]]] = {}
    with tarfile.open(tar, "r:") as opened:
        for member in opened:
            stem, suffix = os.path.splitext(member.name)
            found.setdefault(int(stem), {})[suffix == ".json"] = (member.offset_data, member.size)
    return {number: (*parts[False], *parts[True]) for number, parts in found.items()}
