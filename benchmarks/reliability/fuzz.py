"""Mutated input by the hundred thousand: cases that crash, hang, fill the memory or raise what is no `UserError`."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from benchmarks.reliability.fuzz_worker import PROGRESS

SILENCE = 60.0
"""Seconds without a new case after which a process is killed: its case hangs."""
_LOADING = 300.0
_MOST_RESTARTS = 50


@dataclass
class Fuzzed:
    """Result of a target.

    Args:
        target: name of the target.
        cases: cases that ran.
        taken: cases that were taken for what they say.
        faults: number of a case and what is wrong with it.
        longest: seconds of computing of the slowest case.
        memory: bytes by which the process grew at most.
        seconds: how long it took.
    """

    target: str
    cases: int = 0
    taken: int = 0
    faults: list[tuple[int, str]] = field(default_factory=list)
    longest: float = 0.0
    memory: int = 0
    seconds: float = 0.0

    def count(self, kind: str) -> int:
        """Number of faults of a kind: "crash", "hang", "memory", or "error" for all others."""
        kinds = [what.partition(":")[0] for _, what in self.faults]
        if kind == "error":
            return sum(one not in ("crash", "hang", "memory", "MemoryError") for one in kinds)
        return sum(one in ((kind, "MemoryError") if kind == "memory" else (kind,)) for one in kinds)


def fuzz(target: str, *, seed: int, cases: int, corpus: Path, first: int = 0) -> Fuzzed:
    """Run cases of a target in a process of its own, which is started again after each crash and each hang.

    Args:
        target: one of `TARGETS`.
        seed: seed of all cases.
        cases: number of cases.
        corpus: folder that keeps the files of the cases with a fault.
        first: number of the first case.
    """
    found, began = Fuzzed(target), time.monotonic()
    at, end, restarts = first, first + cases, 0
    with tqdm(total=cases, desc=f"fuzzing {target}", unit="case", file=sys.stderr, mininterval=10.0) as bar:
        while at < end and restarts <= _MOST_RESTARTS:
            with tempfile.TemporaryDirectory(prefix="reliability-", dir=in_memory()) as folder:
                work = Path(folder)
                last, fault = _watched(target, seed, at, end, work, bar, found, first)
                if fault is not None:
                    found.faults.append((last, fault))
                    keep(work / "case", corpus / target / str(last), fault)
                collect(found, work, corpus / target)
            found.cases += last - at + (fault is not None)
            at, restarts = last + (fault is not None), restarts + 1
    found.seconds = time.monotonic() - began
    return found


def in_memory() -> str | None:
    """Folder whose files lie in memory, which a hundred thousand small ones need; None where there is none."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _watched(
    target: str, seed: int, at: int, end: int, work: Path, bar: "tqdm[None]", found: Fuzzed, first: int
) -> tuple[int, str | None]:
    """Run a process to its end; return the case that it came to, and what ended it there."""
    (work / "progress").write_bytes(PROGRESS.pack(at, time.monotonic() + _LOADING, 0, 0, 0.0))
    (work / "tmp").mkdir()
    words = [
        sys.executable,
        "-m",
        "benchmarks.reliability.fuzz_worker",
        target,
        str(seed),
        str(at),
        str(end),
        str(work),
    ]
    with open(work / "output", "wb") as output:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment(work),
        )
    hangs = False
    try:
        while process.poll() is None:
            time.sleep(0.5)
            index, since, *_ = PROGRESS.unpack((work / "progress").read_bytes())
            bar.update(index - first - bar.n)
            if time.monotonic() - since > SILENCE:
                process.send_signal(signal.SIGKILL)
                hangs = True
    finally:
        process.kill()
        process.wait()
    index, _, taken, refused, longest = PROGRESS.unpack((work / "progress").read_bytes())
    found.taken += taken
    found.longest = max(found.longest, longest)
    if (work / "memory").is_file():
        found.memory = max(found.memory, int((work / "memory").read_text()))
    if process.returncode == 0:
        return index, None
    said = (work / "output").read_text(errors="replace")[-3000:]
    if not taken + refused and not (work / "case").exists():
        raise RuntimeError(f"the process for {target} does not begin:\n{said}")
    return index, f"hang: no end within {SILENCE:g} s" if hangs else f"crash: exit code {process.returncode}\n{said}"


def environment(work: Path) -> dict[str, str]:
    """Environment of a process whose temporary files and caches lie in its folder, and which asks no network."""
    return {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "TMPDIR": str(work / "tmp"),
        "XDG_CACHE_HOME": str(work / "cache"),
    }


def collect(found: Fuzzed, work: Path, there: Path, *, prefix: str = "") -> None:
    """Add the faults that a process has written down to what was found, and keep the files of their cases.

    Args:
        found: what was found; changed.
        work: folder of the process.
        there: folder that keeps the cases of the target.
        prefix: of the names under which they are kept.
    """
    path = work / "faults.jsonl"
    for line in path.read_text().splitlines() if path.is_file() else ():
        index, what = json.loads(line)
        found.faults.append((index, what))
        keep(work / "kept" / str(index), there / f"{prefix}{index}", what)


def keep(files: Path, there: Path, what: str) -> None:
    """Keep the files of a case, and what is wrong with it.

    Args:
        files: folder of the case.
        there: folder in which it is kept.
        what: what is wrong.
    """
    if files.is_dir():
        shutil.copytree(files, there, dirs_exist_ok=True)
    there.mkdir(parents=True, exist_ok=True)
    (there / "fault.txt").write_text(what, encoding="utf-8")
