"""`mousai data shard`: a folder of songs, or a cache of their latents, into shards; goes on where it was stopped."""

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from mousai.data.bad_songs import BadSongs
from mousai.data.latent_cache.read import cached_songs, is_latent_cache
from mousai.data.marks import content_mark, without_time
from mousai.data.melodies import with_melodies
from mousai.data.records import find_records, song_name
from mousai.data.shards.format import BAD, FORMAT, INDEX, LARGEST_INDEX, METADATA, Kind, Shard
from mousai.data.shards.write import ShardJob, Song, fields_text, write_shard
from mousai.data.skipped import say_skipped
from mousai.data.workers import LocalPool, Pool
from mousai.errors import UserError
from mousai.storage.files import first_foreign, write_text
from mousai.storage.leftovers import sweep
from mousai.storage.system import folder_lock
from mousai.storage.weights import load_config


@dataclass(frozen=True)
class Packed:
    """Result of packing a folder.

    Args:
        songs: number of songs in the shards.
        shards: number of shards.
        new: number of these that were written this time.
        bad: reason why a song is in none, by its name.
    """

    songs: int
    shards: int
    new: int
    bad: Mapping[str, str]


@dataclass(frozen=True)
class _Data:
    kind: Kind
    songs: list[Song]
    sizes: list[int]
    marks: list[str]  # of the files of the songs, the same for copies of them
    about: dict[str, Any]  # what else must be as it was when the command goes on


def shard_songs(
    source: Path,
    out: Path,
    *,
    songs_per_shard: int = 1000,
    max_megabytes: int = 1000,
    pool: Pool | None = None,
    progress: bool = False,
) -> Packed:
    """Pack what is not in a shard yet; another process that packs into the folder is waited for.

    Songs are dealt to shards in the order of a hash of their names: so each shard is a fair sample of the data, and
    training, which mixes the songs of a few shards at a time, mixes well.

    Args:
        source: folder of music, or what `mousai data encode` made.
        out: folder of shards; made if it is missing.
        songs_per_shard: at most.
        max_megabytes: of a shard, unless a single song is larger.
        pool: pool that does it; by default this process.
        progress: show a bar.

    Raises:
        UserError: a setting is impossible, the data cannot be read, `out` holds other shards, or more than a hundredth
            of the songs is bad; finished shards stay, and the next call goes on from them.
    """
    for name, value in (("songs_per_shard", songs_per_shard), ("max_megabytes", max_megabytes)):
        if value < 1:
            raise UserError(name, value, "must be 1 or more")
    data = _latents(source) if is_latent_cache(source) else _audio(source)
    header = {
        "format": FORMAT,
        "version": 1,
        "kind": data.kind,
        "data": _data_hash(data),
        "songs_per_shard": songs_per_shard,
        "max_megabytes": max_megabytes,
        **data.about,
    }
    with folder_lock(out):
        finished = _begin(out, header)
        jobs = [
            ShardJob(data.kind, out, number, songs, data.about.get("offsets", 0))
            for number, songs in enumerate(_dealt(data, songs_per_shard, max_megabytes * 10**6))
        ]
        todo = [job for job in jobs if job.file not in finished]
        bad = BadSongs(source, out / BAD, total=len(data.songs))
        for shard in finished.values():
            bad.add(shard.bad)
        quiet = not progress or not todo or sys.stderr is None
        with tqdm(total=len(todo), desc="sharding", unit="shard", disable=quiet, file=sys.stderr) as bar:
            for shard in (pool or LocalPool(1)).map(write_shard, todo):
                finished[shard.file] = shard
                bad.add(shard.bad)
                bar.update()
        songs = sum(len(shard.songs) for shard in finished.values())
        if todo or not (out / METADATA).exists():
            bad.save()
            kept = (song for song in data.songs if song.name not in bad.found)
            write_text(out / METADATA, "".join(f"{fields_text(song)}\n" for song in kept))
            _write_index(out, {**header, "complete": True, "songs": songs}, [finished[job.file] for job in jobs])
        _clear(out, descriptions=True)
        return Packed(songs, len(jobs), len(todo), bad.found)


def _audio(folder: Path) -> _Data:
    records = find_records(folder)
    say_skipped(folder, records)
    records = with_melodies(records)
    songs = [
        Song(number, song_name(record, folder), Path(str(record.path)), record.fields)
        for number, record in enumerate(records)
    ]
    marks = [_mark(song.source) for song in songs]
    return _Data("audio", songs, [int(mark.partition("-")[0]) for mark in marks], marks, {})


def _mark(path: Path) -> str:
    try:
        return content_mark(path)
    except OSError as error:
        raise UserError(path, hint=f"cannot be read: {error.strerror or error}") from error


def _latents(cache: Path) -> _Data:
    found = cached_songs(cache)
    songs = [Song(number, one.name, one.file, one.fields) for number, one in enumerate(found.songs)]
    sizes = [one.bytes for one in found.songs]
    marks = [f"{one.bytes} {without_time(one.mark)}" for one in found.songs]
    return _Data("latents", songs, sizes, marks, {"autoencoder": found.autoencoder, "offsets": found.offsets})


def _data_hash(data: _Data) -> str:
    """Hash that tells other data: names, metadata and marks of the songs; not every byte of terabytes."""
    digest = hashlib.sha256()
    for song, mark in zip(data.songs, data.marks, strict=True):
        digest.update(f"{mark} {fields_text(song)}\n".encode())
    return digest.hexdigest()[:16]


def _dealt(data: _Data, most: int, most_bytes: int) -> Iterator[tuple[Song, ...]]:
    pairs = sorted(zip(data.songs, data.sizes, strict=True), key=lambda pair: _rank(pair[0].name))
    shard: list[Song] = []
    total = 0
    for song, size in pairs:
        if shard and (len(shard) == most or total + size > most_bytes):
            yield tuple(shard)
            shard, total = [], 0
        shard.append(song)
        total += size
    yield tuple(shard)


def _rank(name: str) -> bytes:
    return hashlib.blake2b(name.encode(), digest_size=16).digest()


def _begin(out: Path, header: Mapping[str, Any]) -> dict[str, Shard]:
    """The shards that are finished, by name; the folder is made and says of what it is before the first."""
    path = out / INDEX
    if not path.exists():
        if foreign := first_foreign(out):
            raise UserError(out, hint=f"holds {foreign}, and no shards; give a new or empty folder")
        out.mkdir(parents=True, exist_ok=True)
        _write_index(out, {**header, "complete": False, "songs": 0}, [])
        return {}
    found = load_config(path, most=LARGEST_INDEX)
    if differ := [
        f"{key} {found.get(key)!r}, here {value!r}" for key, value in header.items() if found.get(key) != value
    ]:
        raise UserError(
            out,
            hint=f"holds shards of other data or settings ({', '.join(differ)}); remove it or name another folder",
        )
    _clear(out, descriptions=False)
    try:
        shards = [Shard.from_dict(one) for one in found.get("shards", ())]
        shards += [
            Shard.from_dict(load_config(one, most=LARGEST_INDEX)) for one in sorted(out.glob("shard-*.tar.json"))
        ]
    except (ValueError, TypeError) as error:
        raise UserError(out, hint=f"its index cannot be read ({error}); remove the folder or name another") from error
    return {shard.file: shard for shard in shards if _is_whole(out / shard.file, shard.bytes)}


def _write_index(out: Path, header: Mapping[str, Any], shards: Sequence[Shard]) -> None:
    """A line for each shard, because an index of a million songs is read by programs."""
    lines = [f"{json.dumps(key)}: {json.dumps(value)}," for key, value in header.items()]
    lines += ['"shards": [', ",\n".join(json.dumps(shard.to_dict()) for shard in shards), "]}"]
    write_text(out / INDEX, "{" + "\n".join(lines) + "\n")


def _is_whole(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def _clear(out: Path, *, descriptions: bool) -> None:
    """Remove what killed processes left half written, and what the index says now."""
    sweep(out, again=True)
    if descriptions:
        for path in out.glob("shard-*.tar.json"):
            path.unlink()
