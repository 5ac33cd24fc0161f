"""A call of a pipeline: PyTorch's plain defaults, no gradients, memory that runs out as one line, and its own stop."""

import functools
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import torch

from mousai.device import plain_defaults
from mousai.memory import tells_memory

F = TypeVar("F", bound=Callable[..., Any])


class Interruptions:
    """Which of the calls that run, one a thread, a callback has told to stop.

    Threads that share a pipeline do not stop each other's calls: a call is stopped by its own callback, or by a thread
    that runs none, which stops all.
    """

    def __init__(self) -> None:
        self._stopped: dict[int, bool] = {}

    def begin(self) -> None:
        """Note that this thread begins a call."""
        self._stopped[threading.get_ident()] = False

    def end(self) -> None:
        """Note that this thread's call has ended."""
        self._stopped.pop(threading.get_ident(), None)

    @property
    def is_stopped(self) -> bool:
        """Whether this thread's call was told to stop."""
        return self._stopped.get(threading.get_ident(), False)

    def stop(self, value: bool) -> None:
        """Tell this thread's call to stop, or not to; from a thread without one, all calls."""
        me = threading.get_ident()
        for thread in [me] if me in self._stopped else list(self._stopped):
            self._stopped[thread] = value


def pipeline_call(method: F) -> F:
    """Make a method a call of its pipeline, which may run in several threads at once."""
    helps = "give a shorter --duration (duration), fewer pieces at once (num_waveforms_per_prompt), or --dtype bfloat16"

    @functools.wraps(method)
    @plain_defaults()
    @torch.no_grad()
    @tells_memory(helps)
    def called(self: Any, *args: Any, **kwargs: Any) -> Any:
        self._interruptions.begin()
        try:
            return method(self, *args, **kwargs)
        finally:
            self._interruptions.end()

    return called  # type: ignore[return-value]
