"""What a user can count on, counted.

    python -m benchmarks.reliability [--parts fuzz kills disk memory sharing] [--cases N] [--kills N] [--out DIR]

Parts that are not run keep the rows that they have in DIR/results.json. Cases with a fault are kept in DIR/corpus; case
I of a target is made again by `--parts fuzz --targets TARGET --seed SEED --first I --cases 1`.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.reliability import disk, memory, sharing
from benchmarks.reliability.fuzz import fuzz, in_memory
from benchmarks.reliability.kills import COMMANDS, SIGNALS, kill_all
from benchmarks.reliability.table import Row, load, markdown, of_fuzzing, of_kills, save
from benchmarks.reliability.targets import TARGETS

PARTS = ("fuzz", "kills", "disk", "memory", "sharing")


def parser() -> argparse.ArgumentParser:
    """Parser of the command line."""
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART", help="which")
    top.add_argument("--cases", type=int, default=100_000, metavar="N", help="mutated cases in all (%(default)s)")
    top.add_argument("--targets", nargs="+", choices=TARGETS, default=list(TARGETS), metavar="TARGET", help="of fuzz")
    top.add_argument("--first", type=int, default=0, metavar="I", help="number of the first case (%(default)s)")
    top.add_argument("--kills", type=int, default=210, metavar="N", help="kills with each signal (%(default)s)")
    top.add_argument("--signals", nargs="+", choices=SIGNALS, default=list(SIGNALS), metavar="S", help="of kills")
    top.add_argument(
        "--commands", nargs="+", choices=COMMANDS, default=list(COMMANDS), metavar="C", help="of kills, disk"
    )
    top.add_argument("--sizes", type=int, default=24, metavar="N", help="of a full disk, a command (%(default)s)")
    top.add_argument("--pairs", type=int, default=9, metavar="N", help="of processes, a command (%(default)s)")
    top.add_argument("--seed", type=int, default=20261129, metavar="N", help="seed of all that is drawn (%(default)s)")
    top.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "results" / "reliability")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts, print the table; 1 where there is a fault."""
    args = parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="reliability-", dir=in_memory()) as folder:
        for part in args.parts:
            for row in _rows(part, args, Path(folder) / part):
                save(args.out, row)
    rows = load(args.out)
    print(markdown(rows))
    return int(any(row.faults for row in rows))


def _rows(part: str, args: argparse.Namespace, folder: Path) -> Iterator[Row]:
    if part == "kills":
        one = kill_all(args.kills, seed=args.seed, folder=folder, only=args.commands, signals=args.signals)
        for killed in one:
            yield of_kills(killed)
    elif part == "disk":
        yield from disk.rows(args.commands, sizes=args.sizes, folder=folder)
    elif part == "memory":
        yield from memory.rows(folder)
    elif part == "sharing":
        yield from sharing.rows(args.commands, pairs=args.pairs, seed=args.seed, folder=folder)
    elif part == "fuzz":
        whole = sum(TARGETS[name].share for name in args.targets)
        for name in args.targets:
            cases = max(1, round(args.cases * TARGETS[name].share / whole))
            found = fuzz(name, seed=args.seed, cases=cases, corpus=args.out / "corpus", first=args.first)
            yield of_fuzzing(found)


if __name__ == "__main__":
    sys.exit(main())
