"""Prompts that are typed, or come through a pipe, while the music plays."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from mousai.errors import UserError

if TYPE_CHECKING:
    from mousai.streaming import MusicStream

_BLOCK = 4096


def start_reading(told: Callable[[str], None]) -> bool:
    """Read standard input in a thread and call `told` with every line that is not empty; an end of it ends nothing.

    Returns:
        whether there is a standard input to read. Of a terminal, only the program in the foreground may.
    """
    try:
        descriptor = sys.stdin.fileno()
        readable = not os.isatty(descriptor) or not hasattr(os, "tcgetpgrp") or _in_foreground(descriptor)
    except (AttributeError, OSError, ValueError):  # no standard input, or a closed one
        return False
    if readable:
        threading.Thread(target=_read, args=(descriptor, told), name="mousai-prompts", daemon=True).start()
    return readable


def change_prompt(stream: "MusicStream", line: str, unseen: Callable[[str], str | None]) -> str:
    """Make a line the prompt of a stream; return what there is to say about it.

    Args:
        stream: what plays.
        line: the new prompt.
        unseen: gives the end of a prompt that the model does not read.
    """
    from mousai.cli.common.shared import check_text

    try:
        check_text("prompt", line)
        change = stream.update(prompt=line)
    except UserError as error:
        return f"mousai: {error}; the music goes on as it is"
    end = unseen(line)
    return f"{change}: {line}" + (f" (too long, not seen of it: {' '.join(end.split())!r})" if end else "")


def _in_foreground(terminal: int) -> bool:
    return os.tcgetpgrp(terminal) == os.getpgrp()


def _read(descriptor: int, told: Callable[[str], None]) -> None:
    for line in _lines(descriptor):
        if line.strip():
            told(" ".join(line.split()))


def _lines(descriptor: int) -> Iterator[str]:
    """Lines of a file descriptor. Not by `sys.stdin`, whose lock a waiting thread would keep from a program's end."""
    rest = b""
    while True:
        try:
            block = os.read(descriptor, _BLOCK)
        except OSError:  # the terminal is gone
            return
        *lines, rest = (rest + block).split(b"\n")
        yield from (line.decode("utf-8", "surrogateescape") for line in lines)
        if not block:
            if rest:
                yield rest.decode("utf-8", "surrogateescape")
            return
