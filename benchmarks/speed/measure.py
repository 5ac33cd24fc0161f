"""Timing, and figures."""

import gc
import resource
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Amount that is measured.

    Args:
        quick: miniature sizes, to see that everything runs; the figures mean nothing.
        repeats: runs of each side, at most.
        budget: seconds after which no further round is begun; three rounds are always made (one if quick).
        compile: measure compiled nets too.
        bfloat16: measure bfloat16 too; a CPU without instructions for it would need hours.
    """

    quick: bool = False
    repeats: int = 7
    budget: float = 60.0
    compile: bool = True
    bfloat16: bool = True

    @property
    def dtype(self) -> torch.dtype:
        """Dtype in which ours is measured, where it is one."""
        return torch.bfloat16 if self.bfloat16 else torch.float32

    @property
    def dtype_name(self) -> str:
        """The same, to be printed."""
        return str(self.dtype).removeprefix("torch.")


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line of the table.

    Args:
        section: which of the sections measured it.
        name: what was measured.
        ours: how much it is here.
        theirs: how much it is on the other side, if there is one.
        unit: of both.
        ratio: the figure that the target is about.
        shown_ratio: how `ratio` is printed: "x" for times as fast, "%" for a share, "" for itself.
        least: target: at least this ratio.
        most: target: at most this ratio.
        note: what has to be known about it.
    """

    section: str
    name: str
    ours: float | None = None
    theirs: float | None = None
    unit: str = "s"
    ratio: float | None = None
    shown_ratio: str = "x"
    least: float | None = None
    most: float | None = None
    note: str = ""

    @property
    def holds(self) -> bool | None:
        """Tell whether the target is met; None where there is none."""
        if self.ratio is None or (self.least is None and self.most is None):
            return None
        return (self.least is None or self.ratio >= self.least) and (self.most is None or self.ratio <= self.most)


def interleaved(runs: Mapping[str, Callable[[], object]], settings: Settings) -> dict[str, float]:
    """Median seconds of each run; the runs take turns, A B A B, so that what else happens here hits them alike.

    Each is run once before, unmeasured.
    """
    for run in runs.values():
        run()
    times: dict[str, list[float]] = {name: [] for name in runs}
    began = time.perf_counter()
    least = 1 if settings.quick else 3
    for done in range(settings.repeats):
        if done >= least and time.perf_counter() - began > settings.budget:
            break
        for name, run in runs.items():
            gc.collect()
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(some) for name, some in times.items()}


def gigaflop(run: Callable[[], object]) -> float:
    """Floating-point operations of one run, in 10^9: products and sums of matrix products, convolutions, attention."""
    from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

    def attention(query: torch.Size, key: torch.Size, value: torch.Size, *_: object, **__: object) -> int:
        return int(sdpa_flop_count(query, key, value))

    # torch knows the fused attention of every device but the CPU.
    fused = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: attention}
    with FlopCounterMode(display=False, custom_mapping=fused) as counter:
        run()
    return float(counter.get_total_flops()) / 1e9


def peak_memory() -> float:
    """The most memory that this process has held so far, in MiB."""
    try:  # what getrusage tells begins with the memory of the process that started this one
        with open("/proc/self/status", encoding="utf-8") as file:
            line = next(line for line in file if line.startswith("VmHWM"))
        return float(line.split()[1]) / 1024
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def peak_figure(section: str, name: str, told: Mapping[str, float], *, most: float | None, note: str) -> Figure:
    """The peak memory that a child told of, in GiB, with its seconds before the note; `most` is the target."""
    return Figure(
        section=section,
        name=f"{name}: peak memory",
        ours=told["peak"] / 1024,
        unit="GiB",
        ratio=told["peak"] / 1024,
        shown_ratio="",
        most=most,
        note=f"{told['seconds']:.0f} s; {note}",
    )


def machine() -> dict[str, str | int]:
    """Machine on which the figures were taken."""
    model = "unknown processor"
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            lines = file.read().splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
        flags = next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), [])
    except OSError:
        flags = []
    known = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
    return {
        "processor": model,
        "instructions": " ".join(flag for flag in known if flag in flags),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
