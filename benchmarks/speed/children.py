"""Measurements in a process of their own, so that memory and start are their own."""

import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def run_child(task: str, **arguments: float | str) -> dict[str, Any]:
    """Run `python -m benchmarks.speed.child TASK '{arguments}'` and return what it prints.

    Raises:
        RuntimeError: it failed; with what it said.
    """
    return json.loads(run([sys.executable, "-m", "benchmarks.speed.child", task, json.dumps(arguments)]).output)


@dataclass(frozen=True)
class Done:
    """A process that has ended well: what it printed, and the seconds that it took."""

    output: str
    wall: float
    cpu: float


def run(command: list[str]) -> Done:
    """Run a command in the repository's root with as many threads as this process has, which sleep while they wait.

    So do those of `mousai`'s own commands (`mousai.processes.wait_asleep`), which say it before PyTorch is imported.

    Raises:
        RuntimeError: it failed; with what it said.
    """
    import torch

    environment = {"OMP_WAIT_POLICY": "passive", **os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    before, began = _cpu_of_children(), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)
    wall = time.perf_counter() - began
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return Done(done.stdout, wall, _cpu_of_children() - before)


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
