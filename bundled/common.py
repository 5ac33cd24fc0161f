"""What both stages share when they learn on a GPU: log, rate over time, steps, average of weights, files of them."""

import argparse
import json
import math
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from bundled.songs import Kind, SongStream
from mousai.storage.folders import BUNDLED
from mousai.storage.weights import load_tensors, save_tensors

PART = 15_000_000
"""Bytes that one file of weights may have."""


def arguments(description: str | None, *, songs: int, held_out: int, batch: int) -> argparse.ArgumentParser:
    """The options that both stages have, with their own defaults."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for weights and log")
    parser.add_argument("--seconds", type=float, required=True, help="seconds of training")
    parser.add_argument("--from", dest="begin", type=Path, default=BUNDLED, help="model to start from")
    parser.add_argument("--songs", type=int, default=songs, help="most songs that are kept")
    parser.add_argument("--held-out", type=int, default=held_out, help="songs, the first, for validation alone")
    parser.add_argument("--first", type=int, default=160, help="songs that must be there before training begins")
    parser.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) - 1))
    parser.add_argument("--batch", type=int, default=batch)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return parser


def run(
    parser: argparse.ArgumentParser, kinds: list[Kind], train: Callable[[argparse.Namespace, SongStream], None]
) -> None:
    """Read the command line, and train on the songs that are composed meanwhile.

    Ends with one line unless there are to be songs to learn from beside those held out.
    """
    chosen = parser.parse_args()
    if not 0 < chosen.held_out < chosen.first <= chosen.songs:
        parser.error(
            f"--held-out {chosen.held_out}, --first {chosen.first}, --songs {chosen.songs}: must rise, from 1 or more"
        )
    chosen.out.mkdir(parents=True, exist_ok=True)
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.allow_tf32 = True
    torch.manual_seed(0)
    folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    with SongStream(kinds, folder, workers=chosen.workers) as stream:
        train(chosen, stream)


class Log:
    """Rows of figures, in a file and on stderr as they come."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_text("")

    def __call__(self, **row: object) -> None:
        """Write a row."""
        line = json.dumps(row)
        print(line, file=sys.stderr, flush=True)
        with self.path.open("a") as file:
            file.write(line + "\n")


class Clock:
    """Training by the clock: a GPU is lent for so long, not for so many steps."""

    def __init__(self, seconds: float, *, warmup: int) -> None:
        self.began, self.seconds, self.warmup = time.monotonic(), seconds, warmup

    @property
    def done(self) -> float:
        """Share of the time that is gone."""
        return (time.monotonic() - self.began) / self.seconds

    def rate(self, step: int) -> float:
        """Share of the learning rate: a linear rise over `warmup` steps, then a cosine over the time to a fiftieth."""
        fall = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(self.done, 1.0)))
        return fall * min(1.0, (step + 1) / self.warmup)


class Average:
    """Exponential moving average of a model's parameters in float32, beside its buffers; tied weights are one."""

    def __init__(self, model: nn.Module, *, beta: float, power: float = 0.7) -> None:
        self.beta, self.power = beta, power
        self._parameters = dict(model.named_parameters())
        kept = model.state_dict()
        self._buffers = {name: buffer for name, buffer in model.named_buffers() if name in kept}
        self._average = [parameter.detach().clone() for parameter in self._parameters.values()]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """After a step."""
        keep = min(self.beta, 1 - (1 + step) ** -self.power)
        torch._foreach_lerp_(self._average, [p.detach() for p in self._parameters.values()], 1 - keep)

    @torch.no_grad()
    def swap(self) -> None:
        """Exchange the model's weights with the average; twice is as it was."""
        for parameter, average in zip(self._parameters.values(), self._average, strict=True):
            now = parameter.detach().clone()
            parameter.copy_(average)
            average.copy_(now)

    @property
    def state(self) -> dict[str, Tensor]:
        """What is to be saved."""
        return dict(zip(self._parameters, self._average, strict=True)) | self._buffers


class Steps:
    """Steps of an optimiser that pass over a gradient that is not finite, and give up where many are none.

    Args:
        model: whose gradient is shortened to a norm of 1.
        optimizer: its optimiser, made with the highest rates.
        patience: steps in a row that may be passed over; five times as many and a fiftieth of all in the end.
    """

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer, *, patience: int = 20) -> None:
        self.model, self.optimizer, self.patience = model, optimizer, patience
        self._rates = [group["lr"] for group in optimizer.param_groups]
        self.passed_over = self._in_a_row = self._tried = 0

    def __call__(self, share: float) -> None:
        """One step at a share of the rates; RuntimeError where the gradient was not finite too often."""
        gradients = {name: one.grad for name, one in self.model.named_parameters() if one.grad is not None}
        norm = float(torch.nn.utils.get_total_norm(gradients.values()))
        self._tried += 1
        if not math.isfinite(norm):
            self.passed_over += 1
            self._in_a_row += 1
            if self.passed_over == 1:
                bad = [name for name, gradient in gradients.items() if not gradient.isfinite().all()]
                print(f"step {self._tried}: not finite is the gradient of {', '.join(bad)}", file=sys.stderr)
            if self._in_a_row > self.patience or self.passed_over > 5 * self.patience + 0.02 * self._tried:
                raise RuntimeError(
                    f"the gradient was not finite in {self.passed_over} of {self._tried} steps, {self._in_a_row} times "
                    "in a row; given up"
                )
            return
        torch.nn.utils.clip_grads_with_norm_(self.model.parameters(), 1.0, torch.tensor(norm))
        self._in_a_row = 0
        for group, rate in zip(self.optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * share
        self.optimizer.step()


def save_parts(state: dict[str, Tensor], folder: Path, name: str) -> None:
    """Weights in bfloat16 as NAME-0.safetensors, NAME-1.safetensors, ..., none above `PART` bytes unless one tensor is.

    All are written before the first takes the place of an earlier one.
    """
    parts: list[dict[str, Tensor]] = [{}]
    size = 0
    for key, value in state.items():
        value = value.bfloat16() if value.is_floating_point() else value
        if parts[-1] and size + value.nbytes > PART:
            parts.append({})
            size = 0
        parts[-1][key] = value
        size += value.nbytes
    for number, part in enumerate(parts):
        save_tensors(folder / f".{name}-{number}.safetensors", part)
    for path in _parts(folder, name):
        path.unlink()
    for number in range(len(parts)):
        (folder / f".{name}-{number}.safetensors").rename(folder / f"{name}-{number}.safetensors")


def load_parts(folder: Path, name: str) -> dict[str, Tensor]:
    """The inverse of `save_parts`; FileNotFoundError where there are none."""
    state: dict[str, Tensor] = {}
    for path in _parts(folder, name):
        state |= load_tensors(path)[0]
    if not state:
        raise FileNotFoundError(f"{folder}: holds no {name}-0.safetensors")
    return state


def _parts(folder: Path, name: str) -> list[Path]:
    return [path for path in folder.glob(f"{name}-*.safetensors") if path.stem.removeprefix(f"{name}-").isdecimal()]
