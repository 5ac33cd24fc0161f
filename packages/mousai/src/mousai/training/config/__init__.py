"""Settings of `mousai train`: frozen dataclasses that check themselves."""

from mousai.training.config.composer import COMPOSE, ComposerConfig
from mousai.training.config.controls import ControlConfig
from mousai.training.config.crops import Augmentation, AutoencoderCropConfig, LatentCropConfig
from mousai.training.config.distillation import DistillationConfig
from mousai.training.config.loop import Checkpointing, Logging, LoopConfig, Precision, seconds_of
from mousai.training.config.optimization import AdapterConfig, EMAConfig, OptimizerConfig
from mousai.training.config.timesteps import TimestepSampling
from mousai.training.config.training import (
    AutoencoderTrainingConfig,
    LatentDiffusionTrainingConfig,
    Phase,
    TrainingConfig,
)

__all__ = [
    "COMPOSE",
    "AdapterConfig",
    "Augmentation",
    "AutoencoderCropConfig",
    "AutoencoderTrainingConfig",
    "Checkpointing",
    "ComposerConfig",
    "ControlConfig",
    "DistillationConfig",
    "EMAConfig",
    "LatentCropConfig",
    "LatentDiffusionTrainingConfig",
    "Logging",
    "LoopConfig",
    "OptimizerConfig",
    "Phase",
    "Precision",
    "TimestepSampling",
    "TrainingConfig",
    "seconds_of",
]
