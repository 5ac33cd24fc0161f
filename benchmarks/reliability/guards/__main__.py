"""Each guard removed once: the tests that fail without it, and the guards that none misses.

    python -m benchmarks.reliability.guards [--modules M ...] [--tests T ...] [--at-most N] [--out DIR]

Guards are `if … : raise …`, and calls of functions that only check. The tests run once with a copy of the package.
After each test, it is run again for each guard that fired in it, this time without that guard, until a test fails, or N
tests did not. A guard that fires in no test is not missed by any, since nothing would be different without it.

What was found lies in DIR/tried.jsonl, a line for each removal, written as it goes, so that a run that is stopped loses
nothing. A further call tries only the guards that were not caught before, with the tests that it is given. `--tests`
takes what pytest takes.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.reliability.guards.find import Guard, all_guards
from benchmarks.reliability.guards.plugin import AT_MOST, TRIED, WANTED
from benchmarks.reliability.guards.scratch import FIRED, copy_with_switches

ROOT = Path(__file__).parents[3]
SOURCES = ROOT / "packages" / "mousai" / "src"
ROOMS = ("arguments.py", "audio", "callbacks.py", "cli", "codec.py", "composing.py", "conditioning", "convert", "data")
ROOMS += ("device.py", "diffusion", "dtype.py", "editing.py", "exact", "output.py", "pipeline.py", "regions.py")
ROOMS += ("request.py", "sampling_config.py", "server", "settings.py", "storage", "streaming", "verbs")
MODULES = tuple(f"mousai/{name}" for name in ROOMS)
"""What reads what others wrote, and what checks what a user asked for: all but training, composing and evaluating."""
TESTS = ("storage", "convert", "data", "audio", "conditioning", "diffusion", "editing", "pipeline", "streaming")
TESTS += ("cli", "server")
_TRIED = "tried.jsonl"
_PLUGIN = "benchmarks.reliability.guards.plugin"


def parser() -> argparse.ArgumentParser:
    """Parser of the command line."""
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--sources", type=Path, default=SOURCES, metavar="DIR", help="folder of sources")
    top.add_argument("--modules", nargs="+", default=list(MODULES), metavar="M", help="modules or folders below it")
    tests = [*(f"tests/mousai/{name}" for name in TESTS), *map(str, sorted((ROOT / "tests/mousai").glob("test_*.py")))]
    top.add_argument("--tests", nargs="+", default=tests, metavar="T", help="files and folders of tests")
    top.add_argument("--at-most", type=int, default=10, metavar="N", help="tests in which a guard is removed")
    top.add_argument("--root", type=Path, default=ROOT, metavar="DIR", help="folder in which pytest runs")
    top.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "guards", metavar="DIR")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Try guards, print those that are not missed; 1 where there are such."""
    args = parser().parse_args(arguments)
    guards = all_guards(args.sources, args.modules)
    known = _known(args.out)
    _run([guard for guard in guards if not known[guard.key].by], args)
    known = _known(args.out)
    left = [guard for guard in guards if not known[guard.key].by]
    for guard in left:
        tests = sorted(known[guard.key].tests)
        why = f"not missed by {len(tests)} tests, such as {tests[0]}" if tests else "fires in no test"
        print(f"{guard.module}:{guard.line}: {guard.place}: {guard.kind} {guard.text}: {why}")
    print(f"{len(guards)} guards, {len(guards) - len(left)} caught, {len(left)} left")
    return int(bool(left))


@dataclass
class _Known:
    """What is known of a guard: the test that misses it, if any, and those that do not."""

    by: str = ""
    tests: set[str] = field(default_factory=set)


def _known(out: Path) -> Mapping[str, _Known]:
    """Read what removals there were, by the keys of the guards."""
    known: defaultdict[str, _Known] = defaultdict(_Known)
    lines = (out / _TRIED).read_text(encoding="utf-8").splitlines() if (out / _TRIED).is_file() else []
    for key, test, result in map(json.loads, lines):
        if result == "passes":
            known[key].tests.add(test)
        elif result == "cannot be run in a fork":
            known[key].tests.add(f"{test} ({result})")
        else:
            known[key].by = f"{test} {result}"
    return known


def _run(wanted: Sequence[Guard], args: argparse.Namespace) -> None:
    """Run the tests with the copy, and note each removal."""
    args.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="guards-") as name:
        folder = Path(name)
        files = {FIRED: folder / "fired", WANTED: folder / "wanted", TRIED: args.out.absolute() / _TRIED}
        files[FIRED].touch()
        files[WANTED].write_text(json.dumps([guard.key for guard in wanted]), encoding="utf-8")
        copy_with_switches(args.sources, folder / "sources", wanted)
        path = os.pathsep.join([str(folder / "sources"), str(ROOT), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, **{key: str(value) for key, value in files.items()}, "PYTHONPATH": path}
        words = [sys.executable, "-m", "pytest", "-p", _PLUGIN, "-p", "no:cacheprovider", "-q", "--durations=0"]
        environment[AT_MOST] = str(args.at_most)
        # Threads do not live on in a fork.
        environment["OMP_NUM_THREADS"] = "1"
        words += ["-m", "not slow", *args.tests]
        began = time.monotonic()
        subprocess.run(words, cwd=args.root, env=environment, check=False)
        print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
