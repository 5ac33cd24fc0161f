"""A handful of short songs, and settings for runs of a second on the model in miniature."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mousai import write_audio
from mousai.training.config import (
    AutoencoderCropConfig,
    AutoencoderTrainingConfig,
    Checkpointing,
    LatentCropConfig,
    LatentDiffusionTrainingConfig,
    Logging,
    LoopConfig,
    OptimizerConfig,
    TrainingConfig,
)

RATE = 48000
MakeSettings = Callable[..., TrainingConfig]


def write_song(path: Path, *, number: int, seconds: float = 1.5, caption: str | None = None) -> None:
    """A chord with a beat, another for every number."""
    time = np.arange(round(seconds * RATE)) / RATE
    rng = np.random.default_rng(number)
    wave = sum(0.1 * np.sin(2 * np.pi * f * time + rng.uniform(0, 6)) for f in rng.uniform(100, 2000, 4))
    wave = wave * (1 - (time * 4 % 1))
    write_audio(path, np.stack([wave, 0.7 * wave]).astype(np.float32), RATE)
    if caption:
        path.with_suffix(".txt").write_text(caption)


@pytest.fixture(scope="session")
def songs(tmp_path_factory: pytest.TempPathFactory, captions: list[str]) -> Path:
    folder = tmp_path_factory.mktemp("songs")
    for number in range(6):
        write_song(folder / f"{number}.wav", number=number, caption=captions[number % len(captions)])
    return folder


@pytest.fixture(scope="session")
def make_settings(songs: Path, saved_model: Path) -> MakeSettings:
    """Settings of a stage; keywords replace fields of its groups, whichever has them."""

    def make(stage: str, out: Path, **given: Any) -> TrainingConfig:
        common: dict[str, Any] = {
            "data": str(songs),
            "out": str(out),
            "start_from": str(saved_model),
            "optimizer": OptimizerConfig(learning_rate=1e-3),
            "loop": LoopConfig(max_steps=4, batch=2, workers=0),
            "device": "cpu",
            "checkpointing": Checkpointing(every_minutes=0),
            "logging": Logging(logger="csv", log_every=1, validate_every=0, listen_every=0, validation_share=0),
        }
        made: TrainingConfig
        if stage == "autoencoder":
            made = AutoencoderTrainingConfig(**common, phase="decoder", crops=AutoencoderCropConfig(samples=16384))
        else:
            made = LatentDiffusionTrainingConfig(
                **common, autoencoder=str(saved_model), crops=LatentCropConfig(frames=16, offsets=1)
            )
        groups = ("optimizer", "ema", "loop", "checkpointing", "logging", "crops")
        changes: dict[str, Any] = {}
        for key, value in given.items():
            holder = next((group for group in groups if hasattr(getattr(made, group), key)), None)
            if holder is None:
                changes[key] = value
            else:
                changes.setdefault(holder, {})[key] = value
        for group in changes.keys() & set(groups):
            changes[group] = replace(getattr(made, group), **changes[group])
        made = replace(made, **changes)
        return made

    return make


@pytest.fixture(scope="session")
def run_of_a_step(tmp_path_factory: pytest.TempPathFactory, make_settings: MakeSettings) -> Path:
    """A run of the generator that has made one step; not to be changed."""
    from mousai.training.run import train

    run = tmp_path_factory.mktemp("runs") / "one-step"
    train(make_settings("latent-diffusion", run, max_steps=1))
    return run


@pytest.fixture(scope="session")
def four_clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """For each stage four clips as long as a crop, so that every crop of one is the same."""
    folders = {}
    for stage, samples in (("autoencoder", 4096), ("latent-diffusion", 16384)):
        folders[stage] = tmp_path_factory.mktemp(stage)
        for number, caption in enumerate(("a red tune", "the blue one", "green and slow", "something white")):
            write_song(folders[stage] / f"{number}.wav", number=number, seconds=samples / RATE, caption=caption)
    return folders


@pytest.fixture(scope="session")
def by_heart(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Models and settings that learn four clips in half a minute."""
    from dmae import DMAEConfig, EncoderConfig, SpectrogramConfig
    from mousai.diffusion.config import LatentDiffusionConfig
    from mousai.storage.weights import save_config
    from unet1d import Level, UNet1dConfig

    folder = tmp_path_factory.mktemp("sizes")
    autoencoder = DMAEConfig(
        latent_channels=8,
        spectrogram=SpectrogramConfig(n_fft=255, hop_length=64),
        encoder=EncoderConfig(width=32, factors=(2, 2), blocks=(1, 1)),
        decoder=UNet1dConfig(
            in_channels=256,
            levels=(Level(channels=64), Level(channels=64, factor=32, inject_channels=8)),
            modulation_features=64,
        ),
        transform_size=8,
        latent_depth=1,
    )
    generator = LatentDiffusionConfig(
        net=UNet1dConfig(
            in_channels=8,
            levels=(Level(channels=64, cross_attention=True), Level(channels=64, factor=2, cross_attention=True)),
            context_features=128,
            attention_heads=4,
            attention_head_features=16,
            modulation_features=64,
        ),
        latent_std=0.5,
    )
    save_config(folder / "autoencoder.json", autoencoder.to_dict())
    save_config(folder / "generator.json", generator.to_dict())
    common: dict[str, Any] = {
        "start_from": None,
        "learning_rate": 2e-3,
        "schedule": "cosine",
        "log_every": 1,
    }
    return {
        "autoencoder": {
            **common,
            "model": str(folder / "autoencoder.json"),
            "phase": "all",
            "samples": 4096,
            "batch": 8,
            "max_steps": 600,
        },
        "latent-diffusion": {
            **common,
            "model": str(folder / "generator.json"),
            "batch": 8,
            "max_steps": 500,
            "place": "fixed",
            "cond_drop_prob": 0.0,
        },
    }
