"""The other end of `children.run_child`: one task, its result printed as JSON."""

import json
import sys
import time
from typing import Any

from benchmarks.speed.measure import peak_memory


def decode(seconds: float) -> dict[str, float]:
    """Decode so much noise with the bundled model: its seconds, memory in MiB before and at most."""
    import torch

    from mousai.codec import Codec

    codec = Codec.from_pretrained()
    config = codec.autoencoder.config
    samples = round(seconds * config.sample_rate)
    shape = (1, config.latent_channels, -(-samples // config.hop_length))
    latent = 0.4 * torch.randn(shape, generator=torch.Generator().manual_seed(0))
    codec.decode(latent[..., :16], length=config.hop_length)  # what is made once is made
    before, began = peak_memory(), time.perf_counter()
    wave = codec.decode(latent, length=samples)
    return {
        "seconds": time.perf_counter() - began,
        "before": before,
        "peak": peak_memory(),
        "wave": wave.numel() * 4 / 2**20,
    }


def load() -> dict[str, float]:
    """Load the bundled model: its seconds the first time, which imports what reads text, and again."""
    from mousai.pipeline import Mousai

    times = []
    for _ in range(2):
        began = time.perf_counter()
        Mousai.from_pretrained()
        times.append(time.perf_counter() - began)
    return {"first": times[0], "again": times[1]}


def guided(frames: int, batch: int, divisor: int, *, bfloat16: bool) -> dict[str, float]:
    """One guided step of stage 2."""
    from benchmarks.speed.machine import guided_child

    return guided_child(frames, batch, divisor, bfloat16=bfloat16)


def main() -> int:
    """Do the task that the command line names."""
    tasks: dict[str, Any] = {"decode": decode, "load": load, "guided": guided}
    print(json.dumps(tasks[sys.argv[1]](**json.loads(sys.argv[2]))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
