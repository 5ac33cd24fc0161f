"""The index of a set of shards may be a stranger's: no name of it reaches a shell or a path, no number the memory."""

import json
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

pytest.importorskip("webdataset")

from mousai import UserError
from mousai.data.shards import ShardCache, open_shards, records_of
from mousai.data.shards.format import Shard, check_set
from mousai.data.shards.pack import shard_songs

from .conftest import music


@pytest.fixture(scope="module")
def packed_once(tmp_path_factory):
    """Five songs in three shards."""
    folder = tmp_path_factory.mktemp("packed")
    for number in range(5):
        music(folder / "songs" / f"{number}.flac", seed=number)
    shard_songs(folder / "songs", folder / "shards", songs_per_shard=2)
    return folder / "shards"


@pytest.fixture
def packed(packed_once, tmp_path):
    return Path(shutil.copytree(packed_once, tmp_path / "shards"))


def index_of(packed):
    return json.loads((packed / "index.json").read_text())


def write_index(packed, index):
    (packed / "index.json").write_text(json.dumps(index))


def spoil(packed, **values):
    """Replace values of the first shard in the index."""
    index = index_of(packed)
    index["shards"][0].update(values)
    write_index(packed, index)


def row_of(packed):
    return index_of(packed)["shards"][0]["songs"][0]


NAMES = ["x; touch P; #", "$(touch P).tar", "../shard-000000.tar", "/etc/passwd", "shard-000000.tar\n", "", 3, None]


@pytest.mark.parametrize("name", [*NAMES, "shard-٠٠٠٠٠٠.tar", "shard-0.tar"])
def test_a_name_of_another_form_is_refused_and_no_shell_sees_it(packed, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    spoil(packed, file=name)
    for data in (str(packed), f"pipe:cat {packed}/index.json"):
        with pytest.raises(UserError, match=r"is no index of shards"):
            records_of(data, cache=ShardCache(tmp_path / "cache"))
    assert not (tmp_path / "P").exists()


@pytest.mark.parametrize(
    "sha256", ["../../home/x", "0" * 63, "0" * 65, "G" * 64, "0" * 63 + "\n", None, ["0" * 64], "A" * 64]
)
def test_a_hash_is_64_digits(packed, sha256):
    spoil(packed, sha256=sha256)
    with pytest.raises(UserError, match=r"sha256 of shard-000000\.tar must be 64"):
        open_shards(str(packed))


@pytest.mark.parametrize("size", [2**60, -1, 1.5, True, "9", None])
def test_a_size_that_no_shard_has_ends_at_once(packed, size):
    spoil(packed, bytes=size)
    before = time.process_time()
    with pytest.raises(UserError, match=r"bytes of shard-000000\.tar must be"):
        open_shards(str(packed))
    assert time.process_time() - before < 1


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"more": 1}, "must be an object of file, bytes, sha256, songs and bad"),
        ({"songs": {}}, r"songs of shard-000000\.tar must be a list of lists"),
        ({"songs": [3]}, r"songs of shard-000000\.tar must be a list of lists"),
        ({"songs": [[0, "0.flac", 0.5]]}, r"a song of shard-000000\.tar must be a list of 7 values"),
    ],
)
def test_a_shard_of_another_form(packed, values, why):
    spoil(packed, **values)
    with pytest.raises(UserError, match=why):
        open_shards(str(packed))


def test_shards_and_songs_have_names_of_their_own(packed):
    index = index_of(packed)
    write_index(packed, {**index, "shards": index["shards"][:1] * 2})
    with pytest.raises(UserError, match=r"is no index of shards \(two shards have one name\); make them with"):
        open_shards(str(packed))
    spoil(packed, songs=[row_of(packed)] * 2)
    write_index(packed, {**index_of(packed), "shards": index_of(packed)["shards"][:1]})
    with pytest.raises(UserError, match=r"is no index of shards \(two songs have one number or name\); make them"):
        open_shards(str(packed))


def test_a_set_without_songs(packed):
    index = index_of(packed)
    write_index(packed, {**index, "shards": [{**one, "songs": []} for one in index["shards"]]})
    with pytest.raises(UserError, match="holds no songs"):
        open_shards(str(packed))


@pytest.mark.parametrize(
    ("about", "why"),
    [
        ({"kind": "video"}, "kind must be one of audio, latents"),
        ({"kind": "latents", "offsets": 1}, "shards of latents need offsets and autoencoder"),
        ({"kind": "latents", "autoencoder": "x"}, "shards of latents need offsets and autoencoder"),
        *(
            ({"kind": "latents", "autoencoder": "x", "offsets": n}, "offsets must be 1 to 1000")
            for n in (0, 1001, True)
        ),
    ],
)
def test_a_set_that_says_wrongly_what_it_is(packed, about, why):
    index = {key: value for key, value in index_of(packed).items() if key != "offsets"}
    write_index(packed, {**index, **about})
    with pytest.raises(UserError, match=why):
        open_shards(str(packed))


def overwritten(packed, place, content):
    """The set, and the place of a song for whose sound (3) or metadata (5) something else stands in its shard."""
    row = row_of(packed)
    with (packed / "shard-000000.tar").open("r+b") as file:
        file.seek(row[place])
        file.write(content)
    row[place + 1] = len(content)
    spoil(packed, songs=[row])
    found = open_shards(str(packed))
    return found, found.names.index(row[1])


def test_metadata_in_a_shard_that_is_no_object(packed):
    found, song = overwritten(packed, 5, b"[]")
    with pytest.raises(UserError, match=r"\d\.flac: its metadata in .* cannot be read: no object"):
        found.fields(song)


@pytest.mark.parametrize(
    "latent", [torch.tensor([[float("nan")]]), torch.tensor([[float("inf")]]), torch.ones(3), torch.ones(1, 1, 1)]
)
def test_latents_in_a_shard_that_are_none(packed, latent):
    found, song = overwritten(packed, 3, save({"0": latent}))
    found.about["offsets"] = 1
    with pytest.raises(UserError, match=r"\d\.flac: its latents in .* are not finite or of another shape"):
        found.latents(song)


@pytest.mark.parametrize("bad", [["1.wav"], {"1.wav": 3}, None])
def test_bad_songs_have_reasons(packed, bad):
    spoil(packed, bad=bad)
    with pytest.raises(UserError, match=r"bad of shard-000000\.tar must map names to reasons"):
        open_shards(str(packed))


@pytest.mark.parametrize("changes", [{"format": "mousai song"}, {"version": 2}, {"version": None}])
def test_an_index_of_another_format_or_version(packed, changes):
    write_index(packed, {**index_of(packed), **changes})
    with pytest.raises(UserError, match=r"is no index of shards \(its format is another\)"):
        open_shards(str(packed))


def test_an_index_elsewhere_is_read_up_to_a_size(packed, monkeypatch):
    monkeypatch.setattr("mousai.data.shards.read.LARGEST_INDEX", 100)
    with pytest.raises(UserError, match=r"has more than 100 bytes"):
        open_shards(f"pipe:cat {packed}/index.json")


def test_a_shard_larger_than_the_folder_for_shards_empties_nothing(packed, tmp_path):
    spoil(packed, bytes=2**43)
    cache = ShardCache(tmp_path / "cache", gigabytes=1)
    cache.folder.mkdir()
    (cache.folder / "kept.tar").write_bytes(b"of another set")
    found = open_shards(f"pipe:cat {packed}/index.json", cache=cache)
    with pytest.raises(UserError, match=r"may hold 1 GB in all"):
        found.fetch(0)
    assert os.listdir(cache.folder) == ["kept.tar"]


def test_a_source_without_an_end_is_left_where_its_size_is_passed(packed, tmp_path):
    from mousai.data.shards.fetch import Remote

    remote = Remote("pipe:cat /dev/zero", 3 * 2**20, "0" * 64, ShardCache(tmp_path / "cache"))
    with pytest.raises(UserError, match=r"more bytes in place of 3145728|cannot be read"):
        remote.path()
    assert not list((tmp_path / "cache").glob("*.tar"))


@pytest.mark.parametrize(
    ("place", "value"),
    [(0, -1), (0, "1"), (1, 3), (2, float("inf")), (2, -1.0), (3, 2**40), (4, 2**40), (4, -1), (5, None), (6, 2**40)],
)
def test_a_song_lies_inside_its_shard(packed, place, value):
    row = row_of(packed)
    row[place] = value
    spoil(packed, songs=[row])
    why = ("has no number and name", "has no number and name", "length of .* must be 0 or more|Infinity is no")
    with pytest.raises(UserError, match=why[place] if place < 3 else r"lies outside of shard-000000\.tar"):
        open_shards(str(packed))


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a": 1, "a": 2}', "{", "[]", "\xff", '{"format": ' + "9" * 400 + "}"]
)
def test_an_index_that_is_no_json_is_one_line(packed, text):
    (packed / "index.json").write_text(text, encoding="latin-1")
    with pytest.raises(UserError, match=r"is no index of shards|is no text"):
        open_shards(f"{packed}/index.json")


def test_an_index_that_is_a_pipe_does_not_hang(packed):
    (packed / "index.json").unlink()
    os.mkfifo(packed / "index.json")
    with pytest.raises(UserError, match=r"no regular file"):
        open_shards(f"{packed}/index.json")


def test_metadata_without_a_song_is_named(packed):
    lines = (packed / "metadata.jsonl").read_text().splitlines()
    (packed / "metadata.jsonl").write_text("\n".join(lines[1:]))
    with pytest.raises(UserError, match=r"has no line of"):
        records_of(str(packed))
    (packed / "metadata.jsonl").write_text("[]\n")
    with pytest.raises(UserError, match=r"line 1 is no object with file_name"):
        records_of(str(packed))


def test_two_shards_or_songs_of_one_name_are_refused(packed):
    first, second, *_ = (Shard.from_dict(one) for one in index_of(packed)["shards"])
    check_set((first, second))
    with pytest.raises(ValueError, match=r"two shards have one name"):
        check_set((first, replace(second, file=first.file)))
    with pytest.raises(ValueError, match=r"two songs have one"):
        check_set((first, replace(second, songs=first.songs)))
