"""One model in a process of its own, so that its memory is its own; prints what was measured as JSON."""

import json
import sys
import time
from dataclasses import asdict
from typing import Any

import torch

from benchmarks.peers.models import build
from benchmarks.peers.parts import timed
from benchmarks.speed.measure import peak_memory


def measure(name: str, *, seconds: float, repeats: int, bfloat16: bool, quick: bool) -> dict[str, Any]:
    """Build a model and time its parts.

    Returns:
        `parameters` by part, `parts` with their seconds, `peak` in MiB, and `imports`: how much of it there is before a
        model is built.
    """
    dtype = torch.bfloat16 if bfloat16 else torch.float32
    before = peak_memory()
    began = time.perf_counter()
    torch.manual_seed(0)
    model = build(name, seconds, dtype, quick=quick)
    print(f"{name}: built in {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    parts = []
    for part in timed(model.parts, repeats=repeats):
        told = f"{name}: {part.name}: {part.wall:.3g} s by the clock, {part.cpu:.3g} s of CPU, for {part.unit}"
        print(told, file=sys.stderr, flush=True)
        parts.append(asdict(part))
    return {
        "parameters": model.parameters,
        "parts": parts,
        "peak": peak_memory(),
        "imports": before,
        "sample_rate": model.sample_rate,
        "channels": model.channels,
    }


def main() -> int:
    """Measure the model that the command line names, as it says."""
    print(json.dumps(measure(sys.argv[1], **json.loads(sys.argv[2]))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
