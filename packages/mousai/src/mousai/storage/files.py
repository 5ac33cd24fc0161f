"""Files that are written whole or not at all."""

import errno
import os
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mousai.storage import leftovers


@contextmanager
def atomic_file(path: Path, *, replace: bool = True) -> Iterator[Path]:
    """Give a path beside `path` to write to; it takes the place of `path` when the block ends without an error.

    The temporary file has the suffix of `path` and lies in the same folder, because a rename is atomic only within one
    file system. Its bytes are on the disk before it gets the name. When the block fails, the temporary file is removed
    and whatever stood at `path` is untouched. What dead processes left in the folder is removed before.

    A file that is replaced keeps its permissions, and a link stays a link: what it points to is replaced.

    Args:
        path: file to make or replace.
        replace: whether a file that stands there, or appears meanwhile, may be replaced.

    Raises:
        OSError: the folder is missing or cannot be written, the disk is full, `path` is something else than a regular
            file or a link to one, or it exists and `replace` is false.
    """
    target = _target(path)
    leftovers.sweep(target.parent)
    temporary = target.with_name(leftovers.temporary_name(target.suffix))
    leftovers.begin(temporary)
    try:
        # Created here, and not by `tempfile`, which would leave the finished file readable by its owner alone.
        with temporary.open("xb"):
            pass
        mode = stat.S_IMODE(temporary.stat().st_mode)
        yield temporary
        with suppress(FileNotFoundError):
            mode = stat.S_IMODE(target.stat().st_mode)
        temporary.chmod(mode)  # some writers (safetensors) make their file anew, readable by its owner alone
        flush_to_disk(temporary)
        _rename(temporary, target, replace=replace)
    finally:
        temporary.unlink(missing_ok=True)  # still there only after a failure
        leftovers.end(temporary)


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8, whole or not at all; line ends stay as they are.

    Raises:
        OSError: see `atomic_file`.
    """
    with atomic_file(path) as partial:
        partial.write_bytes(text.encode())


def flush_to_disk(path: Path) -> None:
    """Wait until the bytes of a file are on the disk: the last moment at which a full one tells.

    Raises:
        OSError: they cannot be written.
    """
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flush_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, where the system can do so."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return  # Windows opens no folders
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):  # of file systems that cannot
            raise
    finally:
        os.close(descriptor)


def first_foreign(folder: Path, *, own: Collection[str] = ()) -> str | None:
    """Name of something in a folder that a command did not make; None where it is missing, empty or a file.

    Args:
        folder: the folder.
        own: names that the command makes itself; hidden files count as nobody's.
    """
    if not folder.is_dir():
        return None
    names = sorted(path.name for path in folder.iterdir())
    return next((name for name in names if not name.startswith(".") and name not in own), None)


def _target(path: Path) -> Path:
    """The file that is meant by `path`, which may be a link."""
    if path.is_symlink():
        if not path.exists():
            raise OSError(errno.ENOENT, "is a link to a file that does not exist", str(path))
        path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "is a folder or a device, no regular file", str(path))
    return path


def _rename(temporary: Path, target: Path, *, replace: bool) -> None:
    if replace:
        os.replace(temporary, target)
        return
    try:
        os.link(temporary, target)  # unlike a rename, it fails where the name is taken
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
        os.replace(temporary, target)
