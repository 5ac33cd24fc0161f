"""What shards hold: everything of the folder is found again in them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mousai.audio.files import audio_info, read_audio
from mousai.data.check import check_records
from mousai.data.latent_cache.encode import encode_songs
from mousai.data.latent_cache.read import read_latents
from mousai.data.records import find_records, song_name
from mousai.data.shards.pack import shard_songs
from mousai.data.shards.read import is_shards, open_shards, records_of


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")  # its own
def test_webdataset_itself_reads_every_file_as_it_was(songs: Path, tmp_path: Path):
    import webdataset

    shard_songs(songs, tmp_path / "shards", songs_per_shard=3)
    files = [str(path) for path in sorted((tmp_path / "shards").glob("*.tar"))]
    assert len(files) == 3
    records = find_records(songs)
    seen: dict[str, Any] = {}
    for sample in webdataset.WebDataset(files, shardshuffle=False):
        about = json.loads(sample["json"])
        (suffix,) = (key for key in sample if key in ("wav", "flac", "ogg", "mp3"))
        seen[about.pop("file_name")] = (sample[suffix], about, int(sample["__key__"]))
    expected = {
        song_name(record, songs): (record.path.read_bytes(), record.fields, number)
        for number, record in enumerate(records)
    }
    assert seen == expected


def test_songs_are_read_in_place(songs: Path, tmp_path: Path):
    shard_songs(songs, tmp_path / "shards", songs_per_shard=3)
    found, records = open_shards(str(tmp_path / "shards")), find_records(songs)
    assert found.names == [song_name(record, songs) for record in records]
    for place, record in enumerate(records):
        part = found.sound(place)
        assert part.read() == record.path.read_bytes() and found.fields(place) == record.fields
        assert audio_info(part) == audio_info(record.path)
        for settings in ({}, {"sample_rate": 16000, "channels": 1}, {"start": 0.2, "duration": 0.1}):
            np.testing.assert_array_equal(read_audio(part, **settings), read_audio(record.path, **settings))
    assert [found.lengths[place] for place in range(7)] == pytest.approx([0.5] * 7, abs=0.06)
    again = records_of(str(tmp_path / "shards"))
    assert {record.path.name: record.fields for record in again} == {
        name: record.fields for name, record in zip(found.names, records, strict=True)
    }


def test_shards_are_checked_and_encoded_like_their_folder(songs: Path, tmp_path: Path, stage_1: Path):
    shard_songs(songs, tmp_path / "shards", songs_per_shard=3)
    records = records_of(str(tmp_path / "shards"))
    report = check_records(records)
    assert report.captioned == 7 and not report.bad
    for name, these in (("folder", find_records(songs)), ("shards", records)):
        done = encode_songs(stage_1, songs, these, tmp_path / f"{name} latents", progress=False)
        assert done.new == 7
    names = open_shards(str(tmp_path / "shards")).names
    one, two = (read_latents(tmp_path / f"{name} latents", names, offsets=1) for name in ("folder", "shards"))
    assert all(torch.equal(a, b) for (a,), (b,) in zip(one, two, strict=True))


def test_latents_and_captions_are_found_again(songs: Path, tmp_path: Path, stage_1: Path):
    records = find_records(songs)
    encode_songs(stage_1, songs, records, tmp_path / "latents", offsets=2, progress=False)
    done = shard_songs(tmp_path / "latents", tmp_path / "shards", songs_per_shard=3)
    assert (done.songs, done.shards) == (7, 3)
    found = open_shards(str(tmp_path / "shards"))
    expected = read_latents(tmp_path / "latents", found.names, offsets=2)
    for place, record in enumerate(records):
        assert found.fields(place) == record.fields
        assert found.lengths[place] == min(latent.shape[-1] for latent in expected[place])
        for one, other in zip(found.latents(place), expected[place], strict=True):
            assert one.dtype == torch.bfloat16 and torch.equal(one, other)


def test_a_list_of_shards_is_a_part_of_the_set(songs: Path, tmp_path: Path):
    out = tmp_path / "shards"
    shard_songs(songs, out, songs_per_shard=2)
    whole, part = open_shards(f"{out}/index.json"), open_shards(f"{out}/shard-{{000001..000002}}.tar")
    assert len(whole) == 7 and len(part) == 4 and set(part.names) < set(whole.names)
    for place, name in enumerate(part.names):
        assert part.sound(place).read() == whole.sound(whole.names.index(name)).read()
    assert [record.path.name for record in part.records()] == part.names
    assert len(open_shards(f"{out}/shard-000001.tar::{out}/shard-000003.tar")) == 3
    assert is_shards(str(out)) and not is_shards(str(songs)) and not is_shards(str(tmp_path / "none"))
    assert is_shards("https://host/a/index.json") and is_shards("pipe:cat shard-000000.tar")
