"""Names that no file can have, places that cannot be read, streams that are closed, systems that lack something."""

import builtins
import os
import pwd
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mousai.audio.files import write_audio
from mousai.cli import main
from mousai.storage import system
from mousai.training.run_lock import run_lock

LONG = "x" * 300


@pytest.mark.parametrize(
    "words",
    [
        ["info", f"{LONG}.wav"],
        ["generate", "calm", "-o", f"{LONG}.wav"],
        ["generate", "calm", "--model", LONG, "-o", "a.wav"],
        ["encode", f"{LONG}.wav", "-o", "a.safetensors"],
        ["decode", f"{LONG}.safetensors", "-o", "a.wav"],
        ["data", "check", LONG],
        ["data", "shard", LONG, "-o", "shards"],
        ["train", "latent-diffusion", "--config", LONG, "--data", "songs", "--out", "run"],
        ["export", LONG, "-o", "model"],
        ["import", LONG, "-o", "model"],
    ],
)
def test_a_name_that_is_too_long_is_one_line(words: list[str], capsys: pytest.CaptureFixture[str]):
    assert main(words) == 2
    error = capsys.readouterr().err
    assert "x" * 50 in error and error.count("\n") == 1


def test_a_folder_that_cannot_be_read_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def refused(path: Path):
        raise PermissionError(13, "Permission denied", str(path))

    (tmp_path / "songs").mkdir()
    monkeypatch.setattr(os, "scandir", refused)
    assert main(["data", "check", str(tmp_path / "songs"), "--workers", "1"]) == 2
    assert capsys.readouterr().err == f"mousai: error: {tmp_path}/songs: cannot be read (Permission denied)\n"


def test_closed_streams(tmp_path: Path):
    """In a process of its own, whose next files would get the numbers of the closed streams."""
    code = (
        "import os, sys; os.close(1); os.close(2)\n"
        "from mousai.cli import main\n"
        "code = main(['info', 'nope.wav'])\n"
        "file = open('file', 'w')\n"
        "sys.exit(code if file.fileno() > 2 else 3)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (2, b"", b"")


@pytest.mark.parametrize("stream", [None, "closed"])
def test_no_stream_for_messages(
    tmp_path: Path, stream: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    file = None
    if stream == "closed":
        file = (tmp_path / "messages").open("w")
        file.close()
    monkeypatch.setattr(sys, "stderr", file)
    assert not system.is_terminal()
    assert main(["info", "nope.wav"]) == 2
    assert main([]) == 2


@pytest.mark.parametrize(
    "words",
    [["decode", "a.safetensors", "--decoder-steps=--"], ["generate", "--duration=--", "x"], ["train", "--x=--"]],
)
def test_two_dashes_are_no_value(words: list[str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert "-- is no value" in error and error.count("\n") == 1


def test_what_is_not_there_is_called_a_file(capsys: pytest.CaptureFixture[str]):
    for name in ("nope.wav", "nope", "folder/nope.safetensors"):
        assert main(["info", name]) == 2
        assert capsys.readouterr().err.startswith(f"mousai: error: {name}: no such folder or file")


def test_neither_a_home_nor_an_entry_in_the_list_of_users(monkeypatch: pytest.MonkeyPatch):
    def unknown(number: int):
        raise KeyError(f"getpwuid(): uid not found: {number}")

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert system.cache_folder("shards").name == "shards"
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert system.cache_folder("shards") == Path("/somewhere/mousai/shards")


def test_a_system_without_file_locks_is_told_of_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    original = builtins.__import__

    def without(name: str, *more: object):
        if name == "fcntl":
            raise ImportError(name)
        return original(name, *more)

    monkeypatch.setattr(builtins, "__import__", without)
    system._say_unlocked.cache_clear()
    for name in ("one", "two"):
        with run_lock(tmp_path / name):
            pass
    assert capsys.readouterr().err.splitlines() == [
        "mousai: there are no file locks here; see to it that no second process writes to the same place"
    ]


def printing(to: int, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mousai", *words], stdout=to, stderr=subprocess.PIPE, text=True, check=False
    )


@pytest.fixture
def printed(tmp_path, request):
    """Command lines that print: one flushes what it prints, the other does not."""
    write_audio(tmp_path / "a.wav", np.zeros((2, 480), np.float32), 48000)
    return [word.format(folder=tmp_path) for word in request.param]


COMMANDS = pytest.mark.parametrize(
    "printed", [["info", "{folder}/a.wav"], ["data", "check", "{folder}"]], indirect=True
)


@COMMANDS
def test_a_reader_who_leaves_early_is_no_error(printed):
    reading, writing = os.pipe()
    os.close(reading)
    done = printing(writing, *printed)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
@COMMANDS
def test_output_that_has_no_room_is_one_line(printed):
    with open("/dev/full", "w") as full:
        done = printing(full.fileno(), *printed)
    assert (done.returncode, done.stderr) == (2, "mousai: error: No space left on device\n")
