"""Where systems differ: folders for caches, locks of files, and standard streams that may be missing."""

import atexit
import errno
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO

from mousai.errors import UserError

_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EBADF, errno.EINVAL)
"""What drives say that cannot lock, such as some network drives; the files that are locked are known to be open."""


def cache_folder(name: str) -> Path:
    """Folder for what can be made or fetched again: below $XDG_CACHE_HOME, or ~/.cache.

    Where a user has neither a home nor an entry in the list of users, as in many containers, it lies in the system's
    folder for temporary files.

    Args:
        name: name of the folder or file in it.
    """
    given = os.environ.get("XDG_CACHE_HOME")
    if given:
        return Path(given) / "mousai" / name
    try:
        return Path.home() / ".cache" / "mousai" / name
    except (RuntimeError, KeyError):
        owner = os.getuid() if hasattr(os, "getuid") else "user"
        return temporary_root() / f"mousai-{owner}" / name


def temporary_root() -> Path:
    """Return the system's folder for temporary files.

    Raises:
        UserError: nothing can be written in any folder that would do; one line.
    """
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError:
        hint = "no folder for temporary files can be written, perhaps because the disk is full; set it to one that can"
        raise UserError("TMPDIR", os.environ.get("TMPDIR"), hint) from None


def lock(file: IO[str] | int, *, wait: bool) -> bool:
    """Lock an open file for this process until it is closed; False where another process has it.

    A system (Windows) or a drive without such locks is told of once, in one line, and goes on without them.

    Args:
        file: the file, or the number of an open folder.
        wait: wait for the other process.
    """
    try:
        import fcntl
    except ImportError:
        _say_unlocked()
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        _say_unlocked()
    return True


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Let one process at a time write into a folder; another one waits, and says so in one line.

    Nothing is left in the folder: it is locked itself, and free again once the process is gone.

    Args:
        folder: the folder; made if it is missing.

    Raises:
        OSError: it cannot be made or read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if os.name != "posix":  # which opens no folders
        _say_unlocked()
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if not lock(descriptor, wait=False):
            if sys.stderr is not None:
                print(f"mousai: waiting for another process that writes into {folder}", file=sys.stderr, flush=True)
            lock(descriptor, wait=True)
        yield
    finally:
        os.close(descriptor)


@cache
def _say_unlocked() -> None:
    if sys.stderr is not None:
        print(
            "mousai: there are no file locks here; see to it that no second process writes to the same place",
            file=sys.stderr,
        )


def is_terminal() -> bool:
    """Tell whether messages go to somebody who watches them, and not into a file, or nowhere."""
    return sys.stderr is not None and not sys.stderr.closed and sys.stderr.isatty()


def open_missing_streams() -> None:
    """Open standard streams that are closed or missing, on nothing: what is printed there is lost, and no more.

    Their numbers are taken too. Otherwise the next file that is opened would get the number of the messages, and what C
    libraries print would go into it.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            nothing = os.open(os.devnull, os.O_RDWR)
            if nothing != number:
                os.dup2(nothing, number)
                os.close(nothing)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None or stream.closed:
            setattr(sys, name, _nothing())


@cache
def _nothing() -> IO[str]:
    stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    atexit.register(stream.close)
    return stream
