"""Lock of a run's folder: one training process per run."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mousai.errors import UserError
from mousai.storage.system import lock

LOCK = "training.lock"


def is_first_process() -> bool:
    """Tell whether this is the first of the processes that share a run, on the first of its machines."""
    return not int(os.environ.get("LOCAL_RANK", "0")) and not int(os.environ.get("NODE_RANK", "0"))


@contextmanager
def run_lock(folder: Path) -> Iterator[None]:
    """Lock the folder of a run for this process; the lock of a killed process is free again at once.

    Under DDP only the first process locks it.

    Raises:
        UserError: another process trains into the folder, or the folder cannot be made.
    """
    if not is_first_process():
        yield
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / LOCK).open("a+")
    except OSError as error:
        raise UserError(folder, hint=f"cannot be made or written ({error.strerror}); give another --out") from error
    with file:
        if not lock(file, wait=False):
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise UserError(folder, hint=f"{holder} trains into it; wait for it, stop it, or give another --out")
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
        yield
