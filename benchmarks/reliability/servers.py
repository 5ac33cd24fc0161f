"""Servers that are killed or told to end with a job, and those whose disk is full."""

import json
import os
import random
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.reliability.forks import Ended, Forks
from mousai.storage.leftovers import PREFIX

_SERVE = ("serve", "--port", "0", "--model", "model", "--dtype", "float32", "--device", "cpu")


@dataclass(frozen=True)
class Server:
    """A server that is ready.

    Args:
        begun: its process, as `Forks.begin` gives it.
        address: where it answers, with a slash at the end.
        forks: began it.
    """

    begun: tuple[int, Path]
    address: str
    forks: Forks

    def send(self, number: int) -> Ended:
        """Send a signal; how the server ended."""
        os.killpg(self.begun[0], number)
        return self.forks.end(self.begun)

    def ask(self, duration: float, *, wait: bool, seed: int = 0) -> tuple[int, Any]:
        """Ask for a piece; the status of the answer, and what the answer says.

        Args:
            duration: length of the piece in seconds.
            wait: wait until the piece is made.
            seed: seed of the piece.
        """
        body = {"input": {"prompt": "calm piano pop", "duration": duration, "seed": seed}}
        headers = {"Content-Type": "application/json", **({} if wait else {"Prefer": "respond-async"})}
        return self._answer(urllib.request.Request(f"{self.address}predictions", json.dumps(body).encode(), headers))

    def upload(self, data: bytes) -> tuple[int, Any]:
        """Send a WAV file; the status of the answer, and what the answer says."""
        head = (
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n'
        )
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        return self._answer(urllib.request.Request(f"{self.address}v1/files", head + data + b"\r\n--x--\r\n", headers))

    def _answer(self, request: urllib.request.Request) -> tuple[int, Any]:
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return int(answer.status), json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode(errors="replace")


@contextmanager
def serving(work: Path, forks: Forks, **given: Any) -> Iterator[Server]:
    """A server that is ready; it is gone after the block.

    Args:
        work: folder that it runs in.
        forks: begins it.
        given: see `Forks.begin`.
    """
    begun = forks.begin(_SERVE, work, **given)
    try:
        yield Server(begun, _address(begun[1]), forks)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(begun[0], signal.SIGKILL)


def kill_servers(
    number: int, count: int, rng: random.Random, work: Path, forks: Forks, step: Callable[[], object]
) -> tuple[int, int, list[str]]:
    """Send signals to servers with a job; how many, how many of them had taken one, and what must not be.

    Args:
        number: the signal.
        count: servers.
        rng: draws the moments.
        work: folder that they run in.
        forks: begins them.
        step: is called after each.
    """
    taken, faults = 0, []
    for kill in range(count):
        with serving(work, forks) as server:
            if len(_stores(forks.tmp)) != 1:
                faults.append(f"kill {kill}: {len(_stores(forks.tmp))} stores beside one living server")
            taken += server.ask(2.0, wait=False, seed=kill)[0] < 300
            time.sleep(rng.uniform(0.0, 0.5))
            ended = server.send(number)
        if ended.code != (0 if number == signal.SIGTERM else -number):
            faults.append(f"kill {kill}: exit code {ended.code}: {ended.err[-300:]!r}")
        if number == signal.SIGTERM and (left := _stores(forks.tmp)):
            faults.append(f"kill {kill}: left behind: {left}")
        step()
    with serving(work, forks) as server:  # which removes what the last one left
        ended = server.send(signal.SIGTERM)
    if ended.code or _stores(forks.tmp):
        faults.append(f"the last server: exit code {ended.code}, left behind: {_stores(forks.tmp)}")
    return count, taken, faults


def _stores(tmp: Path) -> list[Path]:
    return [path for path in tmp.iterdir() if path.name.startswith(PREFIX)]


def _address(streams: Path) -> str:
    """Address that a server says; RuntimeError where it says none within two minutes."""
    limit = time.monotonic() + 120
    while time.monotonic() < limit:
        with suppress(OSError):
            lines = Path(f"{streams}.out").read_text().splitlines()
            if any(line == "mousai: ready" for line in lines):
                return lines[0].split()[1]
        time.sleep(0.05)
    raise RuntimeError(f"the server is not ready: {Path(f'{streams}.err').read_text()}")
