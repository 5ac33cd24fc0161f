"""Worker processes that end with their parent."""

import multiprocessing
import os
import signal
import threading


def follow_parent() -> None:
    """Begin a worker process: Ctrl-C is left to the parent, and it ends when the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def end_with_it() -> None:
        # Without this, workers of a parent that was killed wait for their next job for ever, and keep their memory.
        parent.join()
        os._exit(1)

    threading.Thread(target=end_with_it, daemon=True).start()
