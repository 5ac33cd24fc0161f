"""Random kills over whole commands: every file old or new, nothing left behind, the work goes on to the same end."""

import json
import os
import random
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks.reliability.forks import Forks
from benchmarks.reliability.jobs import JOBS, Job, fresh, leftovers_in, prepare, state
from mousai.storage.leftovers import PREFIX

_SHARES = {
    "generate": 8,
    "edit": 8,
    "encode": 10,
    "data encode": 10,
    "data shard": 10,
    "train": 4,
    "export": 4,
    "serve": 4,
    "compose": 2,
}
COMMANDS = tuple(_SHARES)
"""Commands that are killed."""
_SERVE = ("serve", "--port", "0", "--model", "model", "--dtype", "float32", "--device", "cpu")


@dataclass
class Killed:
    """Result of the kills of one command.

    Args:
        name: name of the command.
        kills: processes that were killed before they had ended.
        writing: those of them that were writing a file at that moment.
        faults: what was found that must not be.
        seconds: how long it took.
    """

    name: str
    kills: int = 0
    writing: int = 0
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0


def kill_all(kills: int, *, seed: int, folder: Path, only: list[str] | None = None) -> Iterator[Killed]:
    """Kill commands at random moments, look at what they leave, let the next command go on; results as they come.

    Args:
        kills: number of kills of all commands together.
        seed: seed of the moments.
        folder: folder to work in.
        only: names of commands; by default all.
    """
    rng = random.Random(seed)
    names = list(_SHARES) if only is None else only
    whole = sum(_SHARES[name] for name in names)
    tmp = folder / "tmp"
    tmp.mkdir(parents=True)
    with Forks(tmp) as forks:
        prepare(folder / "template", forks)
        for name in names:
            count, began = max(1, round(kills * _SHARES[name] / whole)), time.monotonic()
            with tqdm(total=count, desc=f"killing {name}", unit="kill", file=sys.stderr, mininterval=10.0) as bar:
                one = Killed(name)
                if name == "serve":
                    _kill_servers(one, count, rng, folder, forks, bar.update)
                else:
                    _kill_job(one, JOBS[name], count, rng, folder, forks, bar.update)
            one.seconds = time.monotonic() - began
            yield one


def _kill_job(
    one: Killed, job: Job, count: int, rng: random.Random, folder: Path, forks: Forks, step: Callable[[], object]
) -> None:
    work = fresh(folder / "template", folder / "work")
    old = state(job, work)
    began = time.monotonic()
    ended = forks.run(job.words, work)
    took = time.monotonic() - began
    new = state(job, work)
    if ended.code or not new:
        raise RuntimeError(f"{one.name} does not run: {ended}")
    for _ in range(4 * count):  # some end before they are killed
        if one.kills == count:
            break
        fresh(folder / "template", work)
        begun = forks.begin(job.words, work)
        _wait(begun[0], rng, took, [work, *(work / name for name in job.own)])
        with suppress(ProcessLookupError):
            os.killpg(begun[0], signal.SIGKILL)
        if forks.end(begun).code != -signal.SIGKILL:
            continue
        one.kills += 1
        step()
        one.writing += bool(leftovers_in(work))
        one.faults += [f"kill {one.kills}: {what}" for what in _odd(job, state(job, work), old, new)]
        ended = forks.run(job.words, work)
        if ended.code:
            one.faults.append(f"kill {one.kills}: the next command fails: {ended.code} {ended.err[-500:]}")
        after = state(job, work)
        if after != new:
            odd = sorted(key for key in after.keys() | new.keys() if after.get(key) != new.get(key))
            one.faults.append(f"kill {one.kills}: another end than without it: {', '.join(odd)}")
        one.faults += [f"kill {one.kills}: left behind: {path}" for path in leftovers_in(work, forks.tmp)]


def _wait(process: int, rng: random.Random, took: float, folders: list[Path]) -> None:
    """Wait for a random moment of the run, or, every other time, for a random moment of its writing."""
    until = time.monotonic() + rng.uniform(0.0, took)
    if rng.random() < 0.5:
        time.sleep(max(0.0, until - time.monotonic()))
        return
    skip = rng.randrange(4)  # files that are written before that one
    seen: set[str] = set()
    limit = time.monotonic() + 3 * took
    while time.monotonic() < limit and _lives(process):
        for folder in folders:
            with suppress(OSError):  # not made yet
                seen.update(name for name in os.listdir(folder) if name.startswith(PREFIX))
        if len(seen) > skip:
            break
        time.sleep(0.002)
    time.sleep(rng.uniform(0.0, 0.005))


def _lives(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def _odd(job: Job, now: dict[str, Any], old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Files that are neither the old one nor the new one."""
    changed = [path for path, facts in now.items() if facts not in (old.get(path), new.get(path))]
    # What is written anew in each run, such as an index that grows, is compared at the end.
    grows = ("index.json", "config.json", "model.json", "bad_files.json", "bad.json", "metadata.jsonl")
    changed = [
        path
        for path in changed
        if path in new or now[path] == "half" or not any(fnmatch(path, one) for one in job.between)
    ]
    odd = [f"{path} is neither old nor new" for path in changed if not path.endswith(grows)]
    return odd + [f"{path} is gone" for path in old if path not in now]


def _kill_servers(
    one: Killed, count: int, rng: random.Random, folder: Path, forks: Forks, step: Callable[[], object]
) -> None:
    work = fresh(folder / "template", folder / "work")
    for number in range(count + 1):
        begun = forks.begin(_SERVE, work)
        address = _address(begun[1])
        stores = [path for path in forks.tmp.iterdir() if path.name.startswith(PREFIX)]
        if len(stores) != 1:
            one.faults.append(f"kill {number}: {len(stores)} stores beside one living server")
        if number == count:
            os.killpg(begun[0], signal.SIGTERM)
            if forks.end(begun).code:
                one.faults.append("the last server does not end with 0")
            break
        made = _ask(address, number)
        time.sleep(rng.uniform(0.0, 0.5))
        os.killpg(begun[0], signal.SIGKILL)
        forks.end(begun)
        one.kills += 1
        one.writing += made
        step()
    one.faults += [f"left behind: {path}" for path in leftovers_in(work, forks.tmp)]


def _address(streams: Path) -> str:
    """Address that a server says; RuntimeError where it says none within two minutes."""
    limit = time.monotonic() + 120
    while time.monotonic() < limit:
        with suppress(OSError):
            lines = Path(f"{streams}.out").read_text().splitlines()
            if any(line == "mousai: ready" for line in lines):
                return lines[0].split()[1]
        time.sleep(0.05)
    raise RuntimeError(f"the server is not ready: {Path(f'{streams}.err').read_text()}")


def _ask(address: str, seed: int) -> bool:
    """Ask a server for a piece, and do not wait for it; tell whether it was taken."""
    body = json.dumps({"input": {"prompt": "calm piano pop", "duration": 2.0, "seed": seed}}).encode()
    headers = {"Content-Type": "application/json", "Prefer": "respond-async"}
    request = urllib.request.Request(f"{address}predictions", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return bool(answer.status < 300)
    except urllib.error.HTTPError:
        return False
