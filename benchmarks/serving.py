"""What `mousai serve` carries: waits for sound, cancel and SIGTERM; memory; many clients beside the pipeline alone.

    python -m benchmarks.serving [--only moments memory load] [--clients 1 4 16] [--seconds 300] [--out serving.json]

Three parts, each with a server of its own, in a process of its own:

- moments: seconds from a request to the sound of a piece and to the first sound of a live session; from a cancel to the
  end of its job; from a SIGTERM, while a piece is made, to the exit.
- memory: of the server, resident megabytes after a tenth of many requests for cheap pieces, and after each further one.
- load: many clients at once, each of which asks for one piece after the other. Failures are answers that are no sound
  (a full queue is none: the client waits as `Retry-After` says), wrong are sounds whose bytes are not the pipeline's,
  and the share is pieces a second over those of the pipeline alone, in turns with it.
"""

import argparse
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from benchmarks.server_process import server_process
from benchmarks.serving_load import Alone, load
from benchmarks.serving_moments import (
    answer,
    cancel_to_free,
    click_to_sound,
    live_to_sound,
    memory_over_requests,
    sigterm,
)

PROMPT = "calm piano pop, 100 bpm"


def moments(words: list[str], environment: dict[str, str], args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Waits for sound, cancel and SIGTERM, each asked for several times; the first request warms the server up."""
    repeats, duration = range(args.repeats), args.moment
    with server_process(words, env=environment) as (server, address):
        answer(address, "/v1/audio/generations", {"prompt": PROMPT, "duration": 1.0, "seed": 0})
        yield {"piece_to_sound": [round(click_to_sound(address, PROMPT, duration, seed), 2) for seed in repeats]}
        yield {"live_to_sound": [round(live_to_sound(address, PROMPT, seed), 2) for seed in repeats]}
        for seconds in (duration, 5 * duration):
            for stage in ("latent_diffusion", "decoder"):
                found = [cancel_to_free(address, PROMPT, seconds, stage, 0.13 * number) for number in repeats]
                ended = [round(one, 2) for one in found if one is not None]
                yield {f"cancel_to_free, {seconds:g} s, {stage}": ended}
        yield {"sigterm": sigterm(server, address, PROMPT, duration)}


def memory(words: list[str], environment: dict[str, str], args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Memory of a server after a tenth of the requests and after all."""
    with server_process(words, env=environment) as (server, address):
        early = None
        for requests, megabytes in memory_over_requests(address, server.pid, args.requests, PROMPT):
            early = megabytes if early is None else early
            share = round(megabytes / early, 3)
            yield {"requests": requests, "early": round(early), "end": round(megabytes), "share": share}


def loads(words: list[str], environment: dict[str, str], args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """What so many clients at once get, beside what the pipeline makes alone."""
    alone, given = Alone(args.model, PROMPT, args.duration), {"prompt": PROMPT, "duration": args.duration}
    with server_process(words, env=environment) as (server, address):
        answer(address, "/v1/audio/generations", given)
        how = {"seconds": args.seconds, "beside": args.alone}
        for clients in args.clients:
            for row in load(address, server.pid, alone, given, clients=clients, **how):
                yield {f"{clients} clients": row}


Part = Callable[[list[str], dict[str, str], argparse.Namespace], Iterator[dict[str, Any]]]
PARTS: dict[str, Part] = {"moments": moments, "memory": memory, "load": loads}


def main() -> None:
    """Measure, and print and write the figures as they come."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=PARTS, nargs="+", default=list(PARTS), help="parts to measure (default: all)")
    parser.add_argument("--model", metavar="DIR", help="folder of a model (default: the bundled one)")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="moments: how often each is measured")
    parser.add_argument("--moment", type=float, default=20.0, metavar="S", help="moments: seconds of a piece")
    parser.add_argument("--requests", type=int, default=1000, metavar="N", help="memory: how many")
    parser.add_argument(
        "--clients", type=int, nargs="+", default=[1, 4, 16], metavar="N", help="load: how many at once"
    )
    parser.add_argument("--seconds", type=float, default=300.0, metavar="S", help="load: of each number of clients")
    parser.add_argument("--duration", type=float, default=10.0, metavar="S", help="load: seconds of a piece")
    parser.add_argument("--alone", type=float, default=90.0, metavar="S", help="load: that the pipeline works alone")
    parser.add_argument("--out", type=Path, metavar="FILE")
    args = parser.parse_args()
    words = [] if args.model is None else ["--model", args.model]
    # As many threads as here: another number of them may add up in another order, and last bits would differ.
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    result: dict[str, dict[str, Any]] = {}
    for name in args.only:
        result[name] = {"threads": torch.get_num_threads()}
        for found in PARTS[name](words, environment, args):
            busy = [round(one, 1) for one in os.getloadavg()]  # whether other work ran meanwhile
            result[name] |= {**found, "load_average": busy}
            print(json.dumps({name: found, "load_average": busy}), flush=True)
            if args.out is not None:
                args.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
