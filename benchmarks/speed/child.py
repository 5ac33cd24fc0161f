"""The other end of `children.run_child`: one task, its result printed as JSON."""

import json
import sys
import time
from typing import TYPE_CHECKING, Any

from benchmarks.speed.measure import peak_memory

if TYPE_CHECKING:
    from torch import Tensor

    from mousai.codec import Codec


def decode(seconds: float) -> dict[str, float]:
    """Decode so much noise with the bundled model: its seconds, memory in MiB before and at most."""
    from mousai.codec import Codec

    codec = Codec.from_pretrained()
    latent, samples = noise(codec, seconds)
    codec.decode(latent[..., :16], length=codec.autoencoder.config.hop_length)  # what is made once is made
    before, began = peak_memory(), time.perf_counter()
    wave = codec.decode(latent, length=samples)
    return {
        "seconds": time.perf_counter() - began,
        "before": before,
        "peak": peak_memory(),
        "wave": wave.numel() * 4 / 2**20,
    }


def noise(codec: "Codec", seconds: float) -> tuple["Tensor", int]:
    """A latent [1, Z, L] of noise, and the samples of the sound that it stands for."""
    import torch

    config = codec.autoencoder.config
    samples = round(seconds * config.sample_rate)
    shape = (1, config.latent_channels, -(-samples // config.hop_length))
    return 0.4 * torch.randn(shape, generator=torch.Generator().manual_seed(0)), samples


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
    from benchmarks.speed.busy import busy_child, training_child

    tasks: dict[str, Any] = {
        "decode": decode,
        "load": load,
        "guided": guided,
        "busy": busy_child,
        "training": training_child,
    }
    print(json.dumps(tasks[sys.argv[1]](**json.loads(sys.argv[2]))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
