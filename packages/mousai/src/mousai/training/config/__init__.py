"""Settings of `mousai train`: frozen dataclasses that check themselves."""

from mousai.training.config.composer import COMPOSE, ComposerConfig
from mousai.training.config.controls import ControlConfig
from mousai.training.config.crops import Augmentation, AutoencoderCropConfig, LatentCropConfig
from mousai.training.config.distillation import DistillationConfig
from mousai.training.config.loop import Checkpointing, Logging, LoopConfig, Precision, seconds_of
from mousai.training.config.optimization import AdapterConfig, EMAConfig, OptimizerConfig
from mousai.training.config.text_encoder import TextEncoderTrainingConfig, WordingConfig
from mousai.training.config.timesteps import TimestepSampling
from mousai.training.config.training import (
    AutoencoderTrainingConfig,
    LatentDiffusionTrainingConfig,
    Phase,
    TrainingConfig,
)

STAGES: dict[str, type[TrainingConfig]] = {
    "autoencoder": AutoencoderTrainingConfig,
    "latent-diffusion": LatentDiffusionTrainingConfig,
    "text-encoder": TextEncoderTrainingConfig,
}
"""What can be trained, under the names of the command line and of a run's `config.json`."""

__all__ = [
    "COMPOSE",
    "STAGES",
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
    "TextEncoderTrainingConfig",
    "TimestepSampling",
    "TrainingConfig",
    "WordingConfig",
    "seconds_of",
]
