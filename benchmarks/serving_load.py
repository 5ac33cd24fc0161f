"""Many clients at once of `mousai serve`, beside the pipeline alone; `benchmarks/serving.py` is the command.

Each client asks for one of a few seeds in turn, so that the bytes that have to come are known: those of the pipeline in
this process. Other work on the machine slows down whatever runs beside it, so the pipeline and the server are measured
in turns, and CPU time too, which other work hardly changes.
"""

import tempfile
import threading
import time
import urllib.error
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.processes import cpu_of
from benchmarks.serving_moments import answer, memory_of
from mousai import Mousai

SEEDS = 4
ROUNDS = 5
FORMAT = "wav"


class Alone:
    """The pipeline in this process, which makes the pieces that clients ask for.

    Args:
        model: folder of it; None: the bundled one.
        prompt: of all pieces.
        duration: of all pieces, seconds.
    """

    def __init__(self, model: str | None, prompt: str, duration: float) -> None:
        self.pieces, self.seconds, self.cpu_seconds = 0, 0.0, 0.0
        self.bytes: dict[int, bytes] = {}
        self._name = "bundled" if model is None else Path(model).resolve().name
        self._pipe = Mousai.from_pretrained(model)
        self._pipe.set_progress_bar_config(disable=True)
        self._prompt, self._duration = prompt, duration
        for seed in range(SEEDS):  # the first is slower
            self.bytes[seed] = self._piece(seed)

    def make(self, seconds: float) -> None:
        """Make pieces, one after the other, for so long, and count the time."""
        begun, used = time.perf_counter(), time.process_time()
        while time.perf_counter() - begun < seconds:
            self._piece(self.pieces % SEEDS)
            self.pieces += 1
        self.seconds += time.perf_counter() - begun
        self.cpu_seconds += time.process_time() - used

    def _piece(self, seed: int) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"piece.{FORMAT}"
            self._pipe(self._prompt, duration=self._duration, seed=seed).save(path, metadata={"model": self._name})
            return path.read_bytes()


@dataclass
class Tally:
    """What the clients of one run have got."""

    right: int = 0
    wrong: int = 0
    failures: list[str] = field(default_factory=list)
    refused: int = 0
    waits: list[float] = field(default_factory=list)


def client(
    address: str, given: dict[str, Any], number: int, until: float, want: dict[int, bytes], tally: Tally
) -> None:
    """Ask for one piece after the other until the time is over."""
    turn = number
    while time.perf_counter() < until:
        seed, turn, begun = turn % SEEDS, turn + 1, time.perf_counter()
        try:
            got = answer(address, "/v1/audio/generations", {**given, "seed": seed, "response_format": FORMAT})
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 429:
                    tally.refused += 1
                    time.sleep(float(error.headers["Retry-After"]))
                else:
                    tally.failures.append(f"{error.code} {error.read()[:200]!r}")
            continue
        except OSError as error:
            tally.failures.append(repr(error))
            continue
        tally.waits.append(time.perf_counter() - begun)
        if got == want[seed]:
            tally.right += 1
        else:
            tally.wrong += 1


def load(
    address: str, process: int, alone: Alone, given: dict[str, Any], *, clients: int, seconds: float, beside: float
) -> Iterator[dict[str, Any]]:
    """Let so many clients ask for so long, in rounds before which the pipeline works alone; gives all figures so far.

    Args:
        address: of the server.
        process: its process.
        alone: the pipeline.
        given: body of a request, without seed and format.
        clients: number of them.
        seconds: that they ask, all rounds together.
        beside: seconds that the pipeline works alone, all rounds together.
    """
    tally, passed, used = Tally(), 0.0, 0.0
    alone.pieces, alone.seconds, alone.cpu_seconds = 0, 0.0, 0.0
    memory = [round(memory_of(process))]
    for _ in range(ROUNDS):
        alone.make(beside / ROUNDS)
        begun, before = time.perf_counter(), cpu_of(process)
        until = begun + seconds / ROUNDS
        threads = [
            threading.Thread(target=client, args=(address, given, number, until, alone.bytes, tally), daemon=True)
            for number in range(clients)
        ]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        passed += time.perf_counter() - begun
        used += cpu_of(process) - before
        memory.append(round(memory_of(process)))
        waits, made = sorted(tally.waits), tally.right + tally.wrong
        rate, alone_rate = made / passed, alone.pieces / alone.seconds
        yield {
            "seconds": round(passed, 1),
            "pieces": made,
            "failures": len(tally.failures),
            "failed": tally.failures[:5],
            "wrong": tally.wrong,
            "refused": tally.refused,
            "per_second": round(rate, 4),
            "alone_per_second": round(alone_rate, 4),
            "share": round(rate / alone_rate, 3),
            "cpu_per_piece": round(used / max(made, 1), 3),
            "alone_cpu_per_piece": round(alone.cpu_seconds / alone.pieces, 3),
            "median_wait": round(waits[len(waits) // 2], 2) if waits else None,
            "longest_wait": round(waits[-1], 2) if waits else None,
            "memory": memory,
        }
