"""Reading of a set of shards, wherever it lies: any song by its place, without reading what lies before it.

The index says at which byte of which shard each song begins. A shard on a disk of this machine is read there; one that
lies elsewhere is fetched whole the first time that one of its songs is wanted (`mousai.data.shards.fetch`).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
from torch import Tensor

from mousai.data.records import Record, find_records
from mousai.data.shards.fetch import Remote, ShardCache, ShardError, default_folder, opened
from mousai.data.shards.format import FORMAT, INDEX, LARGEST_INDEX, METADATA, SHARD_NAME, Kind, Shard, check_set
from mousai.errors import UserError, install_hint
from mousai.storage.file_parts import FilePart
from mousai.storage.json_files import json_lines, parse_json, read_text

_SHARD = re.compile(SHARD_NAME, re.ASCII)


def is_shards(data: str) -> bool:
    """Tell whether `data` is a set of shards: its folder, its index, a list of its files, or a URL."""
    if Path(data).is_dir():
        index = Path(data) / INDEX
        if not index.is_file():
            return False
        with index.open(encoding="utf-8", errors="replace") as file:
            return f'"{FORMAT}"' in file.read(1000)
    return is_elsewhere(data) or data.endswith(INDEX) or bool(_SHARD.search(_one_of(data)))


@dataclass(frozen=True)
class ShardSet:
    """Songs in shards, in the order of the data that they were made of; a song's place is in that order.

    Args:
        data: name that the user gave.
        about: index without its shards: kind, autoencoder, offsets, ...
        shards: shards of the set.
        holders: for each shard, a function that gives its path on this machine.
        metadata: URL or path of the metadata of the songs.
    """

    data: str
    about: dict[str, Any]
    shards: tuple[Shard, ...]
    holders: tuple[Callable[[], Path], ...]
    metadata: str

    @property
    def is_elsewhere(self) -> bool:
        """Tell whether its shards have to be fetched."""
        return is_elsewhere(self.metadata)

    @property
    def kind(self) -> Kind:
        """Kind of songs: audio or latents."""
        kind: Kind = self.about["kind"]
        return kind

    def __len__(self) -> int:
        """Songs."""
        return len(self.names)

    @cached_property
    def names(self) -> list[str]:
        """Names of the songs."""
        rows = ((song.number, song.name) for shard in self.shards for song in shard.songs)
        return [name for _, name in sorted(rows)]

    @cached_property
    def lengths(self) -> npt.NDArray[np.float64]:
        """Seconds of sound, or frames of latents."""
        return self._table[:, 0]

    @cached_property
    def shard_of(self) -> npt.NDArray[np.int64]:
        """Number of each song's shard."""
        return self._table[:, 1].astype(np.int64)

    @cached_property
    def _table(self) -> npt.NDArray[np.float64]:
        """Of each song: length, shard, and the four numbers of where it lies (whole ones below 2**53)."""
        rows = (
            (song.number, song.length, place, song.start, song.size, song.fields_start, song.fields_size)
            for place, shard in enumerate(self.shards)
            for song in shard.songs
        )
        return np.array(sorted(rows), dtype=np.float64).reshape(-1, 7)[:, 1:]

    def sound(self, place: int) -> FilePart:
        """A song's audio file, or the safetensors file of its latents."""
        _, shard, start, size, _, _ = self._table[place]
        return FilePart(self.holders[int(shard)], int(start), int(size), self.names[place])

    def fields(self, place: int) -> dict[str, Any]:
        """Metadata of a song."""
        _, shard, _, _, start, size = self._table[place]
        text = FilePart(self.holders[int(shard)], int(start), int(size), self.names[place]).read()
        try:
            found = parse_json(text)
            if not isinstance(found, dict):
                raise ValueError("no object")
        except ValueError as error:
            raise ShardError(self.names[place], hint=f"its metadata in {self.data} cannot be read: {error}") from error
        return {key: value for key, value in found.items() if key != "file_name"}

    def latents(self, place: int) -> list[Tensor]:
        """Its latents [C, L], one for each offset."""
        import safetensors.torch

        try:
            found = safetensors.torch.load(self.sound(place).read())
            latents = [found[str(index)] for index in range(self.about["offsets"])]
        except (safetensors.SafetensorError, KeyError) as error:
            raise ShardError(
                self.names[place], hint=f"its latents in {self.data} cannot be read: {error}; make the shards anew"
            ) from error
        if not all(latent.ndim == 2 and bool(latent.isfinite().all()) for latent in latents):
            raise ShardError(self.names[place], hint=f"its latents in {self.data} are not finite or of another shape")
        return latents

    def fetch(self, shard: int) -> None:
        """Fetch a shard to this machine, so that nobody has to wait for it."""
        self.holders[shard]()

    def records(self) -> Iterator[Record]:
        """Every song with its metadata, in order, without touching a shard."""
        places = {name: place for place, name in enumerate(self.names)}
        found: dict[int, dict[str, Any]] = {}
        try:
            for number, row in json_lines(_text_of(self.metadata)):
                name = row.pop("file_name", None) if isinstance(row, dict) else None
                if not isinstance(name, str):
                    raise ValueError(f"line {number} is no object with file_name")
                if name in places:  # a list of shards may be a part of the set
                    found[places[name]] = row
            if missing := [name for name, place in places.items() if place not in found]:
                raise ValueError(f"has no line of {missing[0]!r}")
        except ValueError as error:
            raise error if isinstance(error, UserError) else UserError(self.metadata, hint=str(error)) from error
        for place in range(len(places)):
            yield Record(self.sound(place), found[place])


def open_shards(data: str, *, cache: ShardCache | None = None) -> ShardSet:
    """Read the index of a set of shards.

    Args:
        data: its folder or `index.json`, here or as a URL or "pipe:command"; or a list of its shards in the form
            that webdataset takes, "…/shard-{000000..000009}.tar", whose index lies beside the first.
        cache: folder for shards that lie elsewhere.

    Raises:
        UserError: there is no such index, it is of an unfinished set, or of something else.
    """
    address, only = _address(data)
    where = address(INDEX)
    text = _text_of(where)
    try:
        index = parse_json(text)
        if not isinstance(index, dict) or index.get("format") != FORMAT or index.get("version") != 1:
            raise ValueError("its format is another")
        shards = [Shard.from_dict(one) for one in index.pop("shards", ())]
        check_set(tuple(shards))
        _check_about(index)
    except (ValueError, TypeError) as error:
        raise UserError(where, hint=f"is no index of shards ({error}); make them with `mousai data shard`") from error
    if not index.get("complete"):
        raise UserError(where, hint="its shards are not finished; `mousai data shard` goes on with them")
    if only and (unknown := sorted(only - {shard.file for shard in shards})):
        raise UserError(data, hint=f"{unknown[0]} is not in {where}")
    chosen = tuple(shard for shard in shards if not only or shard.file in only)
    if not any(shard.songs for shard in chosen):
        raise UserError(data, hint="holds no songs")
    cache = cache or ShardCache(default_folder())
    holders = tuple(
        Remote(address(shard.file), shard.bytes, shard.sha256, cache).path
        if is_elsewhere(where)
        else partial(_local, Path(address(shard.file)), shard.bytes)
        for shard in chosen
    )
    return ShardSet(data, index, chosen, holders, address(METADATA))


def records_of(data: str, *, cache: ShardCache | None = None) -> list[Record]:
    """Every audio file with its metadata, of a folder or of a set of shards.

    Raises:
        UserError: see `find_records` and `open_shards`; or the shards hold latents.
    """
    if not is_shards(data):
        return find_records(Path(data))
    found = open_shards(data, cache=cache)
    if found.kind != "audio":
        raise UserError(data, hint="holds latents; give shards of a folder of audio files, or that folder")
    # Shard by shard, so that one that lies elsewhere is fetched once.
    return [record for _, record in sorted(zip(found.shard_of, found.records(), strict=True), key=lambda pair: pair[0])]


def _check_about(index: Mapping[str, Any]) -> None:
    """Raise a ValueError unless an index says what its songs are."""
    if index.get("kind") not in get_args(Kind):
        raise ValueError(f"kind must be one of {', '.join(get_args(Kind))}")
    offsets = index.get("offsets", 1)
    if index["kind"] == "latents" and ("offsets" not in index or not isinstance(index.get("autoencoder"), str)):
        raise ValueError("shards of latents need offsets and autoencoder")
    if isinstance(offsets, bool) or not isinstance(offsets, int) or not 1 <= offsets <= 1000:
        raise ValueError("offsets must be 1 to 1000")


def _text_of(where: str) -> str:
    """A text file of a set, here or elsewhere, of bounded size."""
    if not is_elsewhere(where):
        return read_text(where, most=LARGEST_INDEX)
    with opened(where) as stream:
        data = stream.read(LARGEST_INDEX + 1)
    if len(data) > LARGEST_INDEX:
        raise UserError(where, hint=f"has more than {LARGEST_INDEX} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise UserError(where, hint="is no text in UTF-8") from error


def _local(path: Path, size: int) -> Path:
    """A shard of this machine, if it is still what the index says."""
    if not path.is_file() or path.stat().st_size != size:
        raise ShardError(
            path, hint=f"is missing or not of {size} bytes, as its index says; run `mousai data shard` again"
        )
    return path


def _address(data: str) -> tuple[Callable[[str], str], set[str]]:
    """Reader of the files of a set by their names, and the shards that are meant, none for all of them."""
    if Path(data).is_dir():
        return (lambda name: str(Path(data) / name)), set()
    first = _one_of(data)
    if named := list(_SHARD.finditer(first)):
        begin, end = named[-1].span()
        files = {found[-1] for url in _expanded(data) if (found := _SHARD.findall(url))}
        return (lambda name: first[:begin] + name + first[end:]), files
    before, index, after = data.rpartition(INDEX)
    if index:
        return (lambda name: before + name + after), set()
    if not is_elsewhere(data) or data.startswith("pipe:"):
        raise UserError(
            data, hint=f"is no set of shards; give its folder, its {INDEX}, or shard-{{000000..NNNNNN}}.tar"
        )
    return (lambda name: f"{data.rstrip('/')}/{name}"), set()


def is_elsewhere(data: str) -> bool:
    """Tell whether it is a URL or "pipe:command", and nothing that lies in a folder here."""
    return data.startswith("pipe:") or re.match(r"[a-z][a-z0-9+.-]*://", data) is not None


def _one_of(data: str) -> str:
    return _expanded(data)[0] if "{" in data or "::" in data else data


def _expanded(data: str) -> list[str]:
    try:
        from webdataset.shardlists import expand_urls
    except ImportError:
        raise UserError(data, hint=f"reading a list needs webdataset; {install_hint('train')}") from None
    found: list[str] = expand_urls(data)
    return found
