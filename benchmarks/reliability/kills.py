"""Random kills over whole commands: every file old or new, nothing left behind, the work goes on to the same end."""

import os
import random
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from benchmarks.reliability.forks import Ended, Forks, group_of, lives
from benchmarks.reliability.jobs import JOBS, Job, fresh, leftovers_in, odd_files, prepare, state
from benchmarks.reliability.servers import kill_servers
from mousai.storage.leftovers import PREFIX

_SHARES = {
    "generate": 6,
    "edit": 6,
    "encode": 7,
    "data encode": 7,
    "data shard": 7,
    "train": 4,
    "export": 5,
    "serve": 4,
    "compose": 4,
}
COMMANDS = tuple(_SHARES)
"""Commands that are killed."""
SIGNALS = ("SIGKILL", "SIGTERM")
"""Signals that end them: the one that cannot be seen coming, and the one that asks to end."""
_LAST_SONG = 30.0
"""Seconds in which the processes that a command started must be gone too."""


@dataclass
class Killed:
    """Result of the kills of one command.

    Args:
        name: name of the command.
        kills: processes that were killed before they had ended.
        writing: those of them that were writing a file at that moment.
        faults: what was found that must not be.
        signal: name of the signal.
    """

    name: str
    kills: int = 0
    writing: int = 0
    faults: list[str] = field(default_factory=list)
    signal: str = "SIGKILL"


def kill_all(
    kills: int, *, seed: int, folder: Path, only: Sequence[str] = COMMANDS, signals: Sequence[str] = SIGNALS
) -> Iterator[Killed]:
    """Kill commands at random moments, look at what they leave, let the next command go on; results as they come.

    Args:
        kills: number of kills of all commands together, with each signal.
        seed: seed of the moments.
        folder: folder to work in.
        only: names of commands.
        signals: names of signals.
    """
    whole = sum(_SHARES[name] for name in only)
    tmp = folder / "tmp"
    tmp.mkdir(parents=True)
    with Forks(tmp) as forks:
        prepare(folder / "template", forks)
        for kind in signals:
            rng = random.Random(f"{seed} {kind}")
            for name in only:
                one, count = Killed(name, signal=kind), max(1, round(kills * _SHARES[name] / whole))
                with tqdm(total=count, desc=f"{kind} {name}", unit="kill", file=sys.stderr, mininterval=10.0) as bar:
                    if name == "serve":
                        work = fresh(folder / "template", folder / "work")
                        found = kill_servers(signal.Signals[kind], count, rng, work, forks, bar.update)
                        one.kills, one.writing, one.faults = found
                    else:
                        for _ in _kill_job(one, JOBS[name], count, rng, folder, forks):
                            bar.update()
                            yield one  # so far, because this takes long, and may be stopped
                yield one


def _kill_job(one: Killed, job: Job, count: int, rng: random.Random, folder: Path, forks: Forks) -> Iterator[None]:
    """Kill a command so many times, and note in `one` what comes of it; yields after each."""
    work = fresh(folder / "template", folder / "work")
    old = state(job, work)
    forks.run(job.words, work)  # what it puts into caches takes longer than all else
    fresh(folder / "template", work)
    began = time.monotonic()
    ended = forks.run(job.words, work)
    took = time.monotonic() - began
    new = state(job, work)
    if ended.code or not new:
        raise RuntimeError(f"{one.name} does not run: {ended}")
    for _ in range(8 * count):  # some end before they are killed
        if one.kills == count:
            break
        fresh(folder / "template", work)
        begun = forks.begin(job.words, work)
        _wait(begun[0], rng, took, [work, *(work / name for name in job.own)])
        writing = bool(leftovers_in(work))
        # Both happen: a terminal and a full memory end one process, a service manager the whole group.
        with suppress(ProcessLookupError):
            (os.killpg if rng.random() < 0.5 else os.kill)(begun[0], signal.Signals[one.signal])
        ended = forks.end(begun)
        if ended.code == 0:
            continue
        faults = [*_wrong_end(one.signal, ended), *_stay(begun[0])]
        if one.signal != "SIGKILL":
            faults += [f"left behind: {path}" for path in leftovers_in(work, forks.tmp)]
        faults += odd_files(job, state(job, work), old, new)
        ended = forks.run(job.words, work)
        if ended.code:
            faults.append(f"the next command fails: {ended.code} {ended.err[-500:]}")
        after = state(job, work)
        if after != new:
            odd = sorted(key for key in after.keys() | new.keys() if after.get(key) != new.get(key))
            faults.append(f"another end than without it: {', '.join(odd)}")
        faults += [f"left behind by both: {path}" for path in leftovers_in(work, forks.tmp)]
        one.kills += 1
        one.writing += writing
        one.faults += [f"kill {one.kills}: {what}" for what in faults]
        yield


def _wrong_end(name: str, ended: Ended) -> list[str]:
    """What is wrong with how a command ended that got a signal."""
    number = signal.Signals[name]
    # Before a command has begun, and after its end, nothing is there to be put right, and the signal ends it at once.
    right = {-number} if number == signal.SIGKILL else {-number, 128 + number}
    found = [] if ended.code in right else [f"exit code {ended.code}: {ended.err[-300:]!r}"]
    return found + (["a traceback: " + ended.err[-300:]] if "Traceback" in ended.err else [])


def _stay(leader: int) -> list[str]:
    """Processes of a command that outlive it."""
    limit = time.monotonic() + _LAST_SONG
    while (left := group_of(leader)) and time.monotonic() < limit:
        time.sleep(0.01)
    for process in left:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    return [f"its process {process} stays" for process in left]


def _wait(process: int, rng: random.Random, took: float, folders: list[Path]) -> None:
    """Wait for a random moment of the run, or, every other time, for a random moment of its writing."""
    until = time.monotonic() + rng.uniform(0.0, took)
    if rng.random() < 0.5:
        time.sleep(max(0.0, until - time.monotonic()))
        return
    skip = rng.randrange(4)  # files that are written before that one
    seen: set[str] = set()
    limit = time.monotonic() + 3 * took
    while time.monotonic() < limit and lives(process):
        for folder in folders:
            with suppress(OSError):  # not made yet
                seen.update(name for name in os.listdir(folder) if name.startswith(PREFIX))
        if len(seen) > skip:
            break
        time.sleep(0.002)
    time.sleep(rng.uniform(0.0, 0.005))
