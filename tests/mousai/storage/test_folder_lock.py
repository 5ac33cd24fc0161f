"""One process at a time writes into a folder; another waits, says so, and leaves nothing."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mousai.storage import system
from mousai.storage.system import folder_lock

HOLDING = """
import sys, time
from pathlib import Path
from mousai.storage.system import folder_lock
with folder_lock(Path(sys.argv[1])):
    print("has it", flush=True)
    if sys.argv[2] == "waits":
        time.sleep(60)
"""


def holder(folder, then):
    return subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(folder), then], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_a_second_process_waits_until_the_first_is_gone(tmp_path):
    folder = tmp_path / "deep" / "cache"
    with holder(folder, "waits") as first:
        assert first.stdout is not None and first.stdout.readline() == "has it\n"
        with holder(folder, "ends") as second:
            assert second.stderr is not None and second.stdout is not None
            assert second.stderr.readline() == f"mousai: waiting for another process that writes into {folder}\n"
            assert second.poll() is None
            first.send_signal(signal.SIGKILL)  # its lock goes with it
            assert second.stdout.readline() == "has it\n" and second.wait() == 0
    assert os.listdir(folder) == []


def test_a_failure_frees_it(tmp_path, capsys):
    for _ in range(2):
        with pytest.raises(ValueError, match="no song"), folder_lock(tmp_path):
            raise ValueError("no song")
    with folder_lock(tmp_path):
        pass
    assert capsys.readouterr().err == ""


def locks_that_fail(monkeypatch, code):
    import fcntl

    def refused(file, how):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refused)


def test_a_lock_that_fails_otherwise_is_the_systems_error(tmp_path, monkeypatch):
    locks_that_fail(monkeypatch, errno.EIO)
    with pytest.raises(OSError, match="Input/output error"), folder_lock(tmp_path):
        pytest.fail("went on without a lock")


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EBADF, errno.ENOTSUP])
def test_a_drive_without_locks_is_told_of_once(tmp_path, monkeypatch, capsys, code):
    locks_that_fail(monkeypatch, code)
    system._say_unlocked.cache_clear()
    for _ in range(2):
        with folder_lock(tmp_path):
            pass
    system._say_unlocked.cache_clear()
    said = capsys.readouterr().err
    assert said == "mousai: there are no file locks here; see to it that no second process writes to the same place\n"


def test_a_folder_that_cannot_be_made_is_the_systems_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"Not a directory|File exists"), folder_lock(Path(tmp_path / "file" / "cache")):
        pass
