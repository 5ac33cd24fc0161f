"""`mousai data shard`: the same bytes whoever writes them, and everything found again in them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import mousai.data.check
from mousai import UserError
from mousai.audio.files import audio_info, read_audio, write_audio
from mousai.cli import main
from mousai.data.check import check_records
from mousai.data.latent_cache.encode import encode_songs
from mousai.data.latent_cache.read import read_latents
from mousai.data.records import find_records, song_name
from mousai.data.shards import write
from mousai.data.shards.pack import shard_songs
from mousai.data.shards.read import is_shards, open_shards, records_of
from mousai.data.workers import LocalPool, Pool

from .conftest import folder_bytes, music


@pytest.fixture
def stage_1(saved_model: Path) -> Path:
    return saved_model / "autoencoder"


# ---- the same bytes


def dies_in_its_second_song(marker: Path, work: Callable[[Any], Any], job: Any) -> Any:
    """`work`, in a process that is killed half-way through a shard the first time."""
    if not marker.exists():
        marker.touch()
        inspect_file, calls = write.inspect_file, []

        def inspected(path: Any) -> Any:
            calls.append(path)
            if len(calls) == 2:
                os.kill(os.getpid(), signal.SIGKILL)
            return inspect_file(path)

        write.inspect_file = inspected
    return work(job)


class Killing:
    """A pool in which one process is killed."""

    def __init__(self, pool: Pool, marker: Path) -> None:
        self.pool, self.marker = pool, marker

    def map(self, work: Callable[[Any], Any], jobs: Sequence[Any]) -> Iterator[Any]:
        return self.pool.map(partial(dies_in_its_second_song, self.marker, work), jobs)


def test_two_processes_write_the_bytes_of_one(songs: Path, tmp_path: Path):
    for name, workers in (("one", 1), ("two", 2)):
        done = shard_songs(songs, tmp_path / name, songs_per_shard=2, pool=LocalPool(workers))
        assert (done.songs, done.shards, done.new, done.bad) == (7, 4, 4, {})
    assert folder_bytes(tmp_path / "one") == folder_bytes(tmp_path / "two")


@pytest.mark.slow
def test_a_cluster_with_a_killed_worker_writes_the_bytes_of_one_process(songs: Path, tmp_path: Path, cluster: Pool):
    from ray import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    shard_songs(songs, tmp_path / "one", songs_per_shard=2)
    marker = tmp_path / "killed"
    done = shard_songs(songs, tmp_path / "ray", songs_per_shard=2, pool=Killing(cluster, marker))
    assert marker.exists() and done.new == 4
    assert folder_bytes(tmp_path / "one") == folder_bytes(tmp_path / "ray")


@pytest.mark.slow
def test_a_cluster_hears_and_encodes_what_one_process_does(
    songs: Path, tmp_path: Path, stage_1: Path, cluster: Pool, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(mousai.data.latent_cache.encode, "SONGS_PER_SHARD", 4)
    records = find_records(songs)
    assert check_records(records, pool=cluster).to_dict() == check_records(records).to_dict()
    for name, pool in (("one", LocalPool(1)), ("ray", cluster)):
        encode_songs(stage_1, songs, records, tmp_path / name, offsets=2, pool=pool, progress=False)
    assert folder_bytes(tmp_path / "one") == folder_bytes(tmp_path / "ray")


@pytest.mark.slow
def test_the_command_line_reaches_the_cluster(
    songs: Path, tmp_path: Path, cluster: Pool, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "shards"
    assert main(["data", "shard", str(songs), "-o", str(out), "--songs-per-shard", "3", "--ray", "local"]) == 0
    assert capsys.readouterr().out == f"{out}: 7 songs in 3 shards, 3 of them new, 0 bad\n"


def test_an_interruption_costs_no_finished_shard(songs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Stopped in the third of four shards."""
    out, inspect_file, calls = tmp_path / "parts", write.inspect_file, []

    def interrupted(path: Path) -> Any:
        calls.append(path)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return inspect_file(path)

    monkeypatch.setattr(write, "inspect_file", interrupted)
    with pytest.raises(KeyboardInterrupt):
        shard_songs(songs, out, songs_per_shard=2)
    monkeypatch.setattr(write, "inspect_file", inspect_file)
    with pytest.raises(UserError, match=r"index\.json: its shards are not finished; `mousai data shard` goes on"):
        open_shards(str(out))
    finished = {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in out.glob("*.tar")}
    assert sorted(finished) == ["shard-000000.tar", "shard-000001.tar"]
    (out / ".mousai-0123456789ab.tar").write_bytes(b"what a killed process left")
    for new in (2, 0):
        assert shard_songs(songs, out, songs_per_shard=2).new == new
        for name, stat in finished.items():
            assert ((out / name).stat().st_ino, (out / name).stat().st_mtime_ns) == stat
    shard_songs(songs, tmp_path / "whole", songs_per_shard=2)
    assert folder_bytes(out) == folder_bytes(tmp_path / "whole")
    (out / "shard-000001.tar").unlink()
    assert shard_songs(songs, out, songs_per_shard=2).new == 1
    assert folder_bytes(out) == folder_bytes(tmp_path / "whole")


@pytest.mark.slow
def test_ctrl_c_ends_it_at_once_and_the_same_command_goes_on(tmp_path: Path):
    folder, out = tmp_path / "songs", tmp_path / "shards"
    whole = music(folder / "0.flac", seconds=10)
    for number in range(1, 150):  # more than are done before the signal comes
        shutil.copy(whole, folder / f"{number}.flac")
    command = [sys.executable, "-W", "error", "-m", "mousai", "data", "shard", str(folder), "-o", str(out)]
    command += ["--songs-per-shard", "3", "--workers", "2"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 60
    while not list(out.glob("*.tar.json")):  # written last
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said == "mousai: stopped; what was not finished has not been written\n"
    finished = {path.stem: (out / path.stem).stat().st_ino for path in out.glob("*.tar.json")}
    assert 0 < len(finished) < 50
    done = shard_songs(folder, out, songs_per_shard=3)
    assert (done.shards, done.new) == (50, 50 - len(finished))
    assert all((out / name).stat().st_ino == inode for name, inode in finished.items())


# ---- what is in them


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


def test_a_shard_is_as_large_as_was_said(tmp_path: Path):
    folder = tmp_path / "songs"
    for number in range(5):
        music(folder / f"{number}.wav", seed=number, seconds=1.5)  # 432 kB
    for megabytes, counts in ((1, [2, 2, 1]), (2, [4, 1])):
        out = tmp_path / str(megabytes)
        shard_songs(folder, out, max_megabytes=megabytes)
        assert [len(shard.songs) for shard in open_shards(str(out)).shards] == counts
        assert all(path.stat().st_size < megabytes * 1.02e6 for path in out.glob("*.tar"))


# ---- what cannot be done


BAD_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut.flac": (lambda path: path.write_bytes(music(path).read_bytes()[:60000]), ""),
    "empty.flac": (lambda path: path.touch(), "is empty"),
    "text.flac": (lambda path: path.write_text("not music"), "cannot be read as audio"),
    "silent.wav": (lambda path: write_audio(path, np.zeros((2, 24000), np.float32), 48000), "is silent"),
    "short.flac": (lambda path: music(path, seconds=0.05), "is only 0.050 s long"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_listed_and_left_out(
    name: str, songs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    make, why = BAD_FILES[name]
    make(songs / name)
    out = tmp_path / "shards"
    command = ["data", "shard", str(songs), "-o", str(out), "--workers", "1"]
    assert main(command) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1 and captured.out == ""
    assert f"1 of 8 songs are bad, which is more than 1%, such as {name}: " in captured.err and why in captured.err
    assert not (out / "metadata.jsonl").exists()
    monkeypatch.setattr(mousai.data.check, "MOST_BAD", 0.2)
    assert main(command) == 0
    captured = capsys.readouterr()
    assert captured.out == f"{out}: 7 songs in 1 shards, 0 of them new, 1 bad\n"
    bad = json.loads((out / "bad.json").read_text())
    assert list(bad) == [name] and why in bad[name]
    assert captured.err == f"left out: {name}: {bad[name]}\n"
    assert name not in open_shards(str(out)).names and name not in (out / "metadata.jsonl").read_text()


def test_too_many_bad_files_end_it_early(tmp_path: Path):
    folder = tmp_path / "songs"
    for number in range(10):
        music(folder / f"{number}.wav").write_text("not music")
    with pytest.raises(UserError, match="1 of 10 songs are bad"):
        shard_songs(folder, tmp_path / "shards", songs_per_shard=1)
    assert len(list((tmp_path / "shards").glob("*.tar"))) == 1


@pytest.mark.parametrize("command", ["check", "encode", "shard"])
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("metadata.jsonl", b'{"file_name": "none.wav"}', "none.wav does not exist"),
        ("metadata.jsonl", b'{"file_name": "1.flac"', "line 1: not JSON"),
        ("metadata.jsonl", b'{"file_name": "1.flac"}\n{"file_name": "1.flac"}', "line 2: 1.flac stands in it a second"),
        ("1.txt", b"\xe9t\xe9", "1.txt: cannot be read as UTF-8 text: 'utf-8' codec"),
    ],
)
def test_what_is_told_wrongly_of_the_songs_stops_every_step(
    command: str, name: str, content: bytes, message: str, songs: Path, capsys: pytest.CaptureFixture[str]
):
    (songs / name).write_bytes(content)
    more = [] if command == "check" else ["-o", str(songs.parent / "out")]
    assert main(["data", command, str(songs), *more, "--workers", "1"]) == 2
    said = capsys.readouterr().err
    assert message in said and str(songs / name) in said and said.count("\n") == 1
    assert not (songs.parent / "out").exists()


def test_shards_of_something_else_are_refused(songs: Path, tmp_path: Path, stage_1: Path):
    out = tmp_path / "shards"
    shard_songs(songs, out, songs_per_shard=3)
    with pytest.raises(UserError, match=r"shards of other data or settings \(songs_per_shard 3, here 2\); remove"):
        shard_songs(songs, out, songs_per_shard=2)
    (songs / "1.txt").write_text("another caption")
    with pytest.raises(UserError, match=r"other data or settings \(data '[0-9a-f]{16}', here '[0-9a-f]{16}'\)"):
        shard_songs(songs, out, songs_per_shard=3)
    encode_songs(stage_1, songs, find_records(songs), tmp_path / "latents", progress=False)
    with pytest.raises(UserError, match=r"other data or settings \(kind 'audio', here 'latents'"):
        shard_songs(tmp_path / "latents", out, songs_per_shard=3)
    with pytest.raises(UserError, match=r"holds .*, and no shards; give a new or empty folder"):
        shard_songs(songs, songs)
    with pytest.raises(UserError, match="songs_per_shard=0: must be 1 or more"):
        shard_songs(songs, tmp_path / "new", songs_per_shard=0)
    (tmp_path / "latents" / "metadata.jsonl").unlink()
    with pytest.raises(UserError, match=r"has no metadata\.jsonl; `mousai data encode` adds it"):
        shard_songs(tmp_path / "latents", tmp_path / "new")
    with pytest.raises(UserError, match="holds latents; give shards of a folder of audio files"):
        encode_songs(stage_1, songs, find_records(songs), tmp_path / "latents", progress=False)
        shard_songs(tmp_path / "latents", tmp_path / "sharded latents")
        records_of(str(tmp_path / "sharded latents"))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("{}/shard-000007.tar", "shard-000007.tar is not in"),
        ("{}/none/index.json", "cannot be read"),
        ("pipe:exit 3; index.json", "cannot be read"),
        ("s4://bucket/index.json", "cannot be read"),
    ],
)
def test_sets_that_are_not_there(data: str, message: str, songs: Path, tmp_path: Path):
    shard_songs(songs, tmp_path / "shards")
    with pytest.raises(UserError, match=message) as caught:
        open_shards(data.format(tmp_path / "shards"))
    assert "\n" not in str(caught.value)


# ---- a check that goes on


def test_an_interrupted_check_goes_on(songs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    records, journal = find_records(songs), tmp_path / ".report.json.files"
    expected = check_records(records).to_dict()
    inspect_file, calls = mousai.data.check.inspect_file, []

    def interrupted(path: Path) -> Any:
        calls.append(path)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return inspect_file(path)

    monkeypatch.setattr(mousai.data.check, "inspect_file", interrupted)
    with pytest.raises(KeyboardInterrupt):
        check_records(records, journal=journal)
    with journal.open("a") as file:
        file.write('[[1, 2], {"path": "cut in the mid')
    calls[1].unlink()
    music(calls[1], seed=9, seconds=0.7)
    calls.clear()
    monkeypatch.setattr(mousai.data.check, "inspect_file", lambda path: (calls.append(path), inspect_file(path))[1])
    found = check_records(records, journal=journal)
    assert len(calls) == 5 and records[1].path in calls  # the one that has changed, and those that were not read
    assert found.files[1].duration == 0.7
    assert found.to_dict()["good"][2:] == expected["good"][2:]
