"""Layout of a set of shards: songs in WebDataset tar files.

SHARDS/index.json         the data and settings; the hash of every shard, and where in it each song lies
SHARDS/metadata.jsonl     metadata of every song, as `find_records` reads it
SHARDS/shard-000000.tar   000000017.flac 000000017.json ...         a file as it was, and its metadata
                          000000017.safetensors 000000017.json ...  or its latents [C, L], "0", "1", ... by offset
SHARDS/bad.json           songs that were left out, and why

A shard depends on its songs alone: the order in the tar file is theirs, and times and owners are the same for all. So
one process, many, and a cluster that lost half of its workers write the same bytes.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

FORMAT = "mousai shards"
INDEX, METADATA, BAD = "index.json", "metadata.jsonl", "bad.json"
Kind = Literal["audio", "latents"]


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
        """The shard that `to_dict` gave."""
        return cls(**{**found, "songs": tuple(Placed(*row) for row in found["songs"])})
