"""`mousai data shard`: the same bytes whoever writes them, and after an interruption."""

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

import pytest

import mousai.data.latent_cache.encode
from mousai import UserError
from mousai.cli import main
from mousai.data.check import check_records
from mousai.data.latent_cache.encode import encode_songs
from mousai.data.records import find_records
from mousai.data.shards import write
from mousai.data.shards.pack import shard_songs
from mousai.data.shards.read import open_shards
from mousai.data.workers import LocalPool, Pool

from .conftest import folder_bytes, music


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


def test_a_shard_is_as_large_as_was_said(tmp_path: Path):
    folder = tmp_path / "songs"
    for number in range(5):
        music(folder / f"{number}.wav", seed=number, seconds=1.5)  # 432 kB
    for megabytes, counts in ((1, [2, 2, 1]), (2, [4, 1])):
        out = tmp_path / str(megabytes)
        shard_songs(folder, out, max_megabytes=megabytes)
        assert [len(shard.songs) for shard in open_shards(str(out)).shards] == counts
        assert all(path.stat().st_size < megabytes * 1.02e6 for path in out.glob("*.tar"))
