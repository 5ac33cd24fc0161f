"""How well does `mousai serve` carry many clients? Failures, wrong bytes, throughput over the pipeline's own, memory.

    python -m benchmarks.serving [--only moments memory load] [--clients 1 4 16] [--seconds 300] [--out serving.json]

Three parts, each with a server of its own, in a process of its own:

- moments: seconds from a request to the sound of a piece and to the first sound of a live session; from a cancel to the
  end of its job; from a SIGTERM, while a piece is made, to the exit (`serving_moments`).
- memory: of the server, resident megabytes after a tenth of many requests for cheap pieces, and after all.
- load: many clients at once.

For the load the pieces are first made by the pipeline alone, in this process: their bytes are what the server has to
send, and their rate is what its throughput is compared with. Then so many clients at once ask the server for pieces,
one after the other. Each client asks for one of a few seeds in turn, so that all bytes are known.

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
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from benchmarks.server_process import server_process
from benchmarks.serving_moments import (
    cancel_to_free,
    click_to_sound,
    live_to_sound,
    memory_of,
    memory_over_requests,
    sigterm,
)
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


def moments(words: list[str], environment: dict[str, str], *, repeats: int, duration: float) -> dict[str, Any]:
    """Waits for sound, cancel and SIGTERM, each asked for several times; the first request warms the server up."""
    with server_process(words, env=environment) as (server, address):
        ask(address, 1.0, 0)
        pieces = [round(click_to_sound(address, PROMPT, duration, seed), 2) for seed in range(repeats)]
        live = [round(live_to_sound(address, PROMPT, seed), 2) for seed in range(repeats)]
        cancels: dict[str, list[float]] = {}
        for seconds in (duration, 10 * duration):
            for stage in ("latent_diffusion", "decoder"):
                waits = [0.15 * number for number in range(repeats)]
                found = [cancel_to_free(address, PROMPT, seconds, stage, wait) for wait in waits]
                cancels[f"{seconds:g} s, {stage}"] = [round(one, 2) for one in found if one is not None]
        end = sigterm(server, address, PROMPT, duration)
    return {"piece_to_sound": pieces, "live_to_sound": live, "cancel_to_free": cancels, "sigterm": end}


def memory(words: list[str], environment: dict[str, str], requests: int) -> dict[str, Any]:
    """Memory of a server after a tenth of the requests and after all."""
    with server_process(words, env=environment) as (server, address):
        first, last, seconds = memory_over_requests(address, server.pid, requests, requests // 10, PROMPT)
    share = round(last / first, 3)
    return {"requests": requests, "early": round(first), "end": round(last), "share": share, "seconds": round(seconds)}


def loads(words: list[str], environment: dict[str, str], args: argparse.Namespace) -> dict[str, Any]:
    """What so many clients at once get, beside what the pipeline makes alone."""
    want, alone = expected(args.model, args.duration, max(args.alone, SEEDS))
    print(f"the pipeline alone: {alone:.3f} pieces of {args.duration:g} s a second", flush=True)
    rows = []
    with server_process(words, env=environment) as (server, address):
        ask(address, args.duration, 0)
        for clients in args.clients:
            row = load(address, server.pid, clients, args.seconds, args.duration, want)
            row["share"] = round(row["per_second"] / alone, 3)
            rows.append(row)
            print(json.dumps(row), flush=True)
    return {"alone_per_second": alone, "rows": rows}


PARTS = ("moments", "memory", "load")


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS, help="parts to measure (default: all)")
    parser.add_argument("--model", metavar="DIR", help="folder of a model (default: the bundled one)")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="moments: how often each is measured")
    parser.add_argument("--moment", type=float, default=20.0, metavar="S", help="moments: seconds of a piece")
    parser.add_argument("--requests", type=int, default=1000, metavar="N", help="memory: how many")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16], metavar="N")
    parser.add_argument("--seconds", type=float, default=300.0, metavar="S", help="load: of each number of clients")
    parser.add_argument("--duration", type=float, default=10.0, metavar="S", help="load: seconds of a piece")
    parser.add_argument("--alone", type=int, default=12, metavar="N", help="load: pieces that the pipeline makes alone")
    parser.add_argument("--out", type=Path, metavar="FILE")
    args = parser.parse_args()
    words = [] if args.model is None else ["--model", args.model]
    # As many threads as here: another number of them may add up in another order, and last bits would differ.
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    measure: dict[str, Callable[[], dict[str, Any]]] = {
        "moments": lambda: moments(words, environment, repeats=args.repeats, duration=args.moment),
        "memory": lambda: memory(words, environment, args.requests),
        "load": lambda: loads(words, environment, args),
    }
    result: dict[str, Any] = {"threads": torch.get_num_threads()}
    for part in PARTS:
        if part in args.only:
            result[part] = measure[part]()
            print(json.dumps({part: result[part]}), flush=True)
    if args.out is not None:
        args.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
