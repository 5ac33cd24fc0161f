"""`mousai serve` in a process of its own, for benchmarks that ask it over HTTP."""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO


@contextmanager
def server_process(
    words: Sequence[str], *, env: Mapping[str, str], stderr: IO[bytes] | None = None
) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """Start a server on a free port and wait until its model is loaded; gives its process and its address.

    It is killed at the end, where it has not ended by itself.

    Args:
        words: further words of its command line.
        env: its environment.
        stderr: file of its log; by default that of this process.
    """
    command = [sys.executable, "-m", "mousai", "serve", "--port", "0", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True, env=env)
    assert process.stdout is not None
    try:
        address = process.stdout.readline().split()[1].rstrip("/")
        process.stdout.readline()  # it is ready
        yield process, address
    finally:
        process.kill()
        process.stdout.close()
        process.wait()
