"""Lock of a run's folder: one training process per run."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mousai.errors import UserError
from mousai.storage.system import lock

LOCK = "training.lock"


@contextmanager
def run_lock(folder: Path) -> Iterator[None]:
    """Lock the folder of a run for this process; the lock of a killed process is free again at once.

    Under DDP only the first process of a machine locks it.

    Raises:
        UserError: another process trains into the folder, or the folder cannot be made.
    """
    if int(os.environ.get("LOCAL_RANK", "0")) or int(os.environ.get("NODE_RANK", "0")):
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
