"""A process that runs cases of one target, one after the other, and writes down what it found.

    python -m benchmarks.reliability.fuzz_worker TARGET SEED FIRST END WORK

It is started by `benchmarks.reliability.fuzz`, which watches it from outside: what kills this process, or makes it wait
for ever, is a fault of the case whose number stands in `WORK/progress`.
"""

import json
import mmap
import os
import random
import resource
import shutil
import struct
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from benchmarks.reliability.targets import TARGETS
from benchmarks.reliability.targets.base import Target, check_line
from mousai.errors import UserError

MORE_MEMORY = 2 * 2**30
"""Bytes of address space that cases may take beyond what the process has when it begins."""
MOST_SECONDS = 10.0
"""Seconds of computing above which a case counts as a hang."""
MOST_GROWTH = 512 * 2**20
"""Bytes by which the memory of the process may grow."""
PROGRESS = struct.Struct("=qdqqd")
"""Number of the case that runs, when it began, how many were taken and refused, and the longest time of one."""


def main(target: str, seed: int, first: int, end: int, work: Path) -> None:
    """Run cases `first` to `end` of a target; see the module."""
    (work / "samples").mkdir(parents=True, exist_ok=True)
    with open(work / "progress", "r+b") as file, mmap.mmap(file.fileno(), PROGRESS.size) as progress:
        subject = TARGETS[target](work / "samples")
        limit_memory()
        memory, descriptors = peak_memory(), len(os.listdir("/proc/self/fd"))
        counts, longest, place = [0, 0], 0.0, work / "case"
        for index in range(first, end):
            PROGRESS.pack_into(progress, 0, index, time.monotonic(), *counts, longest)
            if not place.exists():
                place.mkdir()
            began = time.process_time()
            fault, refused, case = run_case(subject, target, seed, index, place)
            spent = time.process_time() - began
            longest = max(longest, spent)
            if fault is None and spent > MOST_SECONDS:
                fault = f"hang: took {spent:.1f} s"
            if fault is None and (grown := peak_memory() - memory) > MOST_GROWTH:
                fault, memory = f"memory: grew by {grown >> 20} MiB", peak_memory()
            if fault is None and (opened := len(os.listdir("/proc/self/fd"))) > descriptors + 16:
                fault, descriptors = f"descriptors: {opened} are open", opened
            if fault is not None:
                write_fault(work, place, index, fault, case)
            counts[refused] += 1
            if os.listdir(place):  # texts have no files
                shutil.rmtree(place)
        PROGRESS.pack_into(progress, 0, end, time.monotonic(), *counts, longest)
        (work / "memory").write_text(str(peak_memory() - memory))


def write_fault(work: Path, place: Path, index: int, fault: str, case: Any) -> None:
    """Write down that a case has a fault, and keep its files; `benchmarks.reliability.fuzz` reads both.

    Args:
        work: folder of results.
        place: folder of the case.
        index: number of the case.
        fault: what is wrong.
        case: what there is beside its files.
    """
    with open(work / "faults.jsonl", "a", encoding="utf-8") as faults:
        faults.write(json.dumps([index, fault]) + "\n")
    (place / ".case.json").write_text(json.dumps(case))
    shutil.copytree(place, work / "kept" / str(index))


def run_case(subject: Target, target: str, seed: int, index: int, place: Path) -> tuple[str | None, bool, Any]:
    """Run one case; return what is wrong, if anything, whether it was refused, and what there is beside its files."""
    return run_drawn(subject, random.Random(f"{seed} {target} {index}"), place)


def run_drawn(subject: Target, rng: random.Random, place: Path) -> tuple[str | None, bool, Any]:
    """Run the case that is drawn; see `run_case`."""
    case = subject.make(rng, place)
    try:
        return None, not subject.run(case, place), case
    except UserError as error:
        try:
            check_line(error)
        except AssertionError as wrong:
            return f"message: {wrong}", True, case
        return None, True, case
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # Rust's panics are no Exception
        lines = "".join(traceback.format_exception(error))
        return f"{type(error).__name__}: {str(error)[:300]}\n{lines[-6000:]}", True, case


def limit_memory() -> None:
    """Allow this process so much more address space than it has."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MORE_MEMORY, resource.RLIM_INFINITY))


def peak_memory() -> int:
    """Most bytes that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    name, *numbers, folder = sys.argv[1:]
    main(name, *map(int, numbers), Path(folder))
