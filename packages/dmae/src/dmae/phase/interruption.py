"""A say in the middle of long work: whether phases are still wanted."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_checks: ContextVar[tuple[Callable[[], object], ...]] = ContextVar("checks of phase iterations", default=())


@contextmanager
def interruptible(check: Callable[[], object]) -> Iterator[None]:
    """Context in which `check()` is called before every iteration of Griffin-Lim, of this thread (or task) alone.

        with interruptible(raise_if_canceled):
            model.decode(latent)

    A sampler tells its steps by a callback, whose error ends it. Between two of those lie all iterations of a long
    window; here they end as well. Contexts may lie in each other: the checks of all of them are called, the outer
    ones first.

    Args:
        check: function whose error ends the work, and is the error of the call; what it returns does not matter.
    """
    token = _checks.set((*_checks.get(), check))
    try:
        yield
    finally:
        _checks.reset(token)


def heed_interruption() -> None:
    """Call the checks of the contexts around; what they raise is raised."""
    for check in _checks.get():
        check()
