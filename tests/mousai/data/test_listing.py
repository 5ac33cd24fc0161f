"""One list of a folder for every command: what is in it, and what is skipped and named."""

import json
import os
from pathlib import Path

import pytest

from mousai.cli import main
from mousai.data.latent_cache import encode_songs
from mousai.data.listing import list_folder
from mousai.data.records import find_records
from mousai.data.shards.pack import shard_songs
from mousai.errors import UserError
from mousai.training.data.audio_files import audio_files

from .conftest import music


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two songs among all that lies about on disks."""
    songs = tmp_path / "songs"
    for name in ("a.wav", "deep/b.flac"):
        music(songs / name).with_suffix(".txt").write_text("a song")
    for name in ("._a.wav", ".Trash/c.wav", "@eaDir/d.wav", "__MACOSX/deep/e.wav", "run/samples/f.wav", "out/g.wav"):
        music(songs / name)
    (songs / "run" / "training.lock").touch()
    (songs / "out" / "report.json").write_text("{}")
    (songs / "out" / "report.html").touch()
    for name, kind in (("latents", "mousai latents"), ("shards", "mousai shards")):
        (songs / name).mkdir()
        (songs / name / "index.json").write_text(json.dumps({"format": kind}))
        (songs / name / "metadata.jsonl").write_text(json.dumps({"file_name": "a.wav"}))
    music(tmp_path / "elsewhere" / "h.wav")
    (songs / "link").symlink_to(tmp_path / "elsewhere")
    (songs / "linked.wav").symlink_to(songs / "deep" / "b.flac")
    (songs / "gone.wav").symlink_to(songs / "nowhere.wav")
    (songs / "loop").symlink_to(songs)
    os.mkfifo(songs / "pipe.wav")
    return songs


TAKEN = ["a.wav", "deep/b.flac", "linked.wav"]
SKIPPED = [
    "2 files (link, loop) a link to a folder, which is not followed; name that folder, or move it here",
    "4 files (.Trash/c.wav, ._a.wav, @eaDir/d.wav, ...) hidden, or in a folder that a system keeps for itself",
    "4 files (latents, out, run, ...) made by mousai (a run, a model, latents, shards or an evaluation), and no songs",
    "2 files (gone.wav, pipe.wav) no regular file",
]


def test_all_commands_see_the_same_songs(folder: Path, tmp_path: Path, saved_model: Path):
    records = find_records(folder)
    assert [record.path.relative_to(folder).as_posix() for record in records] == TAKEN
    assert audio_files([folder]) == [record.path for record in records]
    packed = shard_songs(folder, tmp_path / "shards")
    assert packed.songs == 3
    assert encode_songs(saved_model / "autoencoder", folder, records, tmp_path / "latents").songs == TAKEN


def test_what_is_skipped_is_named(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["data", "check", str(folder), "--workers", "1"]) == 0
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("skipped")]
    assert sorted(told) == sorted(f"skipped      {line}" for line in SKIPPED)
    audio_files([folder])
    assert sorted(capsys.readouterr().err.splitlines()) == sorted(f"skipped: {line}" for line in SKIPPED)


def test_a_table_counts_for_training_too(folder: Path):
    (folder / "metadata.csv").write_text("file_name,caption\na.wav,one\n")
    assert [path.name for path in audio_files([folder])] == ["a.wav"]


def test_folders_that_cannot_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch):
    scandir = os.scandir

    def refusing(path: Path):
        if Path(path).name == refused:
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    refused = "deep"
    assert list_folder(folder).skipped["cannot be read (Permission denied)"] == [folder / "deep"]
    assert [record.path.name for record in find_records(folder)] == ["a.wav", "linked.wav"]
    refused = "songs"
    with pytest.raises(UserError, match=r"songs: cannot be read \(Permission denied\)"):
        find_records(folder)


def test_a_folder_of_nothing_but_hidden_music_says_so(tmp_path: Path):
    music(tmp_path / ".a.wav")
    with pytest.raises(UserError, match=r"holds no audio files \(.*\); 1 file \(\.a\.wav\) hidden"):
        find_records(tmp_path)
    with pytest.raises(UserError, match="no such folder"):
        find_records(tmp_path / ("x" * 300))


@pytest.mark.parametrize("kind", ["pipe", "folder", "link"])
@pytest.mark.parametrize("name", ["metadata.jsonl", "metadata.csv", "a.json", "a.TXT", "annotations.jsonl"])
def test_what_should_tell_of_songs_and_is_no_file_is_named(tmp_path: Path, capsys, kind: str, name: str):
    music(tmp_path / "a.wav")
    odd = tmp_path / name
    if kind == "pipe":
        os.mkfifo(odd)
    elif kind == "folder":
        odd.mkdir()
    else:
        odd.symlink_to(tmp_path / "gone")
    assert main(["data", "check", str(tmp_path), "--workers", "1"]) == 0
    out = capsys.readouterr().out
    assert f"skipped      1 file ({name}) no regular file" in out


def test_a_pipe_in_the_place_of_an_index_hangs_nothing(tmp_path: Path):
    song = music(tmp_path / "deep" / "a.wav")
    os.mkfifo(tmp_path / "deep" / "index.json")
    listing = list_folder(tmp_path)
    assert listing.audio == [song] and listing.skipped == {"no regular file": [tmp_path / "deep" / "index.json"]}
