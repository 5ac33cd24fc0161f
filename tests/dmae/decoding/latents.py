"""Latents, and nets that are known, for the tests of decoding."""

from typing import Any

import torch
from torch import Tensor

from dmae import DMAEConfig


def a_latent(config: DMAEConfig, batch: int, frames: int) -> Tensor:
    generator = torch.Generator().manual_seed(frames)
    return 0.8 * torch.rand(batch, config.latent_channels, frames, generator=generator) - 0.4


def zero(x_t: Tensor, t: Tensor, **conditions: Any) -> Tensor:
    """The ideal net where the coefficients are white noise of variance one: v = 0."""
    return torch.zeros_like(x_t)
