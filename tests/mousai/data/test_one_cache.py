"""Processes that share a cache of latents, a folder of shards, or a disk that fills up at the end of the work."""

import json
import threading
from pathlib import Path

import pytest

from mousai.audio.files import write_audio
from mousai.data.bad_songs import BadSongs
from mousai.data.latent_cache.encode import encode_songs
from mousai.data.latent_cache.read import known_latents
from mousai.data.records import find_records
from mousai.data.shards.pack import shard_songs
from mousai.storage import system
from mousai.storage.system import folder_lock

from .test_latent_cache import noise


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    folder = tmp_path / "songs"
    folder.mkdir()
    for k in range(2):
        write_audio(folder / f"{k}.wav", noise(k, 4800), 48000)
    return folder


def test_a_report_that_had_no_room_is_written_by_the_next_run(songs, stage_1, tmp_path, monkeypatch):
    cache = tmp_path / "latents"

    def full(self):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(BadSongs, "save", full)
        with pytest.raises(OSError, match="No space"):
            encode_songs(stage_1, songs, find_records(songs), cache)
    assert known_latents(cache) == {"0.wav#0", "1.wav#0"} and not (cache / "bad.json").exists()
    assert encode_songs(stage_1, songs, find_records(songs), cache).new == 0
    assert json.loads((cache / "bad.json").read_text()) == {}


@pytest.mark.parametrize("kind", ["encode", "shard"])
def test_who_comes_second_waits_and_then_goes_on(songs, stage_1, tmp_path, monkeypatch, kind):
    out, lock, waits = tmp_path / "out", system.lock, threading.Event()

    def seen(file, *, wait):
        if wait:
            waits.set()
        return lock(file, wait=wait)

    def work():
        if kind == "encode":
            encode_songs(stage_1, songs, find_records(songs), out)
        else:
            shard_songs(songs, out)

    monkeypatch.setattr(system, "lock", seen)
    with folder_lock(out):
        second = threading.Thread(target=work)
        second.start()
        assert waits.wait(60) and second.is_alive() and list(out.iterdir()) == []
    second.join()
    assert (out / "index.json").is_file() and (out / "metadata.jsonl").is_file()
