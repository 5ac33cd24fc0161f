"""What has changed since a cache of latents was made: files of songs, and what is known of them."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from mousai.data.latent_cache.read import ABOUT_SHARD, METADATA, about_shard, latent_shards
from mousai.data.marks import file_mark
from mousai.data.records import Record, song_name
from mousai.storage.file_parts import FilePart
from mousai.storage.files import atomic_file
from mousai.storage.weights import load_tensors, save_tensors, tensor_shapes


def marks_now(names: Mapping[str, Path | FilePart]) -> dict[str, str]:
    """Marks of the songs' files; of one that cannot be read, and that is bad, there is none."""
    marks = {}
    for name, path in names.items():
        with suppress(OSError):
            marks[name] = file_mark(path)
    return marks


def forget_changed(cache: Path, marks: Mapping[str, str]) -> list[str]:
    """Take latents out of the cache whose song is another file now, or one of another time; return their names."""
    forgotten = []
    for path in latent_shards(cache):
        about = about_shard(path)
        before = about["marks"]
        stale = {name for name in _songs_in(path) if name in marks and marks[name] != before.get(name)}
        if not stale:
            continue
        tensors, _ = load_tensors(path)
        kept = {key: tensor for key, tensor in tensors.items() if key.rpartition("#")[0] not in stale}
        about["marks"] = {name: mark for name, mark in before.items() if name not in stale}
        if kept:
            save_tensors(path, kept, metadata={ABOUT_SHARD: json.dumps(about)})
        else:
            path.unlink()
        forgotten += sorted(stale)
    return forgotten


def _songs_in(path: Path) -> set[str]:
    return {key.rpartition("#")[0] for key in tensor_shapes(path)}


def write_metadata(cache: Path, folder: Path, records: Sequence[Record]) -> None:
    """Write the metadata of the songs beside their latents, so that the cache can be used without the songs."""
    rows = ({"file_name": song_name(record, folder), **record.fields} for record in records)
    text = "".join(json.dumps(row, sort_keys=True) + "\n" for row in rows)
    path = cache / METADATA
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        with atomic_file(path) as partial:
            partial.write_text(text, encoding="utf-8")
