"""What a command did not write itself, it does not replace."""

import os

import numpy as np
import pytest

from mousai import UserError, write_audio
from mousai.audio.outputs import check_output
from mousai.cli import main
from mousai.compose.dataset import write_dataset
from mousai.evaluation.report.files import check_folder
from mousai.evaluation.report.page import TITLE


def contents(folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def songs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "songs"
    folder.mkdir()
    for number in range(2):
        sound = (0.3 * np.random.default_rng(number).uniform(-1, 1, (2, 24000))).astype(np.float32)
        write_audio(folder / f"{number}.wav", sound, 48000)
    (folder / "metadata.jsonl").write_text('{"file_name": "0.wav", "caption": "mine"}\n{"file_name": "1.wav"}\n')
    return folder


@pytest.mark.parametrize("command", ["encode", "shard"])
def test_the_users_songs_are_no_place_for_latents_or_shards(songs, saved_model, capsys, command):
    before = contents(songs)
    more = ["--model", str(saved_model)] if command == "encode" else []
    assert main(["data", command, "songs", "-o", "songs", "--workers", "1", *more]) == 2
    assert "give a new or empty folder" in capsys.readouterr().err
    assert contents(songs) == before


def test_the_users_songs_are_no_place_for_the_latents_of_a_run(songs, saved_model, capsys):
    before = contents(songs)
    words = ["--data", "songs", "--out", "run", "--from", str(saved_model), "--autoencoder", str(saved_model)]
    words += ["--loop.max_steps", "1", "--crops.latents", "songs", "--loop.workers", "0", "--device", "cpu"]
    assert main(["train", "latent-diffusion", *words]) == 2
    assert "and no latents; give a new or empty folder" in capsys.readouterr().err
    assert contents(songs) == before


def test_a_folder_with_a_config_of_something_else_is_no_run(songs, saved_model, capsys):
    (songs.parent / "mine").mkdir()
    (songs.parent / "mine" / "config.json").write_text('{"model_type": "t5"}')
    words = ["--data", "songs", "--out", "mine", "--from", str(saved_model), "--loop.max_steps", "1"]
    assert main(["train", "latent-diffusion", *words]) == 2
    assert "holds a config.json of something else" in capsys.readouterr().err
    assert contents(songs.parent / "mine") == {"config.json": b'{"model_type": "t5"}'}


@pytest.mark.parametrize(
    ("name", "text"),
    [("metadata.jsonl", '{"file_name": "0.wav", "caption": "mine"}\n'), ("metadata.jsonl", '{"file_name": "x.wav"}\n'),
     ("metadata.jsonl", "[1]\n"), ("audio/000000.flac", "mine"), ("chords/000003.lab", "mine"), ("mine.FLAC", "mine")],
)  # fmt: skip
def test_the_users_songs_are_no_place_for_composed_ones(tmp_path, monkeypatch, name, text):
    monkeypatch.setattr("mousai.compose.dataset.check_tools", lambda *_: None)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match="choose another folder"):
        write_dataset(tmp_path, songs=1, progress=False)
    assert contents(tmp_path)[name] == text.encode()


def test_a_report_replaces_reports_alone(tmp_path):
    check_folder(tmp_path / "new")
    for name, text in (("report.html", "<title>my page</title>"), ("report.json", "[]"), ("clips/a.wav", "mine")):
        folder = tmp_path / name.replace("/", "-")
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text(text)
        with pytest.raises(UserError, match=r"(that|which) no evaluation wrote"):
            check_folder(folder)
    ours = tmp_path / "ours"
    (ours / "clips").mkdir(parents=True)
    (ours / "clips" / "clips.jsonl").write_text("")
    (ours / "clips" / "a.wav").write_text("")
    (ours / "report.html").write_text(f"<!doctype html>{TITLE}")
    (ours / "report.json").write_text('{"settings": {}}')
    check_folder(ours)
    with pytest.raises(UserError, match="would put clips of its own into"):
        check_folder(ours, [ours / "clips"])


def test_outputs_that_are_links_pipes_or_devices(tmp_path):
    (tmp_path / "dangling.wav").symlink_to(tmp_path / "nowhere.wav")
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "null.wav").symlink_to("/dev/null")
    for name, why in (("dangling.wav", "a link to a file that does not exist"), ("pipe.wav", "a device or a pipe"),
                      ("null.wav", "a device or a pipe"), ("n" * 300 + ".wav", "cannot be the name of a file"),
                      ("", "is a folder")):  # fmt: skip
        for overwrite in (False, True):
            with pytest.raises(UserError, match=why):
                check_output(tmp_path / name, overwrite)
    with pytest.raises(UserError, match="is empty"):
        check_output("", True)
    assert not (tmp_path / "nowhere.wav").exists()


def test_a_replaced_sound_keeps_its_permissions_and_its_link(tmp_path):
    path, link = tmp_path / "a.wav", tmp_path / "link.wav"
    sound = np.zeros((1, 480), np.float32)
    write_audio(path, sound, 48000)
    path.chmod(0o600)
    link.symlink_to(path)
    size = path.stat().st_size
    write_audio(link, np.zeros((1, 960), np.float32), 48000, overwrite=True)
    assert link.is_symlink() and path.stat().st_size > size and path.stat().st_mode & 0o777 == 0o600
