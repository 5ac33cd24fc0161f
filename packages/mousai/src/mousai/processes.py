"""Signals that end a program, worker processes that end with their parent, and threads that wait asleep."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from mousai.storage.leftovers import remove_own

_ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))

_received: list[int] = []
"""Signals that came since a command began."""


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP, which end a command as Ctrl-C does: what it was writing is removed.

    Args:
        number: number of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


@contextmanager
def signals_interrupt() -> Iterator[None]:
    """Raise `Terminated` on SIGTERM and SIGHUP inside the block, in place of the program's end on the spot.

    A signal that is ignored (nohup) or has a handler keeps it. Does nothing outside of the main thread.
    """
    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.getsignal(number) for number in _ENDING}
        before = {number: handler for number, handler in before.items() if handler is signal.SIG_DFL}
    for number in before:
        signal.signal(number, _interrupt)
    _received.clear()
    try:
        yield
    except Exception as error:
        if _received:  # libraries in C lose what is raised inside them, and report something else
            raise Terminated(_received[0]) from error
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def exit_code(stopped: KeyboardInterrupt) -> int:
    """Exit code of a command that was stopped: 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP."""
    return 128 + (stopped.number if isinstance(stopped, Terminated) else signal.SIGINT)


def wait_asleep() -> None:
    """Let the threads that share a computation sleep until there is work, where the user has not said how they wait.

    By default they spin, each on a core: beside other programs they keep the cores from the thread that they wait for.
    OpenMP reads this when PyTorch is imported, so it is said before.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def follow_parent() -> None:
    """Begin a worker process: Ctrl-C is left to the parent, and it ends when the parent is gone.

    What it is writing is removed before it ends, also on SIGTERM.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in _ENDING:
        signal.signal(number, _end_worker)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def end_with_it() -> None:
        # Without this, workers of a parent that was killed wait for their next job for ever, and keep their memory.
        parent.join()
        remove_own()
        os._exit(1)

    threading.Thread(target=end_with_it, daemon=True).start()


def _interrupt(number: int, frame: FrameType | None) -> None:
    _received.append(number)
    raise Terminated(number)


def _end_worker(number: int, frame: FrameType | None) -> None:
    remove_own()
    os._exit(128 + number)
