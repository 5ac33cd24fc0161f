"""Replacing a model folder: the new one is written beside it and takes its place in one step.

    .mousai-….replacing/name       name of the folder
    .mousai-….replacing/new        the new one while it is written; after the exchange the old one
    .mousai-….replacing/old        the old one, where the system cannot exchange two names in one step
    .mousai-….replacing/own        names that go with the old one; written when the new one is whole

A kill leaves the old folder or the new one whole under its name. Only where two names cannot be exchanged (macOS,
network drives) there is a moment between two renames; then both are whole in `.replacing`, and the next command that
reads or writes the folder puts the old one back.
"""

import ctypes
import errno
import json
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from mousai.storage import leftovers
from mousai.storage.files import flush_folder, flush_to_disk

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


@contextmanager
def replaced_folder(out: Path, *, own: Collection[str]) -> Iterator[Path]:
    """Give a new folder to fill; it takes the place of `out` when the block ends without an error.

    What else lay in the old folder comes along, such as notes of the user. When the block fails, the new folder is
    removed and the old one is untouched. A link stays a link: the folder that it points to is replaced.

    Args:
        out: folder to make or replace.
        own: names of files and folders below `out` that belong to what is replaced, and go with it.

    Raises:
        OSError: a folder cannot be made or renamed.
    """
    target = Path(os.path.realpath(out))
    replaces = target.exists()
    target.parent.mkdir(parents=True, exist_ok=True)
    leftovers.sweep(target.parent, again=True)
    around = target.parent / leftovers.temporary_name(leftovers.REPLACING)
    leftovers.begin(around)
    try:
        around.mkdir()
        (around / leftovers.NAME).write_bytes(os.fsencode(target.name))
        new = around / leftovers.NEW
        new.mkdir()
        yield new
        for folder in (new, *(path for path in new.rglob("*") if path.is_dir())):
            flush_folder(folder)
        if replaces:
            new.chmod(target.stat().st_mode & 0o7777)
            (around / leftovers.OWN).write_text(json.dumps(sorted({*own, *os.listdir(new)})), encoding="utf-8")
            flush_to_disk(around / leftovers.OWN)
            _exchange(new, target, around / leftovers.OLD)
        else:
            os.rename(new, target)  # fails where somebody has put something there meanwhile
        flush_folder(target.parent)
    finally:
        if around.exists():
            leftovers.finish(around)
        leftovers.end(around)


def recover(folder: Path) -> None:
    """Put back a folder that is missing because its replacement was stopped between two renames."""
    if not os.path.lexists(folder):
        leftovers.sweep(Path(os.path.abspath(folder)).parent, again=True)


def _exchange(new: Path, target: Path, aside: Path) -> None:
    """Let two folders exchange their names: in one step where the system can, else by two renames."""
    if _exchanged(new, target):
        return
    os.rename(target, aside)
    try:
        os.rename(new, target)
    except OSError:
        os.rename(aside, target)
        raise


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange two names by Linux's renameat2; False where there is no such call, or not on this file system."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if os.name == "posix" else None
    if renameat2 is None:
        return False
    first, second = os.fsencode(one), os.fsencode(other)
    if not renameat2(_AT_FDCWD, ctypes.c_char_p(first), _AT_FDCWD, ctypes.c_char_p(second), _RENAME_EXCHANGE):
        return True
    code = ctypes.get_errno()
    if code in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EXDEV):
        return False
    raise OSError(code, os.strerror(code), str(other))
