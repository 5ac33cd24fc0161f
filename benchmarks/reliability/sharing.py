"""Two processes on one output, one run, one cache; four threads with one pipeline."""

import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from tqdm import tqdm

from benchmarks.reliability.forks import Ended, Forks
from benchmarks.reliability.jobs import JOBS, fresh, leftovers_in, odd_files, prepare, state
from benchmarks.reliability.table import Row

_ROUNDS = 6
"""Calls of each kind in a thread."""
_CALLS = 4 * 4 * _ROUNDS
_THREADS = f"""
import threading
from mousai import Mousai, UserError
pipeline = Mousai.from_pretrained("model", device="cpu", dtype="float32")
pipeline.set_progress_bar_config(disable=True)
prompts = ["calm piano pop, 100 bpm", "fast metal in A minor", "slow jazz trio", "hip hop beat, 90 bpm"]
recording = pipeline(prompts[0], duration=0.5, seed=7).audios[0]

def make(k, n, kind):
    stop = (k + n) % 4 == 0  # every fourth call stops itself, and none of the others
    def callback(pipe, step, t, values):
        if stop:
            pipe._interrupt = True
        return values
    same = dict(seed=n, callback_on_step_end=callback)
    if kind == "edit":
        begin = 0.05 * (1 + k)
        same |= dict(inpaint_mask_start_seconds=begin, inpaint_mask_end_seconds=begin + 0.1)
        return pipeline(prompts[k], inpaint_audio=recording, **same).audios
    if kind == "vary":
        return pipeline(prompts[k], init_audio=recording, strength=0.3 + 0.1 * k, **same).audios
    if kind == "loop":
        return pipeline.loop(prompts[k], tempo=240.0 + 10 * k, bars=1, **same).audios
    return pipeline(prompts[k], duration=0.2 + 0.1 * k, **same).audios

calls = [(k, n, kind) for k in range(4) for n in range({_ROUNDS}) for kind in ("generate", "edit", "vary", "loop")]
alone = {{one: make(*one) for one in calls}}
wrong, right = [], []

def work(k):
    for one in [one for one in calls if one[0] == k]:
        try:
            found = make(*one)
        except UserError:
            continue  # refused
        except Exception as error:
            wrong.append((one, repr(error)))
        else:
            (right if found.shape == alone[one].shape and bool((found == alone[one]).all()) else wrong).append(one)

threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
for one in threads:
    one.start()
for one in threads:
    one.join()
assert not wrong and len(right) == len(calls), (wrong, len(right))
"""


def rows(commands: Sequence[str], *, pairs: int, seed: int, folder: Path) -> Iterator[Row]:
    """Let processes and threads use one thing at once.

    Args:
        commands: names of commands.
        pairs: pairs of processes for each command.
        seed: seed of the moments.
        folder: folder to work in.
    """
    (folder / "tmp").mkdir(parents=True)
    rng = random.Random(seed)
    with Forks(folder / "tmp") as forks:
        prepare(folder / "template", forks)
        for name in tqdm([name for name in commands if name in JOBS], desc="pairs of processes", file=sys.stderr):
            yield _Pairs(name, folder, forks, rng).row(pairs)
        threads = forks.run((), folder / "template", code=_THREADS)
        faults = [threads.err[-600:]] if threads.code else []
        yield Row("sharing", "calls in four threads", _CALLS, "each result that of a call alone", faults)


class _Pairs:
    """Two processes of one command on the same files.

    Args:
        name: name of the command.
        folder: folder that holds the template.
        forks: runs them.
        rng: draws the moments.
    """

    def __init__(self, name: str, folder: Path, forks: Forks, rng: random.Random) -> None:
        self.name, self.job, self.folder, self.forks, self.rng = name, JOBS[name], folder, forks, rng
        self.work = fresh(folder / "template", folder / "work")
        self.old = state(self.job, self.work)
        began = time.monotonic()
        ended = forks.run(self.job.words, self.work)
        self.took = time.monotonic() - began
        self.alone = state(self.job, self.work)
        if ended.code or not self.alone:
            raise RuntimeError(f"{name} does not run: {ended}")
        self.winners = [0, 0]  # pairs of which one won, and of which both did

    def row(self, pairs: int) -> Row:
        """Try so many pairs, the last of which are killed in part."""
        faults = []
        for turn in range(pairs):
            kill = turn >= pairs - pairs // 3
            faults += [f"pair {turn}: {what}" for what in self._pair(kill)]
        one, both = self.winners
        found = f"{both} times both make the file, {one} times one does, of {pairs // 3} pairs one is killed"
        return Row("sharing", f"two processes of `{self.name}` on the same files", pairs, found, faults)

    def _pair(self, kill: bool) -> list[str]:
        """Let one begin a little after the other, or kill the first meanwhile; what must not be."""
        fresh(self.folder / "template", self.work)
        shutil.rmtree(self.forks.tmp / "cache", ignore_errors=True)  # which they share too
        first = self.forks.begin(self.job.words, self.work)
        time.sleep(self.rng.choice((0.0, self.rng.uniform(0.0, self.took))))
        second = self.forks.begin(self.job.words, self.work)
        if kill:
            time.sleep(self.rng.uniform(0.0, self.took))
            with suppress(ProcessLookupError):
                os.killpg(first[0], signal.SIGKILL)
        both = [self.forks.end(first), self.forks.end(second)]
        judged = both[1:] if kill else both
        found = [problem for one in judged for problem in _wrong(one)]
        won = sum(not one.code for one in both)
        if won:
            self.winners[won - 1] += 1
        elif not kill:
            found.append("none wins")
        now = state(self.job, self.work)
        if won and now != self.alone:
            found.append("other files than those of one process alone")
        found += odd_files(self.job, now, self.old, self.alone)
        again = self.forks.run(self.job.words, self.work)
        if again.code or state(self.job, self.work) != self.alone:
            found.append(f"the next command fails or makes other files: {again.err[-300:]!r}")
        return found + [f"left behind: {path}" for path in leftovers_in(self.work, self.forks.tmp)]


def _wrong(one: Ended) -> list[str]:
    """What is wrong with the end of one of two."""
    return [f"exit code {one.code}: {one.err[-300:]!r}"] if one.code and not one.is_one_line else []
