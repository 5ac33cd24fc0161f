"""One training loop for both stages: AdamW, a cosine rate over the time given, EMA, checkpoints, a bar with time."""

import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm

from mousai.checkpoint import load_tensors, save_tensors
from mousai.errors import UserError

STATE_NAME = "training_state.safetensors"


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """How long and how fast.

    Args:
        minutes: of training, over which the learning rate falls along a cosine; what an earlier run in the same folder
            has trained counts.
        learning_rate: at its highest, after `warmup` steps.
        warmup: steps over which the rate rises.
        weight_decay: of AdamW.
        ema: decay of the averaged weights, per step; lower in the first steps.
        clip: largest norm of the gradient.
        save_minutes: between two checkpoints.
        bfloat16: compute in bfloat16 where autocast does (weights stay float32).
    """

    minutes: float
    learning_rate: float = 5e-4
    warmup: int = 100
    weight_decay: float = 1e-3
    ema: float = 0.999
    clip: float = 1.0
    save_minutes: float = 3.0
    bfloat16: bool = True

    def __post_init__(self) -> None:
        """Check every value."""
        for key in ("minutes", "learning_rate", "clip", "save_minutes"):
            value = getattr(self, key)
            if not (math.isfinite(value) and value > 0):
                raise UserError(f"{key}={value}: must be more than 0")
        if self.warmup < 1:
            raise UserError(f"warmup={self.warmup}: must be 1 step or more")
        if not (math.isfinite(self.weight_decay) and self.weight_decay >= 0):
            raise UserError(f"weight_decay={self.weight_decay}: must be 0 or more")
        if not 0 <= self.ema < 1:
            raise UserError(f"ema={self.ema}: must lie in [0, 1)")


@dataclass
class Progress:
    """Where a run stands."""

    step: int = 0
    seconds: float = 0.0
    averages: dict[str, float] = field(default_factory=dict)

    def log(self, values: Mapping[str, float]) -> None:
        """Take the figures of one step into the running averages."""
        for key, value in values.items():
            self.averages[key] = value if key not in self.averages else 0.98 * self.averages[key] + 0.02 * value


def train(
    trained: nn.Module,
    step_loss: Callable[[int], tuple[Tensor, dict[str, float]]],
    settings: TrainSettings,
    folder: Path,
    *,
    save_model: Callable[[], None],
    name: str,
    slow: Sequence[str] = (),
) -> None:
    """Train until the time is over; Ctrl-C stops after the step and saves.

    `save_model` is called with the averaged weights in `trained`, so what it writes is the averaged model.

    Args:
        trained: holds the parameters that are trained (those with `requires_grad`).
        step_loss: step number -> loss and figures for the log.
        settings: see there.
        folder: of the run; the state of training lies in it and is gone on with if it is there.
        save_model: writes the model folder.
        name: of the stage, for the bar.
        slow: parts of parameter names that learn at a fiftieth of the rate, since they start from something good.

    Raises:
        UserError: the loss or the gradient is not finite; names the step.
    """
    parameters = {key: value for key, value in trained.named_parameters() if value.requires_grad}
    groups = [
        {"params": [p for key, p in parameters.items() if any(part in key for part in slow) == is_slow], "share": share}
        for is_slow, share in ((False, 1.0), (True, 0.02))
    ]
    optimizer = torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=settings.learning_rate,
        betas=(0.9, 0.99),
        weight_decay=settings.weight_decay,
    )
    average = {key: value.detach().clone() for key, value in parameters.items()}
    progress = _resume(folder / STATE_NAME, parameters, average, optimizer)
    total = settings.minutes * 60
    bar = tqdm(total=round(total), initial=round(progress.seconds), unit="s", desc=name, file=sys.stderr)
    saved = last_log = time.monotonic()
    try:
        while progress.seconds < total:
            began = time.monotonic()
            share = progress.seconds / total
            rate = settings.learning_rate * min(1.0, (progress.step + 1) / settings.warmup)
            for group in optimizer.param_groups:
                group["lr"] = group["share"] * rate * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share)))
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=settings.bfloat16):
                loss, figures = step_loss(progress.step)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            norm = nn.utils.clip_grad_norm_(parameters.values(), settings.clip)
            if not torch.isfinite(norm) or not torch.isfinite(loss):
                raise UserError(
                    f"step {progress.step}: loss {float(loss.detach())}, gradient norm {float(norm)}; stopped before "
                    f"the step (the state of the last save is in {folder})"
                )
            optimizer.step()
            progress.step += 1
            decay = min(settings.ema, (1 + progress.step) / (10 + progress.step))
            torch._foreach_lerp_(list(average.values()), list(parameters.values()), 1 - decay)
            now = time.monotonic()
            progress.seconds += now - began
            progress.log({**figures, "loss": float(loss.detach()), "norm": float(norm)})
            bar.update(round(progress.seconds) - bar.n)
            if now - last_log > 20:
                last_log = now
                shown = " ".join(f"{key} {value:.4g}" for key, value in progress.averages.items())
                bar.write(f"{name} step {progress.step} {progress.seconds / 60:.1f} min: {shown}", file=sys.stderr)
            if now - saved > settings.save_minutes * 60:
                _save(folder, parameters, average, optimizer, progress, save_model)
                saved = time.monotonic()
    except KeyboardInterrupt:
        _save(folder, parameters, average, optimizer, progress, save_model)
        raise
    finally:
        bar.close()
    _save(folder, parameters, average, optimizer, progress, save_model)


def saved_step(folder: Path) -> int:
    """The step at which the run in a folder was saved; 0 where there is none."""
    path = folder / STATE_NAME
    return int(load_tensors(path)[1]["step"]) if path.exists() else 0


def batches(stream: Iterator[Tensor], size: int) -> Iterator[Tensor]:
    """Stack `size` items of a stream at a time."""
    while True:
        yield torch.stack([next(stream) for _ in range(size)])


def _save(
    folder: Path,
    parameters: dict[str, nn.Parameter],
    average: dict[str, Tensor],
    optimizer: torch.optim.Optimizer,
    progress: Progress,
    save_model: Callable[[], None],
) -> None:
    tensors: dict[str, Tensor] = {}
    for key, parameter in parameters.items():
        tensors[f"weight.{key}"], tensors[f"average.{key}"] = parameter.detach(), average[key]
        for entry in ("exp_avg", "exp_avg_sq"):
            if entry in optimizer.state[parameter]:
                tensors[f"{entry}.{key}"] = optimizer.state[parameter][entry]
    folder.mkdir(parents=True, exist_ok=True)
    where = {"step": str(progress.step), "seconds": repr(progress.seconds)}
    save_tensors(folder / STATE_NAME, tensors, metadata=where)
    live = {key: parameter.detach().clone() for key, parameter in parameters.items()}
    with torch.no_grad():
        for key, parameter in parameters.items():
            parameter.copy_(average[key])
        save_model()
        for key, parameter in parameters.items():
            parameter.copy_(live[key])


def _resume(
    path: Path, parameters: dict[str, nn.Parameter], average: dict[str, Tensor], optimizer: torch.optim.Optimizer
) -> Progress:
    if not path.exists():
        return Progress()
    tensors, where = load_tensors(path)
    stored = {key.removeprefix("weight."): value.shape for key, value in tensors.items() if key.startswith("weight.")}
    if stored != {key: value.shape for key, value in parameters.items()}:
        raise UserError(f"{path} is of another model; give another --out, or remove it to start anew")
    step = int(where["step"])
    with torch.no_grad():
        for key, parameter in parameters.items():
            parameter.copy_(tensors[f"weight.{key}"])
            average[key].copy_(tensors[f"average.{key}"])
            if f"exp_avg.{key}" in tensors:  # else it had no gradient yet
                optimizer.state[parameter] = {
                    "step": torch.tensor(float(step)),
                    "exp_avg": tensors[f"exp_avg.{key}"],
                    "exp_avg_sq": tensors[f"exp_avg_sq.{key}"],
                }
    return Progress(step=step, seconds=float(where["seconds"]))
