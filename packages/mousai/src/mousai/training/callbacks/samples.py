"""Samples of a run while it trains, as sound, as pictures and in the log."""

import re
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger, WandbLogger
from torch import Tensor

from mousai.audio.files import write_audio
from mousai.storage.files import atomic_file
from mousai.training.callbacks.ema import EMA
from mousai.training.callbacks.spectrogram_picture import spectrogram_picture
from mousai.training.config import Logging
from mousai.training.fsdp import is_sharded
from mousai.training.stages.module import Sound, Stage


class LogSamples(Callback):
    """Every so often, samples of the averaged model: below `samples/step-N/` as sound and picture, and in the log.

    Args:
        config: how often, how many, how long.
        folder: folder of the run.
        ema: the averaged weights.
    """

    def __init__(self, config: Logging, folder: Path, ema: EMA) -> None:
        self.config, self.folder, self.ema = config, folder, ema
        self._step = 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Count from where the run stands."""
        self._step = trainer.global_step

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any) -> None:
        """Log samples if it is time."""
        if trainer.global_step == self._step:
            return
        self._step = trainer.global_step
        if not self.config.listen_every or self._step % self.config.listen_every:
            return
        if not trainer.is_global_zero and not is_sharded(pl_module):  # sharded weights need every process
            return
        assert isinstance(pl_module, Stage)
        pl_module.eval()
        with self.ema.averaged(pl_module):
            sounds = pl_module.sounds(self.config.listen_count, self.config.listen_seconds)
        pl_module.train()
        if not trainer.is_global_zero:
            return
        below = self.folder / "samples" / f"step-{self._step:09d}"
        below.mkdir(parents=True, exist_ok=True)
        for number, sound in enumerate(sounds):
            self._keep(trainer, below / f"{number:02d}-{_as_file_name(sound.name)}", sound)

    def _keep(self, trainer: Trainer, path: Path, sound: Sound) -> None:
        sound_file, picture_file = (path.with_name(path.name + suffix) for suffix in (".wav", ".png"))
        write_audio(sound_file, sound.wave.numpy(), sound.sample_rate, overwrite=True)
        picture, pixels = spectrogram_picture(sound.wave.numpy(), sound.sample_rate, title=sound.name)
        with atomic_file(picture_file) as partial:
            partial.write_bytes(picture)
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                mono: Tensor = sound.wave.mean(0)  # all that its player takes
                logger.experiment.add_audio(sound.name, mono, self._step, sample_rate=sound.sample_rate)
                logger.experiment.add_image(sound.name, pixels, self._step, dataformats="HWC")
            if isinstance(logger, WandbLogger):
                logger.log_audio(sound.name, [str(sound_file)], self._step)
                logger.log_image(f"{sound.name}: spectrogram", [str(picture_file)], self._step)


def _as_file_name(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60] or "sample"
