"""Reading what `mousai data encode` made, see `mousai.data.latent_cache.encode`."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from mousai.data.tables import json_rows
from mousai.errors import UserError
from mousai.storage.weights import load_config, load_tensors, tensor_metadata, tensor_shapes

FORMAT = "mousai latents"
INDEX, METADATA = "index.json", "metadata.jsonl"
ABOUT_SHARD = "songs"
"""In a file's header, one object, because safetensors writes several entries in any order: `marks`, name -> `file_mark`
of the file that the latents were made of, and `bad`, name -> what is wrong, of songs that should have been in it."""


@dataclass(frozen=True)
class CachedSong:
    """One song of a cache.

    Args:
        name: see `song_name`.
        file: file of its latents, `name#0`, ...
        bytes: size of all its latents.
        mark: mark of the file that they were made of, see `mousai.data.marks`.
        fields: metadata of the song.
    """

    name: str
    file: Path
    bytes: int
    mark: str
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Cached:
    """Songs of a cache, and the autoencoder that encoded them; see `encode_songs`."""

    songs: list[CachedSong]
    autoencoder: str
    offsets: int


def is_latent_cache(folder: Path) -> bool:
    """Tell whether a folder is what `encode_songs` made."""
    return (folder / INDEX).is_file() and load_config(folder / INDEX).get("format") == FORMAT


def cached_songs(cache: Path) -> Cached:
    """The songs of a cache in the order of the folder they came from.

    Raises:
        UserError: it has no metadata of its songs, or holds none.
    """
    index = load_config(cache / INDEX)
    if not (cache / METADATA).exists():
        raise UserError(cache, hint=f"has no {METADATA}; `mousai data encode` adds it, and encodes nothing anew")
    held = {key: (path, shape) for path in latent_shards(cache) for key, shape in tensor_shapes(path).items()}
    marks = {name: mark for path in latent_shards(cache) for name, mark in marks_of(path).items()}
    songs = []
    for _, row in json_rows(cache / METADATA):
        name = row.pop("file_name")
        keys = [f"{name}#{offset}" for offset in range(index["offsets"])]
        if all(key in held for key in keys):
            size = sum(2 * math.prod(held[key][1]) for key in keys)
            songs.append(CachedSong(name, held[keys[0]][0], size, marks.get(name, ""), row))
    if not songs:
        raise UserError(cache, hint="holds no latents; run `mousai data encode` first")
    return Cached(songs, index["autoencoder"], index["offsets"])


def read_latents(cache: Path, songs: Sequence[str], *, offsets: int) -> list[list[Tensor]]:
    """Read the latents [C, L] of songs, `offsets` of each.

    Raises:
        UserError: one of them is not in the cache.
    """
    tensors: dict[str, Tensor] = {}
    for path in latent_shards(cache):
        tensors |= load_tensors(path)[0]
    for name in songs:
        if f"{name}#{offsets - 1}" not in tensors:
            raise UserError(cache, hint=f"has no latents of {name}")
    return [[tensors[f"{name}#{index}"] for index in range(offsets)] for name in songs]


def latent_shards(cache: Path) -> list[Path]:
    """The files of a cache."""
    return sorted(cache.glob("latents-*.safetensors"))


def shard_path(cache: Path, number: int) -> Path:
    """Path of a file of it."""
    return cache / f"latents-{number:05d}.safetensors"


def known_latents(cache: Path) -> set[str]:
    """All that it holds: "song.wav#0", ..."""
    return {key for path in latent_shards(cache) for key in tensor_shapes(path)}


def about_shard(path: Path) -> dict[str, dict[str, str]]:
    """Marks of the songs in a file of the cache, and what is wrong with those that are not, see `ABOUT_SHARD`."""
    return {"marks": {}, "bad": {}, **json.loads(tensor_metadata(path).get(ABOUT_SHARD, "{}"))}


def marks_of(path: Path) -> dict[str, str]:
    """Marks of the songs' files by name, as a file of the cache has them."""
    return about_shard(path)["marks"]


def bad_before(cache: Path) -> set[str]:
    """Songs that were bad when their shard was written."""
    return {name for path in latent_shards(cache) for name in about_shard(path)["bad"]}
