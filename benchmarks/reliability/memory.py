"""Little memory: a request that is too large is one line, and the next one works in the same process."""

from pathlib import Path

from benchmarks.reliability.forks import Forks
from benchmarks.reliability.jobs import prepare
from benchmarks.reliability.table import Row

_LIMIT = 256 * 2**20  # bytes beyond what the process has
_IN_PYTHON = """
from mousai import Mousai, UserError
pipeline = Mousai.from_pretrained("model", device="cpu", dtype="float32")
pipeline.set_progress_bar_config(disable=True)
small = dict(duration=0.3, seed=3)
before = pipeline("calm piano pop", **small).audios
for number in range(3):
    try:
        pipeline("calm piano pop", duration=3600.0, num_waveforms_per_prompt=64, seed=0)
    except UserError as error:
        assert "too little memory" in str(error) and "duration" in str(error), error
    else:
        raise AssertionError("there was memory enough")
    assert bool((pipeline("calm piano pop", **small).audios == before).all())
"""


def rows(folder: Path) -> list[Row]:
    """Ask for too much under a limit, by commands and in Python.

    Args:
        folder: folder to work in.
    """
    (folder / "tmp").mkdir(parents=True)
    faults = []
    with Forks(folder / "tmp") as forks:
        work = folder / "work"
        prepare(work, forks, old=False)
        model = ("--model", "model", "--dtype", "float32", "--device", "cpu")
        long = ("generate", "calm piano pop", "--duration", "3600", "--steps", "1", "--decoder-steps", "1", *model)
        lines = [(*long, "-o", f"a.{suffix}") for suffix in ("wav", "flac")]
        for words in lines:
            ended = forks.run(words, work, memory=_LIMIT // 2)
            if not ended.is_one_line or "too little memory" not in ended.err or "duration" not in ended.err:
                faults.append(f"{' '.join(words[:2])}: {ended.code} {ended.err[-400:]!r}")
        ended = forks.run((), work, memory=_LIMIT, code=_IN_PYTHON)
        if ended.code:
            faults.append(f"in Python: {ended.err[-400:]!r}")
    found = "a line that says how much and which argument; the next, smaller request in the process works, bit for bit"
    return [Row("memory", "request larger than the memory", len(lines) + 3, found, faults)]
