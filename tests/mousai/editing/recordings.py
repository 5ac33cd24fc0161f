"""Recordings to edit, and quick settings for it."""

from pathlib import Path

import numpy as np
import soundfile
import torch

PROMPT = "calm piano pop, 100 bpm"
QUICK = {"num_inference_steps": 2, "decoder_steps": 1, "inpaint_resamples": 2}


def music(seconds: float, rate: int = 48000, channels: int = 2, *, level: float = 0.3) -> torch.Tensor:
    drawn = torch.Generator().manual_seed(3)
    return level * (2 * torch.rand(channels, round(seconds * rate), generator=drawn) - 1)


def samples_of(path: Path) -> np.ndarray:
    kind = "float32" if soundfile.info(path).subtype == "FLOAT" else "int32"
    return soundfile.read(path, dtype=kind, always_2d=True)[0]
