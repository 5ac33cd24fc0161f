"""Mutated input that a coverage-guided fuzzer chooses, for as many seconds as it is given.

    python -m benchmarks.reliability.guided [--targets T ...] [--seconds S] [--out DIR]

It needs atheris, which no environment of this repository brings: `pip install atheris`. What reached new code is kept
in DIR/guided, where the next run goes on; cases with a fault are kept in DIR/corpus.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from benchmarks.reliability.fuzz import Fuzzed, collect, environment, in_memory, keep
from benchmarks.reliability.fuzz_worker import PROGRESS
from benchmarks.reliability.table import load, markdown, of_guided, save
from benchmarks.reliability.targets import TARGETS

_LOADING = 600.0
"""Seconds beyond its time that a process may take to begin and to end."""


def parser() -> argparse.ArgumentParser:
    """Parser of the command line."""
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--targets", nargs="+", choices=TARGETS, default=list(TARGETS), metavar="TARGET", help="which")
    top.add_argument("--seconds", type=int, default=120, metavar="S", help="time for each target (%(default)s)")
    top.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "results" / "reliability", metavar="DIR")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz, print the table; 1 where there is a fault, 2 without atheris."""
    args = parser().parse_args(arguments)
    if find_spec("atheris") is None:
        print("guided.py: needs atheris; pip install atheris", file=sys.stderr)
        return 2
    for name in args.targets:
        save(args.out, of_guided(guided(name, seconds=args.seconds, out=args.out)))
    rows = load(args.out)
    print(markdown(rows))
    return int(any(row.faults for row in rows))


def guided(target: str, *, seconds: int, out: Path) -> Fuzzed:
    """Fuzz a target in a process of its own.

    Args:
        target: one of `TARGETS`.
        seconds: for how long.
        out: folder of results.

    Raises:
        RuntimeError: the process came to no case.
    """
    found, began = Fuzzed(target), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="guided-", dir=in_memory()) as folder:
        work = Path(folder)
        (work / "tmp").mkdir()
        words = [sys.executable, "-m", "benchmarks.reliability.guided_worker", target, str(seconds), str(work)]
        with open(work / "output", "wb") as output:
            done = subprocess.run(
                [*words, str(out / "guided" / target)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment(work),
                timeout=seconds + _LOADING,
                check=False,
            )
        said = (work / "output").read_text(errors="replace")[-3000:]
        if not (work / "progress").is_file():
            raise RuntimeError(f"the process for {target} does not begin:\n{said}")
        found.cases, _, found.taken, _, found.longest = PROGRESS.unpack((work / "progress").read_bytes())
        if done.returncode:
            found.faults.append((found.cases, f"crash: exit code {done.returncode}\n{said}"))
            keep(work / "case", out / "corpus" / target / "guided-crash", said)
        collect(found, work, out / "corpus" / target, prefix="guided-")
    found.seconds = time.monotonic() - began
    return found


if __name__ == "__main__":
    sys.exit(main())
