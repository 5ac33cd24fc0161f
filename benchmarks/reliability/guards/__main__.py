"""Each guard removed: the tests that fail without it, and the guards that none misses.

    python -m benchmarks.reliability.guards [--modules M ...] [--tests T ...] [--at-most N] [--out DIR]

Guards are `if … : raise …`, and calls of functions that only check. First the tests run once with a copy of the
package, and note which guards fire in them. Then each guard is removed in the test that takes the least time of those
in which it fires, and in the next one where that test does not fail, up to N of them. A guard that fires in no test is
not missed by any, since nothing would be different without it.

What was found lies in DIR: a line for each test in reached.jsonl, a line for each removal in tried.jsonl, written as it
goes, so that a run that is stopped loses nothing. A further call runs only the tests that it is given and that are new
or in a file that was changed, and tries only the guards that were not caught before. `--tests` takes what pytest takes.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.reliability.guards.find import Guard, all_guards
from benchmarks.reliability.guards.plugin import CANNOT, MODULES_LOADED, PLAN, REACHED, TRIED, stamp
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
_TRIED, _REACHED, _LOADED = "tried.jsonl", "reached.jsonl", "loaded.json"
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
    """Try guards, print those that are not missed and a table of the rooms; 1 where there are such."""
    args = parser().parse_args(arguments)
    guards = all_guards(args.sources, args.modules)
    known = _known(args)
    _run([guard for guard in guards if not known[guard.key].by], args)
    known = _known(args)
    left = [guard for guard in guards if not known[guard.key].by]
    for guard in left:
        tests = sorted(known[guard.key].tests)
        why = f"not missed by {len(tests)} tests, such as {tests[0]}" if tests else "fires in no test"
        print(f"{guard.module}:{guard.line}: {guard.place}: {guard.kind} {guard.text}: {why}")
    rooms, missed = (Counter(guard.module.split("/")[1] for guard in some) for some in (guards, left))
    print("\n| room | guards | removed, and a test fails | left |\n|---|---|---|---|")
    for room, count in sorted(rooms.items()):
        print(f"| `{room}` | {count} | {count - missed[room]} | {missed[room]} |")
    print(f"{len(guards)} guards, {len(guards) - len(left)} caught, {len(left)} left")
    return int(bool(left))


@dataclass
class _Known:
    """What is known of a guard: the test that misses it, if any, and those that do not."""

    by: str = ""
    tests: set[str] = field(default_factory=set)


def _lines(path: Path) -> list[list]:
    return list(map(json.loads, path.read_text(encoding="utf-8").splitlines())) if path.is_file() else []


def _known(args: argparse.Namespace) -> Mapping[str, _Known]:
    """Read what removals there were, by the keys of guards; a test that was changed since may miss one after all."""
    known: defaultdict[str, _Known] = defaultdict(_Known)
    for key, test, result, *when in _lines(args.out / _TRIED):
        if result not in ("passes", CANNOT):
            known[key].by = f"{test} {result}"
        elif not when or when[0] == stamp(args.root, test):
            known[key].tests.add(test if result == "passes" else f"{test} ({result})")
    return known


def _plan(wanted: Sequence[Guard], args: argparse.Namespace) -> dict[str, list[tuple[str, float]]]:
    """Tests in which each guard fires and was not removed yet, with their seconds, the quickest first."""
    known = _known(args)
    found: dict[str, dict[str, float]] = {guard.key: {} for guard in wanted if not known[guard.key].by}
    for test, when, seconds, keys in _lines(args.out / _REACHED):
        for key in keys if when == stamp(args.root, test) else ():
            if key in found and not known[key].tests & {test, f"{test} ({CANNOT})"}:
                found[key][test] = seconds
    return {key: sorted(tests.items(), key=lambda one: one[1])[: args.at_most] for key, tests in found.items() if tests}


def _run(wanted: Sequence[Guard], args: argparse.Namespace) -> None:
    """Run the tests with the copy, then remove each guard in the tests in which it fired."""
    args.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="guards-") as name:
        folder = Path(name)
        # All guards, since a test that was run once is not run again for a guard that is wanted later.
        copy_with_switches(args.sources, folder / "sources", all_guards(args.sources, args.modules))
        (folder / "fired").touch()
        loaded = {MODULES_LOADED: args.out.absolute() / _LOADED}
        _pytest(args.tests, args, folder, {**loaded, REACHED: args.out.absolute() / _REACHED, FIRED: folder / "fired"})
        plan = _plan(wanted, args)
        if plan:
            (folder / "plan").write_text(json.dumps(plan), encoding="utf-8")
            tests = sorted({test for tests in plan.values() for test, _ in tests})
            _pytest(tests, args, folder, {**loaded, TRIED: args.out.absolute() / _TRIED, PLAN: folder / "plan"})


def _pytest(tests: Sequence[str], args: argparse.Namespace, folder: Path, given: Mapping[str, Path]) -> None:
    path = os.pathsep.join([str(folder / "sources"), str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, **{key: str(value) for key, value in given.items()}, "PYTHONPATH": path}
    # Threads do not live on in a fork.
    environment["OMP_NUM_THREADS"] = "1"
    words = [sys.executable, "-m", "pytest", "-p", _PLUGIN, "-p", "no:cacheprovider", "-q", "-m", "not slow"]
    # In a file, since there may be thousands of them.
    (folder / "tests").write_text("\n".join(tests), encoding="utf-8")
    began = time.monotonic()
    subprocess.run([*words, f"@{folder / 'tests'}"], cwd=args.root, env=environment, check=False)
    print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
