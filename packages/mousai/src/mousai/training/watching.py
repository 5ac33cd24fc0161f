"""What is seen and heard of a run: a bar with the time left, the log, samples as sound and as pictures."""

import re
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger, WandbLogger
from torch import Tensor
from tqdm import tqdm

from mousai.audio.files import write_audio
from mousai.errors import UserError
from mousai.training.ema import EMA
from mousai.training.modules import Sound, Stage
from mousai.training.pictures import spectrogram_picture
from mousai.training.settings_parts import Watching
from mousai.training.splitting import is_split
from mousai.training.stopping import RefuseNotFinite, TimeLimit


def make_logger(kind: str, folder: Path, *, start: int) -> Logger:
    """TensorBoard, a table in a file, or Weights & Biases.

    Args:
        kind: see `Watching.logger`. TensorBoard falls back to the table, and says so, where it is not installed.
        folder: of the run; the log lies in `log` below it.
        start: step at which the run begins or goes on. Every start has a table of its own.

    Raises:
        UserError: wandb is asked for and not installed.
    """
    if kind == "wandb":
        if find_spec("wandb") is None:
            raise UserError("watching.logger=wandb: is not installed; pip install wandb, or take tensorboard")
        return WandbLogger(save_dir=folder, project="mousai", name=folder.name, id=folder.name, resume="allow")
    if kind == "tensorboard":
        try:
            import tensorboard  # noqa: F401
        except ImportError:
            print("mousai: tensorboard is not installed; logging to tables (CSV)", file=sys.stderr)
        else:
            return TensorBoardLogger(folder, name="log", version="")
    return CSVLogger(folder, name="log", version=f"from-step-{start:09d}")


class Bar(Callback):
    """A bar with the time left, the loss, and how much of the time is spent waiting for data.

    Args:
        max_steps: where it ends.
        limit: where it ends if time is the limit.
        guard: knows the gradient's norm.
    """

    def __init__(self, *, max_steps: int | None, limit: TimeLimit | None, guard: RefuseNotFinite) -> None:
        self.max_steps, self.limit, self.guard = max_steps, limit, guard
        self._bar: Any = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show it."""
        timed = self.max_steps is None and self.limit is not None
        self._bar = tqdm(
            total=round(self.limit.seconds) if timed and self.limit else self.max_steps,
            initial=round(self.limit.before) if timed and self.limit else trainer.global_step,
            desc="training",
            file=sys.stderr,
            mininterval=0.5 if sys.stderr.isatty() else 30.0,  # a log file needs no film
            disable=not trainer.is_global_zero,
            bar_format="{desc} {percentage:3.0f}% |{bar}| "
            + ("{n_fmt} of {total_fmt} s" if timed else "step {n_fmt} of {total_fmt}, {rate_fmt}")
            + ", {remaining} left{postfix}",
            unit="step",
        )

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any) -> None:
        """Move it."""
        if self.max_steps is None and self.limit is not None:
            position = min(round(self.limit.elapsed), self._bar.total)
        else:
            position = trainer.global_step
        figures = trainer.callback_metrics
        shown = {name: float(figures[key]) for name, key in _SHOWN.items() if key in figures}
        shown["gradient"] = self.guard.last_norm
        self._bar.set_postfix({name: f"{value:.3g}" for name, value in shown.items()}, refresh=False)
        self._bar.update(position - self._bar.n)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """End the line of the bar before the error is told."""
        self.teardown(trainer, pl_module, "fit")

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """End its line."""
        if self._bar is not None:
            self._bar.close()


_SHOWN = {
    "loss": "loss",
    "validation": "validation loss",
    "samples/s": "samples per second",
    "waiting": "waiting for data",
}


class LogNorm(Callback):
    """The gradient's norm before clipping, in the log."""

    def __init__(self, guard: RefuseNotFinite) -> None:
        self.guard = guard

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any) -> None:
        """Log it."""
        pl_module.log("gradient norm", self.guard.last_norm)


class Listen(Callback):
    """Every so often, samples of the averaged model: below `samples/step-N/` as sound and picture, and in the log.

    Args:
        settings: how often, how many, how long.
        folder: of the run.
        ema: holds the averaged weights.
    """

    def __init__(self, settings: Watching, folder: Path, ema: EMA) -> None:
        self.settings, self.folder, self.ema = settings, folder, ema
        self._step = 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Count from where the run stands."""
        self._step = trainer.global_step

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any) -> None:
        """Listen if it is time."""
        if trainer.global_step == self._step:
            return
        self._step = trainer.global_step
        if not self.settings.listen_every or self._step % self.settings.listen_every:
            return
        if not trainer.is_global_zero and not is_split(pl_module):  # split weights need every process
            return
        assert isinstance(pl_module, Stage)
        pl_module.eval()
        with self.ema.averaged(pl_module):
            sounds = pl_module.sounds(self.settings.listen_count, self.settings.listen_seconds)
        pl_module.train()
        if not trainer.is_global_zero:
            return
        below = self.folder / "samples" / f"step-{self._step:09d}"
        below.mkdir(parents=True, exist_ok=True)
        for number, sound in enumerate(sounds):
            self._keep(trainer, below / f"{number:02d}-{_as_file_name(sound.name)}", sound)

    def _keep(self, trainer: Trainer, path: Path, sound: Sound) -> None:
        heard, seen = (path.with_name(path.name + suffix) for suffix in (".wav", ".png"))
        write_audio(heard, sound.wave.numpy(), sound.sample_rate, overwrite=True)
        picture, pixels = spectrogram_picture(sound.wave.numpy(), sound.sample_rate, title=sound.name)
        seen.write_bytes(picture)
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                mono: Tensor = sound.wave.mean(0)  # all that its player takes
                logger.experiment.add_audio(sound.name, mono, self._step, sample_rate=sound.sample_rate)
                logger.experiment.add_image(sound.name, pixels, self._step, dataformats="HWC")
            if isinstance(logger, WandbLogger):
                logger.log_audio(sound.name, [str(heard)], self._step)
                logger.log_image(f"{sound.name}: spectrogram", [str(seen)], self._step)


def _as_file_name(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60] or "sample"
