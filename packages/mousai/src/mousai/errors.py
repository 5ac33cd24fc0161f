"""The error that is meant for the person at the keyboard."""

import argparse
import errno
import functools
import math
import re
from collections.abc import Callable, Mapping
from os import PathLike, fsdecode, fspath
from shlex import quote
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system says where a disk is full, or may not take more from this user."""
READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
"""What the system says where a disk or a folder may not be written."""


_MOST = 2000
"""Letters of a value that a line shows; a file or a caller may give megabytes."""


class UserError(ValueError):
    """Something the user can put right: an argument, a setting, a file, a missing program.

    It prints as one line, `field=value: hint`, or `field: hint` where there is no value to show. The command line
    prints that line without a traceback, with its own name for the field. Nobody parses the line: ask the attributes.

    `UserError("a whole sentence")` is for a message that has no field; its `field` and `value` are None.

    Args:
        field: name of the argument or setting as it is in Python (`num_inference_steps`, `loop.max_steps`), or the path
            of the file that is wrong.
        value: value of the field; None where it is missing, too long, or not the point.
        hint: what is wrong with it, and what would do.
    """

    field: str | None
    value: object
    hint: str

    def __init__(self, field: str | PathLike[str], value: object = None, hint: str | None = None) -> None:
        name = field if isinstance(field, str) else str(fspath(field))
        if hint is None:
            if value is not None:
                raise TypeError(f"UserError({name!r}, {value!r}): a value needs a hint that says what would do")
            super().__init__(name)  # one argument, so that pickle and PyTorch's workers make the same error again
            self.field, self.value, self.hint = None, None, name
        else:
            super().__init__(name, value, hint)
            self.field, self.value, self.hint = name, value, hint

    def __str__(self) -> str:
        """The one line, in the words of Python."""
        return _one_line(self._named("=", str if isinstance(self.value, PathLike) else repr))

    def in_options(self, options: Mapping[str, str]) -> str:
        """The one line, in the words of the command line.

        Args:
            options: field -> option, or name of the positional argument; other fields are said as in Python.
        """
        if self.field is None or self.field not in options:
            line = str(self)
        else:
            line = self._named(" ", lambda value: quote(str(value)), options[self.field])
        # A hint may name other arguments: those that are no plain words, such as `init_audio`, are options there too.
        others = {name: option for name, option in options.items() if "_" in name and option.startswith("--")}
        for name, option in others.items():
            line = re.sub(rf"(?<![\w./-]){name}(?![\w=])", option, line)
        return _one_line(line)

    def _named(self, equals: str, written: Callable[[object], str], name: str | None = None) -> str:
        if self.field is None:
            return self.hint
        name = self.field if name is None else name
        if self.value is None:
            return f"{name}: {self.hint}"
        number = isinstance(self.value, float)
        if isinstance(self.value, int) and abs(self.value) >= 2**256:  # which Python may even refuse to write out
            return f"{name}: a number of about {int(abs(self.value).bit_length() * 0.30103)} digits; {self.hint}"
        shown = f"{self.value:g}" if number else clipped(written(self.value), most=_MOST)
        return f"{name}{equals}{shown}: {self.hint}"


def is_finite(value: Any) -> bool:
    """Tell whether a number is finite and small enough for a float; `math.isfinite` raises for one of 400 digits."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def options_of(parser: argparse.ArgumentParser) -> dict[str, str]:
    """Map each name under which a value is stored to the option that sets it, for a parser and all below it.

    The names are those of arguments in Python (`num_inference_steps`), so that a `UserError` about one can be said in
    the words of the command line (`--steps`). Positional arguments keep their name. `parser.set_defaults(options=...)`
    adds more of these, for settings that are not arguments of the parser.
    """
    found: dict[str, str] = dict(parser.get_default("options") or {})
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                found |= options_of(below)
        elif action.dest != argparse.SUPPRESS:
            found[action.dest] = next((name for name in action.option_strings if name.startswith("--")), action.dest)
    return found


def of_system(error: OSError) -> str:
    """The one line of an error that the system reports: the file, if it names one, and the reason."""
    reason = error.strerror or str(error)
    named = isinstance(error.filename, str | bytes | PathLike)
    return _one_line(f"{clipped(fsdecode(error.filename))}: {reason}" if named else reason)


def clipped(name: str, *, most: int = 80) -> str:
    """Return a text that may be of any length as a line can show it."""
    return name if len(name) <= most else f"{name[:most]}… ({len(name)} letters)"


def install_hint(extra: str) -> str:
    """Command that installs the dependencies of an extra, for hints.

    The packages are on no index yet, so that this is done in a clone of the repository.
    """
    return (
        "in a clone of the repository: pip install packages/unet1d packages/vdiffusion packages/dmae "
        f"'packages/mousai[{extra}]'"
    )


def printable(text: str) -> str:
    """Text of a stranger's file as a terminal may show it: control characters and unpaired surrogates are escaped.

    A terminal obeys them: they move the cursor, rename the window, hide text or turn its direction around. Spaces and
    letters of every script stay as they are.
    """
    return "".join(letter if letter == " " or letter.isprintable() else _escaped(letter) for letter in text)


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode()


def _one_line(text: str) -> str:
    """A text in one line that ends: what a file or a caller gave may be megabytes, and a hint repeats it."""
    line = " ".join(text.split())
    if len(line) > 2 * _MOST:
        line = f"{line[:_MOST]}… ({len(line)} letters) …{line[-_MOST // 2 :]}"
    return printable(line)


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
    asked = "" if found is None else f": {_size(found[1], found[2])} more are needed at once"
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


def _size(number: str, unit: str) -> str:
    if unit.lower() != "bytes":
        return f"{number} {unit}"
    size = float(number)
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
