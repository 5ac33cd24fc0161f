import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import mousai.data.check
import mousai.data.latent_cache.encode
from mousai.audio.files import write_audio
from mousai.cli import main
from mousai.data.latent_cache.encode import encode_songs, load_stage_1
from mousai.data.latent_cache.read import ABOUT_SHARD, FORMAT, about_shard, cached_songs, read_latents
from mousai.data.marks import content_mark, file_mark, without_time
from mousai.data.records import find_records
from mousai.errors import UserError
from mousai.storage.weights import save_tensors, tensor_shapes


def noise(seed: int, samples: int = 24000) -> np.ndarray:
    return (0.5 * np.random.default_rng(seed).uniform(-1, 1, (2, samples))).astype(np.float32)


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    folder = tmp_path / "songs"
    (folder / "deep").mkdir(parents=True)
    for k in range(5):
        write_audio(folder / ("deep" if k % 2 else ".") / f"{k}.flac", noise(k), 48000)
    return folder


NAMES = ["0.flac", "2.flac", "4.flac", "deep/1.flac", "deep/3.flac"]


def test_each_song_is_encoded_once_from_every_offset(
    songs: Path, stage_1: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    cache, autoencoder = tmp_path / "latents", load_stage_1(stage_1)
    done = encode_songs(stage_1, songs, find_records(songs), cache, offsets=2)
    assert (done.songs, done.new, done.bad) == (NAMES, 5, {})
    for k, group in zip((0, 2, 4, 1, 3), read_latents(cache, done.songs, offsets=2), strict=True):
        wave = torch.from_numpy(noise(k))[None]
        with torch.no_grad():
            expected = [autoencoder.encode(wave[..., begin : begin + n * 1024])[0] for begin, n in ((0, 23), (512, 22))]
        for latent, exact in zip(group, expected, strict=True):
            assert latent.dtype == torch.bfloat16 and latent.shape == exact.shape
            torch.testing.assert_close(latent.float(), exact, atol=0.01, rtol=0)

    monkeypatch.setattr(mousai.data.latent_cache.encode, "_encode", None)  # nothing is left to do
    again = encode_songs(stage_1, songs, find_records(songs), cache, offsets=2)
    assert (again.songs, again.new) == (NAMES, 0)


def test_it_goes_on_where_it_was_stopped(songs: Path, stage_1: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Killed in the fourth song, with two songs to a shard: the finished shard stands, and is not done again."""
    monkeypatch.setattr(mousai.data.latent_cache.encode, "SONGS_PER_SHARD", 2)
    encode, cache = mousai.data.latent_cache.encode._encode, tmp_path / "latents"
    seen: list[str] = []

    def interrupted(autoencoder, path, offsets):
        if len(seen) == 3:
            raise KeyboardInterrupt
        seen.append(path.name)
        return encode(autoencoder, path, offsets)

    monkeypatch.setattr(mousai.data.latent_cache.encode, "_encode", interrupted)
    with pytest.raises(KeyboardInterrupt):
        encode_songs(stage_1, songs, find_records(songs), cache)
    before = {path.name: path.stat() for path in cache.glob("*.safetensors")}
    assert sorted(key for name in before for key in tensor_shapes(cache / name)) == ["0.flac#0", "2.flac#0"]
    monkeypatch.setattr(mousai.data.latent_cache.encode, "_encode", encode)
    done = encode_songs(stage_1, songs, find_records(songs), cache)
    assert done.new == 3 and done.songs == NAMES
    for name, stat in before.items():
        assert ((cache / name).stat().st_ino, (cache / name).stat().st_mtime_ns) == (stat.st_ino, stat.st_mtime_ns)
    encode_songs(stage_1, songs, find_records(songs), tmp_path / "at once")
    assert folder_bytes(cache) == folder_bytes(tmp_path / "at once")  # as if nobody had interrupted it


def folder_bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_songs_that_come_later_and_songs_that_were_mended(
    songs: Path, stage_1: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(mousai.data.latent_cache.encode, "SONGS_PER_SHARD", 2)
    monkeypatch.setattr(mousai.data.check, "MOST_BAD", 0.5)
    cache = tmp_path / "latents"
    (songs / "1.flac").write_text("not music")
    done = encode_songs(stage_1, songs, find_records(songs), cache)
    assert done.songs == NAMES and list(done.bad) == ["1.flac"]
    before = folder_bytes(cache)
    assert encode_songs(stage_1, songs, find_records(songs), cache).new == 0  # nothing but the bad one is tried
    assert folder_bytes(cache) == before
    write_audio(songs / "1.flac", noise(7), 48000, overwrite=True)
    write_audio(songs / "00.flac", noise(8), 48000)
    (songs / "00.txt").write_text("the new one")
    done = encode_songs(stage_1, songs, find_records(songs), cache)
    assert done.new == 2 and not done.bad
    assert all((cache / name).read_bytes() == data for name, data in before.items() if name.endswith(".safetensors"))
    found = cached_songs(cache)
    assert [song.name for song in found.songs] == ["0.flac", "00.flac", "1.flac", "2.flac", *NAMES[2:]]
    assert [song.fields for song in found.songs[:2]] == [{}, {"caption": "the new one"}]


def test_a_song_that_was_replaced_is_encoded_anew(songs: Path, stage_1: Path, tmp_path: Path):
    cache, song = tmp_path / "latents", songs / "deep" / "1.flac"
    encode_songs(stage_1, songs, find_records(songs), cache)
    before = dict(zip(NAMES, read_latents(cache, NAMES, offsets=1), strict=True))
    write_audio(song, noise(77), 48000, overwrite=True)
    done = encode_songs(stage_1, songs, find_records(songs), cache)
    assert (done.changed, done.new, done.songs) == (["deep/1.flac"], 1, NAMES)
    assert done.lines() == ["encoded anew: 1 songs whose files changed (deep/1.flac)"]
    after = dict(zip(NAMES, read_latents(cache, NAMES, offsets=1), strict=True))
    assert [name for name in NAMES if not torch.equal(before[name][0], after[name][0])] == ["deep/1.flac"]
    held = [key for path in sorted(cache.glob("*.safetensors")) for key in tensor_shapes(path)]
    assert len(held) == len(set(held)) == 5  # the old latents of it are gone
    again = encode_songs(stage_1, songs, find_records(songs), cache)
    assert (again.changed, again.new) == ([], 0)


def test_a_mark_changes_with_size_time_head_and_tail(tmp_path: Path):
    path = tmp_path / "a"
    content = bytes(300_000)

    def mark(data: bytes, time: int = 0) -> str:
        path.write_bytes(data)
        os.utime(path, ns=(0, time))
        return file_mark(path)

    first = mark(content)
    assert mark(content) == first
    others = [mark(b"x" + content[1:]), mark(content[:-1] + b"x"), mark(content[:-1]), mark(content, 1)]
    assert len({first, *others}) == 5
    copy = tmp_path / "b"
    copy.write_bytes(content)
    assert content_mark(copy) == without_time(first)


def test_processes_find_the_same(songs: Path, stage_1: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mousai.data.latent_cache.encode, "SONGS_PER_SHARD", 2)
    records = find_records(songs)
    assert torch.get_num_threads() == 1  # as each of the processes has
    for name, workers in (("one", 1), ("two", 2)):
        encode_songs(stage_1, songs, records, tmp_path / name, workers=workers)
    assert folder_bytes(tmp_path / "one") == folder_bytes(tmp_path / "two")


def test_bad_songs_are_listed_and_too_many_stop_it(
    songs: Path, tmp_path: Path, saved_model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    (songs / "bad.wav").write_text("not music")
    write_audio(songs / "short.wav", noise(9, 500), 48000)
    write_audio(songs / "silent.wav", 0 * noise(9, 48000), 48000)
    words = [
        "data",
        "encode",
        str(songs),
        "-o",
        str(tmp_path / "latents"),
        "--model",
        str(saved_model),
        "--offsets",
        "1",
    ]
    assert main(words) == 2
    error = capsys.readouterr().err
    assert "3 of 8 songs are bad, which is more than 1%, such as bad.wav" in error and error.count("\n") == 1
    bad = json.loads((tmp_path / "latents" / "bad.json").read_text())
    assert list(bad) == ["bad.wav", "short.wav", "silent.wav"] and "shorter than one latent frame" in bad["short.wav"]
    monkeypatch.setattr(mousai.data.check, "MOST_BAD", 0.5)
    assert main(words) == 0
    captured = capsys.readouterr()
    assert "5 songs, 0 of them new, 3 bad" in captured.out and "left out: bad.wav" in captured.err


def test_a_cache_of_another_autoencoder(songs: Path, stage_1: Path, tmp_path: Path):
    from safetensors.torch import load_file, save_file

    records, cache = find_records(songs), tmp_path / "latents"
    encode_songs(stage_1, songs, records, cache)
    with pytest.raises(UserError, match=r"was encoded otherwise \(offsets 1, here 2\)"):
        encode_songs(stage_1, songs, records, cache, offsets=2)
    other = tmp_path / "other"
    shutil.copytree(stage_1, other)
    state = load_file(other / "model.safetensors")
    key = next(key for key in state if key.startswith("encoder.") and state[key].ndim > 1)
    save_file({**state, key: 1.5 * state[key]}, other / "model.safetensors")
    with pytest.raises(UserError, match=r"was encoded otherwise \(autoencoder"):
        encode_songs(other, songs, records, cache)
    with pytest.raises(UserError, match="has no latents of none"):
        read_latents(cache, ["none.flac"], offsets=1)
    with pytest.raises(UserError, match="two of its songs have one name"):
        encode_songs(stage_1, songs, [*records, records[0]], cache)
    for settings in ({"offsets": 0}, {"workers": 0}):
        with pytest.raises(UserError, match="must be 1 or more"):
            encode_songs(stage_1, songs, records, cache, **settings)


@pytest.mark.parametrize("about", ["[]", '{"marks": []}', '{"bad": "0.wav"}'])
def test_a_file_of_the_cache_whose_header_says_something_else(tmp_path: Path, about: str):
    path = tmp_path / "latents-00000.safetensors"
    save_tensors(path, {"0.wav#0": torch.ones(1)}, metadata={ABOUT_SHARD: about})
    with pytest.raises(UserError, match="its header must hold the marks and the bad songs as objects"):
        about_shard(path)


@pytest.mark.parametrize("index", [{}, {"offsets": 0}, {"offsets": 1001}, {"offsets": "1"}, {"autoencoder": 3}])
def test_a_cache_that_says_wrongly_what_it_is(tmp_path: Path, index: dict[str, object]):
    whole = {"format": FORMAT, "version": 1, "autoencoder": "x", "offsets": 1}
    (tmp_path / "index.json").write_text(json.dumps({**whole, **index} if index else {"format": FORMAT}))
    with pytest.raises(UserError, match="must say the autoencoder, and offsets from 1 to 1000; encode anew"):
        cached_songs(tmp_path)


def test_a_cache_without_songs(tmp_path: Path):
    index = {"format": FORMAT, "version": 1, "autoencoder": "x", "offsets": 1}
    (tmp_path / "index.json").write_text(json.dumps(index))
    with pytest.raises(UserError, match=r"has no metadata\.jsonl; `mousai data encode` adds it"):
        cached_songs(tmp_path)
    (tmp_path / "metadata.jsonl").write_text('{"file_name": "0.wav"}\n')
    with pytest.raises(UserError, match="holds no latents; run `mousai data encode` first"):
        cached_songs(tmp_path)


def test_a_worker_that_finds_another_autoencoder(stage_1: Path):
    with pytest.raises(UserError, match=r"is another autoencoder here \([0-9a-f]+\) than where the work began \(0\)"):
        mousai.data.latent_cache.encode._autoencoder(stage_1, "0")
