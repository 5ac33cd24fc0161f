"""How well does `mousai serve` carry many clients? Failures, wrong bytes, throughput over the pipeline's own, memory.

    python -m benchmarks.serving [--clients 1 4 16] [--seconds 300] [--duration 10] [--out serving.json]

First the pieces are made by the pipeline alone, in this process: their bytes are what the server has to send, and their
rate is what its throughput is compared with. Then a server is started in a process of its own, and so many clients at
once ask for pieces, one after the other. Each client asks for one of a few seeds in turn, so that all bytes are known.

- failures: answers that are no sound. A full queue is none: the client waits as `Retry-After` says.
- wrong: sounds whose bytes are not the pipeline's.
- throughput: pieces a second over those of the pipeline.
- CPU time: seconds of the server for each piece, which other work on the machine hardly changes.
- memory: of the server, in megabytes, after the first tenth of the requests and at the end.
"""

import argparse
import json
import os
import tempfile
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from benchmarks.server_process import server_process
from mousai import Mousai

PROMPT = "calm piano pop, 100 bpm"
SEEDS = 4
FORMAT = "wav"


@dataclass
class Tally:
    """What the clients of one run have got."""

    right: int = 0
    wrong: int = 0
    failures: list[str] = field(default_factory=list)
    refused: int = 0
    waits: list[float] = field(default_factory=list)


def expected(model: str | None, duration: float, pieces: int) -> tuple[dict[int, bytes], float]:
    """Bytes of the pieces by seed, and how many the pipeline makes a second."""
    pipe = Mousai.from_pretrained(model)
    pipe.set_progress_bar_config(disable=True)
    found: dict[int, bytes] = {}
    with tempfile.TemporaryDirectory() as folder:
        pipe(PROMPT, duration=duration, seed=0)  # the first is slower
        begun = time.perf_counter()
        for piece in range(pieces):
            path = Path(folder) / f"{piece}.{FORMAT}"
            name = "bundled" if model is None else Path(model).resolve().name
            pipe(PROMPT, duration=duration, seed=piece % SEEDS).save(path, metadata={"model": name})
            found[piece % SEEDS] = path.read_bytes()
        rate = pieces / (time.perf_counter() - begun)
    return found, rate


def ask(address: str, duration: float, seed: int) -> bytes:
    """A piece from the server."""
    body = {"prompt": PROMPT, "duration": duration, "seed": seed, "response_format": FORMAT}
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{address}/v1/audio/generations", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=600) as response:
        return bytes(response.read())


def client(address: str, duration: float, number: int, until: float, want: dict[int, bytes], tally: Tally) -> None:
    """Ask for one piece after the other until the time is over."""
    turn = number
    while time.perf_counter() < until:
        seed, turn, begun = turn % SEEDS, turn + 1, time.perf_counter()
        try:
            got = ask(address, duration, seed)
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


def memory_of(process: int) -> float:
    """Resident megabytes of a process, on Linux."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS:"))) / 1024


def cpu_of(process: int) -> float:
    """Seconds of CPU time that a process has used, on Linux."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(
    address: str, process: int, clients: int, seconds: float, duration: float, want: dict[int, bytes]
) -> dict[str, Any]:
    """Let so many clients ask for so long."""
    tally, begun, used = Tally(), time.perf_counter(), cpu_of(process)
    threads = [
        threading.Thread(target=client, args=(address, duration, number, begun + seconds, want, tally))
        for number in range(clients)
    ]
    for one in threads:
        one.start()
    early = None
    while any(one.is_alive() for one in threads):
        time.sleep(0.2)
        if early is None and time.perf_counter() - begun > seconds / 10:
            early = memory_of(process)
    passed = time.perf_counter() - begun
    waits, used = sorted(tally.waits), cpu_of(process) - used
    pieces = tally.right + tally.wrong
    return {
        "clients": clients,
        "seconds": round(passed, 1),
        "pieces": pieces,
        "failures": len(tally.failures),
        "failed": tally.failures[:5],
        "wrong": tally.wrong,
        "refused": tally.refused,
        "per_second": pieces / passed,
        "cpu_per_piece": round(used / pieces, 2) if pieces else None,
        "median_wait": round(waits[len(waits) // 2], 2) if waits else None,
        "memory_early": None if early is None else round(early),
        "memory_end": round(memory_of(process)),
    }


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", metavar="DIR", help="folder of a model (default: the bundled one)")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16], metavar="N")
    parser.add_argument(
        "--seconds", type=float, default=300.0, metavar="S", help="how long each number of clients asks"
    )
    parser.add_argument("--duration", type=float, default=10.0, metavar="S", help="seconds of a piece")
    parser.add_argument("--alone", type=int, default=12, metavar="N", help="pieces that the pipeline makes alone")
    parser.add_argument("--out", type=Path, metavar="FILE")
    args = parser.parse_args()
    want, alone = expected(args.model, args.duration, max(args.alone, SEEDS))
    print(f"the pipeline alone: {alone:.3f} pieces of {args.duration:g} s a second", flush=True)
    words = [] if args.model is None else ["--model", args.model]
    # As many threads as here: another number of them may add up in another order, and last bits would differ.
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    with server_process(words, env=environment) as (server, address):
        ask(address, args.duration, 0)
        rows = []
        for clients in args.clients:
            row = load(address, server.pid, clients, args.seconds, args.duration, want)
            row["share"] = round(row["per_second"] / alone, 3)
            rows.append(row)
            print(json.dumps(row), flush=True)
        server.terminate()
        code = server.wait(timeout=60)
    result = {"alone_per_second": alone, "exit_code": code, "rows": rows}
    if args.out is not None:
        args.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
