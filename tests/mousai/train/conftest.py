"""A handful of short songs, and settings for runs of a second on the model in miniature."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mousai import write_audio
from mousai.training.settings import (
    AutoencoderItems,
    AutoencoderSettings,
    Common,
    GeneratorItems,
    GeneratorSettings,
    Loop,
    Optimizer,
    Saving,
    Watching,
)

RATE = 48000
MakeSettings = Callable[..., Common]


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

    def make(stage: str, out: Path, **given: Any) -> Common:
        common: dict[str, Any] = {
            "data": str(songs),
            "out": str(out),
            "start_from": str(saved_model),
            "optimizer": Optimizer(learning_rate=1e-3),
            "loop": Loop(max_steps=4, batch=2, workers=0, accelerator="cpu"),
            "saving": Saving(every_minutes=0),
            "watching": Watching(logger="csv", log_every=1, validate_every=0, listen_every=0, validation_share=0),
        }
        made: Common
        if stage == "autoencoder":
            made = AutoencoderSettings(**common, phase="decoder", crops=AutoencoderItems(samples=16384))
        else:
            made = GeneratorSettings(**common, autoencoder=str(saved_model), crops=GeneratorItems(frames=16, offsets=1))
        groups = ("optimizer", "ema", "loop", "saving", "watching", "crops")
        for key, value in given.items():
            holder = next((group for group in groups if hasattr(getattr(made, group), key)), None)
            made = replace(
                made, **({key: value} if holder is None else {holder: replace(getattr(made, holder), **{key: value})})
            )
        return made

    return make
