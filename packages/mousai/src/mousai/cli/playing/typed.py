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


def prompt_source() -> int | None:
    """Return the file descriptor of standard input; `None` without one. A terminal is read in the foreground alone."""
    try:
        descriptor = sys.stdin.fileno()
        behind = os.isatty(descriptor) and hasattr(os, "tcgetpgrp") and os.tcgetpgrp(descriptor) != os.getpgrp()
    except (AttributeError, OSError, ValueError):  # no standard input, or a closed one
        return None
    return None if behind else descriptor


def start_reading(descriptor: int, told: Callable[[str], None]) -> None:
    """Read in a thread and call `told` with every line that is not empty; the end of the input ends nothing else."""
    threading.Thread(target=_read, args=(descriptor, told), name="mousai-prompts", daemon=True).start()


def change_prompt(stream: "MusicStream", line: str) -> str:
    """Make a line the prompt of a stream; return what there is to say about it."""
    from mousai.cli.common.shared import check_text

    try:
        check_text("prompt", line)
        change = stream.update(prompt=line)
    except UserError as error:
        return f"mousai: {error}; the music goes on as it is"
    return f"{change}: {line}"


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
