"""Parts of a run: the model and its step, the data, the sizes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from torch.utils.data import Dataset

from dmae import DMAEConfig
from mousai.diffusion.config import LatentDiffusionConfig
from mousai.training.stages.module import Stage

if TYPE_CHECKING:
    from mousai.training.stages.text_encoder.student import TextEncoderSizes

VALIDATION_ITEMS = 64
"""Crops that validation takes of the files for it."""


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """Model, data and sizes of a run.

    Args:
        stage: the model and its step.
        train: items to train on, by index; None where the data is resident.
        validation: items to validate on, None where no files are left for it, or the data is resident.
        config: sizes of the model, which have to stay as they are when the run goes on.
        files: number of files in the data, or of pairs.
        beside: fingerprints of parts that the run reads in every step and that its checkpoints do not hold, by setting
            that names the model and by part.
        resident: whether the data lies on the device, and the stage cuts the batches.
        close: ends what runs beside the run, such as processes that compose.
    """

    stage: Stage
    train: Dataset[dict[str, Any]] | None
    validation: Dataset[dict[str, Any]] | None
    config: "DMAEConfig | LatentDiffusionConfig | TextEncoderSizes"
    files: int
    beside: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    resident: bool = False
    close: Callable[[], None] = lambda: None
