"""Sounds that the tests of audio files write and read, and what their errors must look like."""

from pathlib import Path

import numpy as np
import pytest

SETTINGS = {"prompt": 'calm "piano" — ÿ 音楽\n100 bpm; a=b', "seed": "7", "steps": "50"}


def tone(rate: int, seconds: float = 1.0, *, hertz: float = 440.0, channels: int = 2) -> np.ndarray:
    """A sine on the left, its double frequency on the right, computed at any rate."""
    time = np.arange(round(rate * seconds)) / rate
    return np.stack([0.5 * np.sin(2 * np.pi * hertz * (1 + c) * time) for c in range(channels)]).astype(np.float32)


def noise(samples: int, *, channels: int = 2, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.9, 0.9, (channels, samples)).astype(np.float32)


def one_line(caught: pytest.ExceptionInfo[BaseException], path: Path | None = None) -> str:
    message = str(caught.value)
    assert "\n" not in message
    assert path is None or str(path) in message
    return message
