"""Too little memory as one line: how much more was asked for, and which argument asks for less."""

import functools
import re
from collections.abc import Callable
from typing import Any, TypeVar

from mousai.errors import UserError

F = TypeVar("F", bound=Callable[..., Any])

_SIZE = re.compile(r"(?:tried to allocate|unable to allocate) ([\d.]+) ?(bytes|[KMGTP]?i?B)\b", re.IGNORECASE)
_SIGNS = (
    *("can't allocate memory", "not enough memory", "out of memory", "bad_alloc", "unable to allocate"),
    # oneDNN's, which PyTorch hands on.
    *("could not create a memory object", "cannot allocate memory"),
)


class OutOfMemory(UserError):
    """A request that needs more memory than there is; the next, smaller one works in the same process."""


def out_of_memory(error: BaseException, helps: str) -> OutOfMemory | None:
    """The line of an error that says that memory has run out, of Python, NumPy or PyTorch; None for any other error.

    Args:
        error: the error; these libraries tell of memory in its text alone.
        helps: what would need less.
    """
    text = str(error)
    if not isinstance(error, MemoryError) and not any(sign in text.lower() for sign in _SIGNS):
        return None
    found = _SIZE.search(text)
    asked = "" if found is None else f": {_shown(found[1], found[2])} more are needed at once"
    return OutOfMemory(f"too little memory{asked}; {helps}")


def tells_memory(helps: str) -> Callable[[F], F]:
    """Let a function raise `OutOfMemory` where memory runs out, and hold nothing of what it had made by then.

    Args:
        helps: what would need less, such as "give a shorter duration".
    """

    def changed(function: F) -> F:
        @functools.wraps(function)
        def told(*args: Any, **kwargs: Any) -> Any:
            try:
                return function(*args, **kwargs)
            except (MemoryError, RuntimeError) as error:
                line = out_of_memory(error, helps)
                if line is None:
                    raise
            # Outside of `except`: an error that knew the first one would keep all that its frames hold.
            raise line

        return told  # type: ignore[return-value]

    return changed


def _shown(number: str, unit: str) -> str:
    if unit.lower() != "bytes":
        return f"{number} {unit}"
    size = float(number)
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
