"""Names of files that are being written, and the removal of those whose writer was killed.

The name says which process writes the file: machine, process and when that process began. So the next command that
writes into the folder can tell what a dead process left from what a living one is still writing.
"""

import hashlib
import json
import os
import re
import secrets
import shutil
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from mousai.storage.system import temporary_root

PREFIX = ".mousai-"
REPLACING = ".replacing"
"""Ending of a folder in which a model folder is being replaced, see `mousai.storage.folder_swap`."""
NAME, NEW, OLD, OWN = "name", "new", "old", "own"
"""What such a folder holds."""
_NAME = re.compile(r"\.mousai-([0-9a-f]{8})-(\d+)-([0-9a-z]+)-[0-9a-f]{12}(\..*)?", re.DOTALL)
_OLD_NAME = re.compile(r"\.mousai-[0-9a-f]{12}(\..*)?", re.DOTALL)  # before names told the process
_FOREIGN_AGE = 7 * 24 * 3600.0
"""Seconds after which a file of another machine, whose processes cannot be seen from here, counts as left behind."""
_living: set[Path] = set()
_swept: set[Path] = set()


def temporary_name(suffix: str = "") -> str:
    """A name for a file or folder that this process is about to write."""
    return f"{PREFIX}{_machine()}-{os.getpid()}-{_began(os.getpid()) or '0'}-{secrets.token_hex(6)}{suffix}"


def is_temporary(name: str) -> bool:
    """Tell whether a file of this name was made by `temporary_name`."""
    return _NAME.fullmatch(name) is not None


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder for temporary files that only this user can read; gone after the block.

    It lies in the system's folder for temporary files. Unlike those of `tempfile`, it does not stay for good where the
    process is killed: the next one that asks for such a folder removes it.

    Raises:
        OSError: it cannot be made.
        UserError: there is no folder for temporary files.
    """
    around = temporary_root()
    sweep(around)
    folder = around / temporary_name(".folder")
    begin(folder)
    try:
        folder.mkdir(mode=0o700)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        end(folder)


def begin(path: Path) -> None:
    """Note that this process is writing `path`, which `remove_own` removes if the process is told to end."""
    _living.add(path)


def end(path: Path) -> None:
    """Note that it is no longer writing `path`."""
    _living.discard(path)


def remove_own() -> None:
    """Remove what this process is writing: for signal handlers that end the process at once."""
    for path in list(_living):
        if path.suffix != REPLACING:  # which may hold a model that has just been put aside
            _remove(path)


def sweep(folder: Path, *, again: bool = False) -> None:
    """Remove what dead processes left half written in a folder; nothing of living ones, and nothing of other names.

    A folder is looked through once in a process, because looking through 100,000 songs after each would take longer
    than they do.

    Args:
        folder: the folder, not those below it.
        again: look through it even if that was done.
    """
    folder = Path(os.path.abspath(folder))
    if folder in _swept and not again:
        return
    _swept.add(folder)
    try:
        left = [Path(entry.path) for entry in os.scandir(folder) if entry.name.startswith(PREFIX)]
    except OSError:
        return  # missing or unreadable: the writing that follows says so
    for path in left:
        if is_left_behind(path):
            if path.suffix == REPLACING:
                finish(path)
            else:
                _remove(path)


def is_left_behind(path: Path) -> bool:
    """Tell whether the process that was writing `path` is gone."""
    found = _NAME.fullmatch(path.name)
    if found is None:
        return _OLD_NAME.fullmatch(path.name) is not None
    machine, process, began = found[1], int(found[2]), found[3]
    if machine != _machine():
        try:
            return time.time() - path.lstat().st_mtime > _FOREIGN_AGE
        except OSError:
            return False
    now = _began(process)
    return not _is_there(process) if now is None else now != began


def finish(around: Path) -> None:
    """Finish the replacement of a folder, or undo it where it had not come to that; `around` is gone afterwards.

    What it holds may be a stranger's, who packed such a folder into an archive: nothing is moved but from it into a
    folder beside it.

    Args:
        around: the folder that `mousai.storage.folder_swap` describes.

    Raises:
        OSError: something could not be moved; nothing is lost then.
    """
    name = _written(around / NAME)
    if around.is_symlink() or not name or name != os.path.basename(name) or name in (".", ".."):
        _remove(around)  # stopped before there was anything in it, or none of ours
        return
    target, old = around.parent / name, around / OLD
    if _is_own_folder(old) and not os.path.lexists(target):
        os.rename(old, target)
    if (kept := _names_in(around / OWN)) is not None and _is_own_folder(target):
        for folder in (around / NEW, old):
            for entry in os.listdir(os.fsencode(folder)) if _is_own_folder(folder) else ():
                there = os.path.join(os.fsencode(target), entry)
                if entry not in kept and not os.path.lexists(there):
                    os.rename(os.path.join(os.fsencode(folder), entry), there)
    shutil.rmtree(around)


def _is_own_folder(path: Path) -> bool:
    """Tell whether it is a folder, and no link to one."""
    return path.is_dir() and not path.is_symlink()


def _names_in(path: Path) -> set[bytes] | None:
    """Names that a file lists; None where there is none, or it was not written to its end: nothing was moved then."""
    try:
        return {os.fsencode(name) for name in json.loads(_written(path) or "")}
    except (ValueError, TypeError, RecursionError):
        return None


def _written(path: Path) -> str | None:
    """Text of a regular file, in the encoding of file names; None where there is none."""
    try:
        return os.fsdecode(path.read_bytes()) if stat.S_ISREG(path.lstat().st_mode) else None
    except OSError:
        return None


def _remove(path: Path) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError:
        pass  # removed by another process at this moment, or not ours to remove: it stays and harms nobody


@cache
def _machine() -> str:
    """Hash of what makes a process number mean the same process: the machine, its start, and the container."""
    parts = [socket.gethostname()]
    with suppress(OSError):  # no Linux: there the machine's name tells
        parts += [Path("/proc/sys/kernel/random/boot_id").read_text(), os.readlink("/proc/self/ns/pid")]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]


def _began(process: int) -> str | None:
    """When a process began, in ticks since the start of the machine; None where the system does not say."""
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # the name of a program may hold spaces and parentheses
    return "ended" if fields[0] in "ZX" else fields[19]


def _is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        pass  # somebody else's process
    return True
