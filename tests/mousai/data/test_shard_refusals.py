"""Songs that cannot be put into shards, and sets of shards that cannot be opened or gone on with."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import mousai.data.check
from mousai import UserError
from mousai.audio.files import write_audio
from mousai.cli import main
from mousai.data.latent_cache.encode import encode_songs
from mousai.data.records import find_records
from mousai.data.shards.pack import shard_songs
from mousai.data.shards.read import open_shards, records_of

from .conftest import music

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
        ("1.txt", b"\xe9t\xe9", "1.txt: is no text in UTF-8 (byte 0)"),
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
        ("{}/none", r"is no set of shards; give its folder, its index\.json, or shard-\{"),
        ("pipe:cat {}/none", "is no set of shards"),
        ("pipe:exit 3; index.json", "cannot be read"),
        ("s4://bucket/index.json", "cannot be read"),
    ],
)
def test_sets_that_are_not_there(data: str, message: str, songs: Path, tmp_path: Path):
    shard_songs(songs, tmp_path / "shards")
    with pytest.raises(UserError, match=message) as caught:
        open_shards(data.format(tmp_path / "shards"))
    assert "\n" not in str(caught.value)
