"""What does half a minute of music cost? Ours beside Stable Audio 3 small, MusicGen small and Stable Audio Open.

    hatch run bench:peers [--only bundled paper] [--quick] [--threads N] [--repeats N] [--out DIR]

Each model has random weights in its released sizes (speed does not depend on them) and a process of its own. Of its
parts a unit is timed (a step, a few frames, a whole decoding) and counted as often as a piece takes it. Loading is not
counted. `--only` measures some and keeps the others' results that stand in peers.json.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.peers import report
from benchmarks.peers.models import MODELS
from benchmarks.speed.children import ROOT
from benchmarks.speed.measure import machine
from mousai.dtype import bfloat16_gain


def parser() -> argparse.ArgumentParser:
    """Parser of the command line."""
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--only", nargs="+", choices=MODELS, default=list(MODELS), metavar="MODEL", help="which")
    top.add_argument("--quick", action="store_true", help="miniature sizes, to see that it runs; means nothing")
    top.add_argument("--duration", type=float, default=30.0, help="seconds of music, at most 47 (default: %(default)s)")
    top.add_argument(
        "--threads",
        type=int,
        default=1,
        help="of torch; with one (default) seconds are those of the CPU, with more of the clock",
    )
    top.add_argument("--repeats", type=int, default=3, help="runs of what takes little (default: %(default)s)")
    top.add_argument(
        "--bfloat16",
        action=argparse.BooleanOptionalAction,
        help="all in bfloat16 (default: where it is half as fast again as float32)",
    )
    top.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "peers")
    return top


def measured(name: str, threads: int, **settings: Any) -> dict[str, Any]:
    """What a child process tells of a model; what it says meanwhile goes to stderr.

    Raises:
        RuntimeError: it failed.
    """
    command = [sys.executable, "-m", "benchmarks.peers.child", name, json.dumps(settings)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, cwd=ROOT, env=environment)
    if done.returncode:
        raise RuntimeError(f"{name} failed with exit status {done.returncode}")
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write."""
    top = parser()
    args = top.parse_args(arguments)
    if not 1 <= args.duration <= 47:
        top.error(f"argument --duration: must be 1 to 47 seconds, not {args.duration:g}")
    if args.threads < 1 or args.repeats < 1:
        top.error("arguments --threads and --repeats: must be 1 or more")
    music, threads = (1.0 if args.quick else args.duration), args.threads
    torch.set_num_threads(threads)
    gain = bfloat16_gain(torch.device("cpu"))
    bfloat16 = gain > 1.5 if args.bfloat16 is None else args.bfloat16
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / "peers.json"
    results = {one.name: one for one in report.read(path, music=music, threads=threads)}
    about = {**machine(), "dtype": "bfloat16" if bfloat16 else "float32"}
    for name in args.only:
        told = measured(
            name, threads, seconds=music, repeats=1 if args.quick else args.repeats, bfloat16=bfloat16, quick=args.quick
        )
        results[name] = report.Result.of(name, told, music=music, threads=threads)
        report.write(path, list(results.values()), about)
    found = list(results.values())
    print(", ".join(f"{key} {value}" for key, value in about.items()))
    counted = "CPU seconds of one thread" if threads == 1 else f"seconds by the clock, {threads} threads"
    print(f"{music:g} s of music; {counted}\n\n{report.table(found)}\n\n{report.units(found)}\n\n{report.LIMITS}")
    report.plot(found, args.out / "peers.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
