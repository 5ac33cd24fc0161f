"""The folder that composed songs are written into: whose it is, and one process at a time."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ..storage.files import first_foreign
from ..storage.system import folder_lock
from .annotations.files import PLACES
from .errors import ComposeError

METADATA = "metadata.jsonl"
ROWS = ".rows"
"""Folder of rows of songs that are whole, until all are."""


def check_folder(folder: Path) -> None:
    """Refuse a folder whose files are somebody else's; those of an unfinished data set have rows in `.rows`."""
    from ..audio.files import READ_SUFFIXES

    if not folder.is_dir() or (folder / METADATA).exists() or (folder / ROWS).is_dir():
        return
    for name in ("audio", "stems", *(place.partition("/")[0] for place in PLACES.values())):
        if foreign := first_foreign(folder / name):
            raise ComposeError(
                "out", folder, f"holds {name}/{foreign}, and no songs of mousai compose; choose another folder"
            )
    # A table beside them would say that they do not count.
    for name in sorted(os.listdir(folder)):
        if Path(name).suffix.lower() in READ_SUFFIXES and not name.startswith("."):
            raise ComposeError("out", folder, f"holds {name}, and no songs of mousai compose; choose another folder")


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Make the folder of songs, and wait for another process that writes into it."""
    with ExitStack() as stack:
        try:
            stack.enter_context(folder_lock(folder))
            (folder / "audio").mkdir(exist_ok=True)
            (folder / ROWS).mkdir(exist_ok=True)
        except OSError as error:
            hint = f"cannot be a folder of songs: {error.strerror}; choose another"
            raise ComposeError("out", folder, hint) from None
        yield


@contextmanager
def writing_into(folder: Path) -> Iterator[None]:
    """Writing into the folder of songs; a full disk or a folder without permission is the user's to put right."""
    try:
        yield
    except OSError as error:
        raise ComposeError("out", folder, f"cannot be written: {error.strerror or error}") from error
