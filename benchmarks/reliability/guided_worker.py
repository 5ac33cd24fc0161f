"""A process in which atheris chooses the cases of one target, by what they reach in our code.

    python -m benchmarks.reliability.guided_worker TARGET SECONDS WORK CORPUS

`benchmarks.reliability.guided` starts it. Each target draws its mutations from a `random.Random`; here the bytes that
the fuzzer tries are what is drawn, so that a small change of them is a small change of the case.
"""

import hashlib
import random
import shutil
import sys
import time
from pathlib import Path

PACKAGES = ("mousai", "dmae", "vdiffusion", "unet1d")
"""What is watched for new paths."""
LONGEST = 512
"""Most bytes of an input; what a case draws beyond them follows from them."""


class Drawn(random.Random):
    """Numbers out of bytes.

    Args:
        data: bytes, from which all numbers follow.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._data, self._at = data, 0
        self._after = random.Random(hashlib.sha256(data).digest())

    def _take(self, count: int) -> int:
        found = self._data[self._at : self._at + count]
        self._at += count
        return int.from_bytes(found + self._after.randbytes(count - len(found)), "little")

    def random(self) -> float:
        """A number in [0, 1), out of two bytes: a choice needs no more."""
        return self._take(2) / 2**16

    def getrandbits(self, k: int, /) -> int:
        """A whole number of `k` bits."""
        return self._take(-(-k // 8)) % 2**k if k else 0


def main(target: str, seconds: int, work: Path, corpus: Path) -> None:
    """Fuzz a target for some time; results go to the files that `fuzz_worker` writes."""
    import atheris

    atheris.instrument_imports(include=list(PACKAGES)).__enter__()  # until the end: much is imported when it is used
    from benchmarks.reliability.fuzz_worker import MOST_SECONDS, PROGRESS, limit_memory, run_drawn, write_fault
    from benchmarks.reliability.targets import TARGETS

    (work / "samples").mkdir(parents=True)
    subject = TARGETS[target](work / "samples")
    limit_memory()
    counts, slowest, seen = [0, 0], 0.0, set[str]()
    place = work / "case"

    def one(data: bytes) -> None:
        nonlocal slowest
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        began = time.process_time()
        fault, refused, case = run_drawn(subject, Drawn(data), place)
        spent = time.process_time() - began
        slowest = max(slowest, spent)
        if fault is None and spent > MOST_SECONDS:
            fault = f"hang: took {spent:.1f} s"
        counts[refused] += 1
        (work / "progress").write_bytes(PROGRESS.pack(sum(counts), time.monotonic(), *counts, slowest))
        if fault is not None and (kind := _kind(fault)) not in seen:  # the fuzzer comes back to what it has found
            seen.add(kind)
            write_fault(work, place, sum(counts), fault, case)

    corpus.mkdir(parents=True, exist_ok=True)
    options = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-timeout=60", "-rss_limit_mb=0", "-verbosity=0"]
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={work}/", str(corpus)], one)
    atheris.Fuzz()


def _kind(fault: str) -> str:
    """What faults of one cause have in common: the error and the place where it was raised."""
    places = [line for line in fault.splitlines() if line.lstrip().startswith("File ")]
    return fault.partition(":")[0] + (places[-1] if places else "")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4]))
