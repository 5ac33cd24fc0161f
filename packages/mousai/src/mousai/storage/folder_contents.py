"""Contents of a model folder that may be a stranger's: regular files inside of it, and no way out.

A link that leads out of the folder would have a file of the machine read as a part of the model, or copied along when
the model is saved or published. The cache of the Hugging Face hub is made of such links, and of these alone:

    models--OWNER--NAME/snapshots/COMMIT/autoencoder/config.json -> ../../../../blobs/HASH
    models--OWNER--NAME/blobs/HASH                                  a file, or a link -> ../../blobs/HH/HASH
    blobs/HH/HASH                                                   a file that several models share
"""

import os
import re
import stat
from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path

from mousai.storage.configs import CheckpointError

_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHARED = re.compile(r"[0-9a-f]{2}/[0-9a-f]{64}")


def check_contents(folder: str | PathLike[str], names: Iterable[str] | None = None) -> None:
    """Refuse a folder in which a link leads out of it, or in which a pipe or a device lies.

    The folder itself may be reached through links. Links from file to file inside of it, and those of the hub's cache,
    are followed. What does not exist is left to whoever wants to read it.

    Args:
        folder: the folder.
        names: names in it that are looked at, with all that lies below them; None for all.

    Raises:
        CheckpointError: one line that names the file.
    """
    top = os.path.realpath(folder)
    blobs = _blobs_of_the_hub(Path(top))
    for path in _below(Path(folder), names):
        if path.is_symlink():
            target = os.path.realpath(path)
            if not _is_below(target, top) and not any(pattern.fullmatch(target) for pattern in blobs):
                raise CheckpointError(
                    path, hint="is a link out of the model folder, which is not followed; copy the file"
                )
        try:
            mode = path.stat().st_mode
        except OSError:
            continue
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise CheckpointError(path, hint="is a pipe or a device, no regular file")


def _below(folder: Path, names: Iterable[str] | None) -> Iterator[Path]:
    """Everything in a folder, to the last file, without entering a link."""
    if names is None:
        try:
            names = sorted(entry.name for entry in os.scandir(folder))
        except OSError:
            return
    for name in names:
        path = folder / name
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from _below(path, None)


def _is_below(path: str, top: str) -> bool:
    return path == top or path.startswith(top.rstrip(os.sep) + os.sep)


def _blobs_of_the_hub(top: Path) -> list[re.Pattern[str]]:
    """Patterns of the files that a folder of the hub's cache may link to; none for any other folder."""
    for snapshot in (top, *top.parents):
        snapshots = snapshot.parent
        model = snapshots.parent
        if snapshots.name == "snapshots" and model.name.startswith("models--") and _COMMIT.fullmatch(snapshot.name):
            own, shared = (re.escape(f"{where / 'blobs'}{os.sep}") for where in (model, model.parent))
            hashed = r"[0-9a-zA-Z_-]+"
            separator = re.escape(os.sep)
            return [re.compile(own + hashed), re.compile(shared + _SHARED.pattern.replace("/", separator))]
    return []
