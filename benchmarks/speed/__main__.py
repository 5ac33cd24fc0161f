"""How fast is it? Against the authors' library, against the machine, and with the length of the music.

    hatch run bench:all [--only stage1 peak] [--quick] [--threads N] [--repeats N] [--no-compile] [--out DIR]

Every figure is the median of runs that take turns, ours and theirs, in one process, with the same weights. Sections are
independent: `--only` measures some and keeps the others' figures that stand in results.json.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch

from benchmarks.speed import against, busy, machine, numbers, report, use
from benchmarks.speed.children import ROOT
from benchmarks.speed.measure import Figure, Settings
from benchmarks.speed.measure import machine as described
from mousai.dtype import bfloat16_gain

SECTIONS: dict[str, Callable[[Settings], Iterator[Figure]]] = {
    "stage1": against.stage1,
    "stage2": against.stage2,
    "training": against.training,
    "cascade": against.cascade,
    "peak": machine.peak,
    "profile": machine.profile,
    "long": machine.long,
    "growth": use.growth,
    "startup": use.startup,
    "busy": busy.busy,
    "training-memory": busy.training_memory,
    "numbers": numbers.numbers,
}


def parser() -> argparse.ArgumentParser:
    """Parser of the command line."""
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS), metavar="SECTION", help="which")
    top.add_argument("--quick", action="store_true", help="miniature sizes, to see that it runs; means nothing")
    top.add_argument("--threads", type=int, help="of torch (default: its own)")
    top.add_argument("--repeats", type=int, default=7, help="runs of each side, at most (default: %(default)s)")
    top.add_argument("--budget", type=float, default=60.0, help="seconds after which no round is begun (%(default)s)")
    top.add_argument("--compile", action=argparse.BooleanOptionalAction, help="compiled nets too (not with --quick)")
    top.add_argument(
        "--bfloat16",
        action=argparse.BooleanOptionalAction,
        help="bfloat16 too (default: where it is half as fast)",
    )
    top.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "speed")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write."""
    args = parser().parse_args(arguments)
    if args.threads is not None:
        torch.set_num_threads(args.threads)
    gain = bfloat16_gain(torch.device("cpu"))
    settings = Settings(
        quick=args.quick,
        repeats=1 if args.quick else args.repeats,
        budget=args.budget,
        compile=not args.quick if args.compile is None else args.compile,
        bfloat16=gain > 0.5 if args.bfloat16 is None else args.bfloat16,
    )
    if not settings.bfloat16:
        print(f"float32 alone: bfloat16 multiplies {gain:.2g} times as fast here", file=sys.stderr)
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / "results.json"
    figures = report.read(path)
    for section in args.only:
        began = time.perf_counter()
        found = []
        for figure in SECTIONS[section](settings):
            found.append(figure)
            print(f"{section:9}", report.table([figure]).splitlines()[-1], file=sys.stderr, flush=True)
        figures = [one for one in figures if one.section != section] + found
        figures.sort(key=lambda one: list(SECTIONS).index(one.section))
        report.write(path, figures, described())
        print(f"{section:9} {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    print(", ".join(f"{key} {value}" for key, value in described().items()))
    print(report.table(figures))
    report.plot(figures, args.out / "speed.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
