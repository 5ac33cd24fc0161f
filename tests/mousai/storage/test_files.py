"""Files are whole or not there, on a full disk too, and what dead processes left is removed."""

import errno
import os
import signal
import subprocess
import sys
import time

import pytest

from mousai import processes
from mousai.storage import leftovers
from mousai.storage.files import atomic_file, flush_folder, write_text
from mousai.storage.leftovers import is_left_behind, sweep, temporary_name

# A process that begins a file and then waits; it says where.
WRITING = """
import sys, time
from pathlib import Path
from mousai.storage.files import atomic_file
with atomic_file(Path(sys.argv[1])) as partial:
    partial.write_text("half")
    print(partial, flush=True)
    time.sleep(60)
"""


def writer(path):
    process = subprocess.Popen([sys.executable, "-c", WRITING, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout as said:
        return process, said.readline().strip()


def test_a_file_is_replaced_whole_or_left(tmp_path):
    path = tmp_path / "file.txt"
    write_text(path, "old\n")
    with pytest.raises(OSError, match="disk full"), atomic_file(path) as partial:
        partial.write_text("half")
        raise OSError("disk full")
    assert path.read_text() == "old\n" and list(tmp_path.iterdir()) == [path]


def test_a_replaced_file_keeps_its_permissions(tmp_path):
    path = tmp_path / "file.txt"
    write_text(path, "old")
    assert path.stat().st_mode & 0o777 == 0o666 & ~current_umask()
    path.chmod(0o600)
    write_text(path, "new")
    assert path.stat().st_mode & 0o777 == 0o600 and path.read_text() == "new"


def current_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_link_stays_a_link_and_one_to_nothing_is_refused(tmp_path):
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "file.txt", tmp_path / "link.txt"
    link.symlink_to(target)
    with pytest.raises(OSError, match="a link to a file that does not exist"):
        write_text(link, "new")
    assert not target.exists()
    target.write_text("old")
    write_text(link, "new")
    assert link.is_symlink() and target.read_text() == "new"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file.txt", "link.txt", "there"]


def test_a_pipe_or_a_device_is_never_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(OSError, match="no regular file"):
        write_text(tmp_path / "pipe.txt", "new")
    with pytest.raises(OSError, match="no regular file"):
        write_text(tmp_path, "new")


@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_appeared_meanwhile_is_not_replaced_unasked(tmp_path, monkeypatch, links):
    """Nor on a drive that has no hard links."""

    def no_links(old, new):
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    if not links:
        monkeypatch.setattr(os, "link", no_links)
    path = tmp_path / "file.txt"
    with pytest.raises(FileExistsError), atomic_file(path, replace=False) as partial:
        partial.write_text("mine")
        path.write_text("somebody else's")
    assert path.read_text() == "somebody else's" and list(tmp_path.iterdir()) == [path]
    path.unlink()
    with atomic_file(path, replace=False) as partial:
        partial.write_text("mine")
    assert path.read_text() == "mine" and list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_flushed_is_an_error_unless_its_system_flushes_none(tmp_path, monkeypatch):
    def fails(code):
        def fsync(descriptor):
            raise OSError(code, os.strerror(code))

        return fsync

    monkeypatch.setattr(os, "fsync", fails(errno.EINVAL))
    flush_folder(tmp_path)
    monkeypatch.setattr(os, "fsync", fails(errno.EIO))
    with pytest.raises(OSError, match="Input/output error"):
        flush_folder(tmp_path)


def test_leftovers_of_dead_processes_are_removed_and_those_of_living_ones_stay(tmp_path):
    process, partial = writer(tmp_path / "file.txt")
    try:
        sweep(tmp_path, again=True)
        assert os.path.exists(partial)
        process.kill()  # its entry stays until somebody waits for it
        time.sleep(0.1)
        sweep(tmp_path, again=True)
    finally:
        process.kill()
        process.wait()
    assert not list(tmp_path.iterdir())


def test_a_process_of_the_same_number_that_began_later_is_another(tmp_path):
    ours = tmp_path / temporary_name(".wav")
    machine, process, began, token = ours.name.removeprefix(".mousai-").split("-")
    earlier = tmp_path / f".mousai-{machine}-{process}-1-{token}"
    elsewhere = tmp_path / f".mousai-{'0' * 8}-{process}-{began}-{token}"
    foreign = tmp_path / ".mousai-notes"
    for path in (ours, earlier, elsewhere, foreign):
        path.write_text("half")
    assert [is_left_behind(path) for path in (ours, earlier, elsewhere, foreign)] == [False, True, False, False]
    long_ago = time.time() - 30 * 24 * 3600
    os.utime(elsewhere, (long_ago, long_ago))
    sweep(tmp_path, again=True)
    assert sorted(tmp_path.iterdir()) == sorted([ours, foreign])


def test_the_next_file_in_a_folder_removes_what_was_left_there(tmp_path):
    process, partial = writer(tmp_path / "file.txt")
    process.kill()
    process.wait()
    assert os.path.exists(partial)
    write_text(tmp_path / "other.txt", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["other.txt"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_removes_what_is_being_written(tmp_path, number):
    inside = WRITING.replace("with atomic_file", "with signals_interrupt(), atomic_file")
    script = f"from mousai.processes import signals_interrupt\n{inside}"
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "file.txt")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout as said:
        assert os.path.exists(said.readline().strip())
    process.send_signal(number)
    process.wait(timeout=20)
    assert not list(tmp_path.iterdir())


def test_a_worker_removes_what_it_is_writing(tmp_path):
    with atomic_file(tmp_path / "file.txt") as partial:
        leftovers.remove_own()
        assert not partial.exists()
        partial.write_text("so that the block can end")
    assert (tmp_path / "file.txt").exists()


def test_a_signal_that_a_library_loses_still_ends_the_command():
    with pytest.raises(processes.Terminated) as stopped, processes.signals_interrupt():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)
        except KeyboardInterrupt:
            raise ValueError("could not determine the shape") from None
    assert processes.exit_code(stopped.value) == 143
    with pytest.raises(ValueError, match="own"), processes.signals_interrupt():
        raise ValueError("its own")
