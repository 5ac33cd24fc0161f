"""Layout of a set of shards: songs in WebDataset tar files.

SHARDS/index.json         the data and settings; the hash of every shard, and where in it each song lies
SHARDS/metadata.jsonl     metadata of every song, as `find_records` reads it
SHARDS/shard-000000.tar   000000017.flac 000000017.json ...         a file as it was, and its metadata
                          000000017.safetensors 000000017.json ...  or its latents [C, L], "0", "1", ... by offset
SHARDS/bad.json           songs that were left out, and why

A shard depends on its songs alone: the order in the tar file is theirs, and times and owners are the same for all. So
one process, many, and a cluster that lost half of its workers write the same bytes.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

FORMAT = "mousai shards"
INDEX, METADATA, BAD = "index.json", "metadata.jsonl", "bad.json"
Kind = Literal["audio", "latents"]
SHARD_NAME = r"shard-\d{6,9}\.tar"
"""Form of the name of a shard. Any other is refused, because a name becomes part of paths and of commands."""
LARGEST = 2**44
"""Size that a shard may have, in bytes."""
LARGEST_INDEX = 2**30
"""Size that the index or the metadata of a set may have, in bytes."""


@dataclass(frozen=True)
class Placed:
    """One song in a shard.

    Args:
        number: place of the song in the data.
        name: path below the folder it came from, with slashes.
        length: seconds of an audio file, frames of the shortest of its latents.
        start: byte of the shard at which its sound or latents begin.
        size: size of them, in bytes.
        fields_start: byte at which the JSON begins.
        fields_size: size of the JSON, in bytes.
    """

    number: int
    name: str
    length: float
    start: int
    size: int
    fields_start: int
    fields_size: int


@dataclass(frozen=True)
class Shard:
    """One finished shard.

    Args:
        file: name of the file.
        bytes: size of the file.
        sha256: hash of the file.
        songs: songs in it, in their order.
        bad: name -> what is wrong, of songs that should have been in it.
    """

    file: str
    bytes: int
    sha256: str
    songs: tuple[Placed, ...]
    bad: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """The shard as JSON can hold it."""
        return {**asdict(self), "songs": [list(asdict(song).values()) for song in self.songs]}

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> "Shard":
        """The shard that `to_dict` gave; an index may be a stranger's, so that every value is checked.

        Raises:
            ValueError: a value is missing or impossible; says which.
        """
        if not isinstance(found, Mapping) or set(found) != {"file", "bytes", "sha256", "songs", "bad"}:
            raise ValueError("a shard must be an object of file, bytes, sha256, songs and bad")
        file, size, sha256, songs, bad = (found[key] for key in ("file", "bytes", "sha256", "songs", "bad"))
        if not isinstance(file, str) or not re.fullmatch(SHARD_NAME, file, re.ASCII):
            raise ValueError(f"{str(file)[:80]!r} is no name of a shard, such as shard-000000.tar")
        if not _is_whole(size, LARGEST):
            raise ValueError(f"bytes of {file} must be 0 to {LARGEST}, not {size!r}")
        if not isinstance(sha256, str) or not re.fullmatch("[0-9a-f]{64}", sha256, re.ASCII):
            raise ValueError(f"sha256 of {file} must be 64 hexadecimal digits")
        if not isinstance(songs, list | tuple) or not all(isinstance(row, list | tuple) for row in songs):
            raise ValueError(f"songs of {file} must be a list of lists")
        if not isinstance(bad, Mapping) or not all(isinstance(why, str) for why in bad.values()):
            raise ValueError(f"bad of {file} must map names to reasons")
        return cls(file, size, sha256, tuple(_placed(file, size, row) for row in songs), dict(bad))


def check_set(shards: tuple[Shard, ...]) -> None:
    """Raise a ValueError where two shards of a set, or two songs of it, have one name or number."""
    files = [shard.file for shard in shards]
    songs = [song for shard in shards for song in shard.songs]
    if len(set(files)) < len(files):
        raise ValueError("two shards have one name")
    if len({song.number for song in songs}) < len(songs) or len({song.name for song in songs}) < len(songs):
        raise ValueError("two songs have one number or name")


def _placed(file: str, size: int, row: Any) -> Placed:
    if len(row) != 7:
        raise ValueError(f"a song of {file} must be a list of 7 values")
    song = Placed(*row)
    if not isinstance(song.name, str) or not _is_whole(song.number, 2**40):
        raise ValueError(f"a song of {file} has no number and name")
    if isinstance(song.length, bool) or not isinstance(song.length, int | float) or not 0 <= song.length < math.inf:
        raise ValueError(f"length of {song.name!r} must be 0 or more")
    for start, count in ((song.start, song.size), (song.fields_start, song.fields_size)):
        if not (_is_whole(start, size) and _is_whole(count, size) and start + count <= size):
            raise ValueError(f"{song.name!r} lies outside of {file}, which has {size} bytes")
    return song


def _is_whole(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most
