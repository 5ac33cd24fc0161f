"""Leftovers that were not written to their end, or that a stranger packed into an archive: nothing goes elsewhere."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from mousai.errors import UserError
from mousai.storage.leftovers import sweep, temporary_folder


def replacing(folder, name, **files):
    """Such a folder as another machine leaves, old enough to count as left behind."""
    around = folder / ".mousai-00000000-1-1-0123456789ab.replacing"
    (around / "old").mkdir(parents=True)
    (around / "old" / "evil.desktop").write_text("theirs")
    (around / "name").write_text(name)
    for file, text in files.items():
        (around / file).write_text(text)
    os.utime(around, (0, 0))
    return around


@pytest.mark.parametrize("name", ["../outside", "{outside}", "..", ".", "", "a/../../outside"])
@pytest.mark.parametrize("there", [True, False])
def test_nothing_is_moved_out_of_the_folder(tmp_path, name, there):
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    if there:
        outside.mkdir()
    replacing(inside, name.format(outside=outside), own="[]")
    sweep(inside, again=True)
    assert os.listdir(inside) == []
    assert not outside.exists() or os.listdir(outside) == []


def test_nothing_is_moved_through_links(tmp_path):
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    (outside / "mine").write_text("mine")
    around = replacing(inside, "model", own="[]")
    (inside / "model").symlink_to(outside)
    sweep(inside, again=True)
    assert not around.exists() and os.listdir(outside) == ["mine"]
    (inside / "model").unlink()
    (inside / "model").mkdir()
    around = replacing(inside, "model", own="[]")
    (around / "old" / "evil.desktop").unlink()
    (around / "old").rmdir()
    (around / "old").symlink_to(outside)
    os.utime(around, (0, 0))
    sweep(inside, again=True)
    assert not around.exists() and os.listdir(outside) == ["mine"] and os.listdir(inside / "model") == []


def test_a_pipe_or_a_link_in_its_place_hangs_nothing(tmp_path):
    around = replacing(tmp_path / "a", "model")
    (around / "name").unlink()
    os.mkfifo(around / "name")
    os.utime(around, (0, 0))
    (tmp_path / "b").mkdir()
    link = tmp_path / "b" / around.name
    link.symlink_to(tmp_path / "c")
    os.utime(link, (0, 0), follow_symlinks=False)
    for name in ("a", "b"):
        sweep(tmp_path / name, again=True)
        assert os.listdir(tmp_path / name) == []


@pytest.mark.parametrize("half", ["", "[", '["index"', "3", "[3]", "[" * 5000])
def test_a_list_of_names_that_was_not_written_to_its_end_is_none(tmp_path, half):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "index").write_text("old")
    replacing(tmp_path, "model", own=half)  # stopped before anything was moved
    sweep(tmp_path, again=True)
    assert os.listdir(tmp_path) == ["model"] and os.listdir(tmp_path / "model") == ["index"]


KILLED = """
import os, signal
from mousai.storage.leftovers import temporary_folder
with temporary_folder() as folder:
    (folder / "song.wav").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_temporary_folder_of_a_killed_process_is_removed_by_the_next(tmp_path, monkeypatch):
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", KILLED], env=environment)
    assert done.returncode < 0
    (left,) = tmp_path.iterdir()
    assert os.listdir(left) == ["song.wav"] and left.stat().st_mode & 0o077 == 0
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with temporary_folder() as folder:
        assert list(Path(tmp_path).iterdir()) == [folder]
    assert list(tmp_path.iterdir()) == []


def test_no_folder_for_temporary_files_is_one_line(monkeypatch):
    """As where no file may be written at all: Python looks for a folder by writing into each that it knows."""
    monkeypatch.setenv("TMPDIR", "/nowhere")
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/nowhere"])
    message = r"^TMPDIR='/nowhere': no folder for temporary files can be written"
    with pytest.raises(UserError, match=message), temporary_folder():
        pass
