"""Where systems differ: folders for caches, locks of files, and standard streams that may be missing."""

import atexit
import os
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import IO


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
        return Path(tempfile.gettempdir()) / f"mousai-{owner}" / name


def lock(file: IO[str], *, wait: bool) -> bool:
    """Lock an open file for this process until it is closed; False where another process has it.

    A system without such locks (Windows) is told of once, in one line, and goes on without them.

    Args:
        file: the file.
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
    return True


@cache
def _say_unlocked() -> None:
    if sys.stderr is not None:
        print(
            "mousai: this system has no file locks; see to it that no second process writes to the same place",
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
