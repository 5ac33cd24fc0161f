"""Two processes on one output, one run, one cache; four threads with one pipeline."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.reliability.forks import Ended, Forks
from benchmarks.reliability.jobs import JOBS, fresh, leftovers_in, prepare, state
from benchmarks.reliability.table import Row

_THREADS = """
import threading
from mousai import Mousai, UserError
pipeline = Mousai.from_pretrained("model", device="cpu", dtype="float32")
pipeline.set_progress_bar_config(disable=True)
prompts = ["calm piano pop, 100 bpm", "fast metal in A minor", "slow jazz trio", "hip hop beat, 90 bpm"]
rounds = 6

def make(k, n):
    stop = (k + n) % 4 == 0  # every fourth call stops itself, and none of the others
    def callback(pipe, step, t, values):
        if stop:
            pipe._interrupt = True
        return values
    return pipeline(prompts[k], duration=0.2 + 0.1 * k, seed=n, callback_on_step_end=callback).audios

alone = {(k, n): make(k, n) for k in range(4) for n in range(rounds)}
wrong, right = [], []

def work(k):
    for n in range(rounds):
        try:
            found = make(k, n)
        except UserError:
            continue
        (right if found.shape == alone[k, n].shape and bool((found == alone[k, n]).all()) else wrong).append((k, n))

threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
for one in threads:
    one.start()
for one in threads:
    one.join()
assert not wrong and len(right) == 4 * rounds, (wrong, len(right))
"""


def rows(folder: Path) -> list[Row]:
    """Let processes and threads use one thing at once.

    Args:
        folder: folder to work in.
    """
    (folder / "tmp").mkdir(parents=True)
    faults: list[str] = []
    count = 0
    with Forks(folder / "tmp") as forks:
        prepare(folder / "template", forks)
        for name in ("generate", "edit", "encode", "export", "data encode", "data shard", "train"):
            for turn in range(3):
                faults += [f"{name}, {turn}: {what}" for what in _together(name, folder, forks)]
                count += 1
        threads = forks.run((), folder / "template", code=_THREADS)
    found = "one wins or both do, the files are those of one alone"
    made = "each result that of a call alone"
    return [
        Row("sharing", "two processes on one output, run or cache", count, found, faults),
        Row("sharing", "calls in four threads", 24, made, [threads.err[-600:]] if threads.code else []),
    ]


def _together(name: str, folder: Path, forks: Forks) -> Sequence[str]:
    job = JOBS[name]
    work = fresh(folder / "template", folder / "work")
    ended = forks.run(job.words, work)
    alone = state(job, work)
    fresh(folder / "template", work)
    begun = [forks.begin(job.words, work) for _ in range(2)]
    both: list[Ended] = [forks.end(one) for one in begun]
    found = [f"exit code {one.code}: {one.err[-300:]!r}" for one in both if one.code and not one.is_one_line]
    if ended.code or all(one.code for one in both):
        found.append(f"none wins: {[one.err[-200:] for one in both]}")
    if state(job, work) != alone:
        found.append("other files than those of one process alone")
    again = forks.run(job.words, work)
    if again.code:
        found.append(f"the next command fails: {again.err[-300:]!r}")
    return found + [f"left behind: {path}" for path in leftovers_in(work)]
