"""A model folder is replaced in one step; a kill leaves the old one or the new one whole under its name."""

import os
import subprocess
import sys

import pytest

from mousai.storage import folder_swap
from mousai.storage.folder_swap import recover, replaced_folder
from mousai.storage.leftovers import sweep

OWN = ("index", "part")


def fill(folder, text):
    (folder / "part").mkdir(parents=True)
    (folder / "part" / "weights").write_text(text)
    (folder / "index").write_text(text)


def text_of(folder):
    index, weights = (folder / "index").read_text(), (folder / "part" / "weights").read_text()
    assert index == weights  # not of two models
    return index


@pytest.fixture(params=["in one step", "by two renames"])
def out(request, tmp_path, monkeypatch):
    if request.param == "by two renames":
        monkeypatch.setattr(folder_swap, "_exchanged", lambda one, other: False)
    fill(tmp_path / "here" / "model", "old")
    return tmp_path / "here" / "model"


def replace(out, text):
    with replaced_folder(out, own=OWN) as new:
        fill(new, text)


def test_the_new_folder_takes_the_place_of_the_old_one(out):
    (out / "notes.txt").write_text("the user's own")
    (out / "tokenizer").mkdir()
    out.chmod(0o750)
    with replaced_folder(out, own=(*OWN, "tokenizer")) as new:
        assert text_of(out) == "old"
        fill(new, "new")
    assert text_of(out) == "new" and out.stat().st_mode & 0o777 == 0o750
    assert sorted(os.listdir(out)) == ["index", "notes.txt", "part"]  # of the old one only what is the user's
    assert os.listdir(out.parent) == ["model"]


def test_a_folder_that_stands_in_a_link_or_is_the_current_one(out, monkeypatch):
    link = out.parent.parent / "link"
    link.symlink_to(out)
    replace(link, "new")
    assert link.is_symlink() and text_of(out) == "new"
    monkeypatch.chdir(out)
    replace(folder_swap.Path("."), "newer")
    assert text_of(out) == "newer"


def test_a_failure_leaves_the_old_folder(out):
    with pytest.raises(OSError, match="full"), replaced_folder(out, own=OWN) as new:
        fill(new, "half")
        (new / "more").write_text("half")
        raise OSError("full")
    assert text_of(out) == "old" and sorted(os.listdir(out)) == ["index", "part"]
    assert os.listdir(out.parent) == ["model"]


def test_a_rename_that_fails_puts_the_old_folder_back(out, monkeypatch):
    rename = os.rename
    monkeypatch.setattr(folder_swap, "_exchanged", lambda one, other: False)

    def refused(one, other):
        if str(one).endswith("new"):
            raise OSError(16, "Device or resource busy")
        rename(one, other)

    monkeypatch.setattr(os, "rename", refused)
    with pytest.raises(OSError, match="busy"):
        replace(out, "new")
    assert text_of(out) == "old" and os.listdir(out.parent) == ["model"]


def test_a_new_folder_is_made_whole(tmp_path):
    replace(tmp_path / "deep" / "model", "new")
    assert text_of(tmp_path / "deep" / "model") == "new"
    (tmp_path / "empty").mkdir()
    replace(tmp_path / "empty", "new")
    assert text_of(tmp_path / "empty") == "new"


# Children of one process replace a folder; the Nth is killed at its Nth call that changes names.
KILLED = """
import os, signal, sys
from pathlib import Path
from mousai.storage import folder_swap
folder, way = Path(sys.argv[1]), sys.argv[2]
count = 0

def counted(call):
    def after(*arguments, **settings):
        global count
        if count == last:
            os.kill(os.getpid(), signal.SIGKILL)
        count += 1
        return call(*arguments, **settings)
    return after

for last in range(60):
    child = os.fork()
    if child == 0:
        folder_swap._exchanged = (lambda one, other: False) if way == "rename" else counted(folder_swap._exchanged)
        os.rename, os.unlink, os.rmdir, os.mkdir = map(counted, (os.rename, os.unlink, os.rmdir, os.mkdir))
        with folder_swap.replaced_folder(folder / str(last) / "model", own=("index", "part")) as new:
            (new / "part").mkdir()
            for name in ("part/weights", "index"):
                (new / name).write_text("new")
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status == 0:
        print(last)
        break
"""


@pytest.mark.parametrize("way", ["exchange", "rename"])
def test_a_kill_at_any_call_leaves_one_whole_folder_and_the_users_file(tmp_path, way):
    for last in range(60):
        fill(tmp_path / str(last) / "model", "old")
        (tmp_path / str(last) / "model" / "notes.txt").write_text("the user's own")
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), way], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    calls, found = int(done.stdout), []
    for last in range(calls):
        out = tmp_path / str(last) / "model"
        if way == "exchange":
            text_of(out)  # at no moment it lacks
        recover(out)
        sweep(out.parent, again=True)
        found.append(text_of(out))
        assert sorted(os.listdir(out)) == ["index", "notes.txt", "part"]
        assert os.listdir(out.parent) == ["model"]
    assert calls > 10 and set(found) == {"old", "new"}
