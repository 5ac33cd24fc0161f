"""Small U-Nets for the tests of unet1d."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from unet1d import Level, UNet1d, UNet1dConfig

# One level of every kind: plain, injected, attending to itself, attending to a context.
EVERYTHING = UNet1dConfig(
    in_channels=3,
    out_channels=2,
    levels=(
        Level(channels=8),
        Level(channels=16, factor=2, num_blocks=2, inject_channels=4, cross_attention=True),
        Level(channels=16, factor=3, attention=True, cross_attention=True, inject_channels=2),
    ),
    modulation_features=12,
    context_features=6,
    attention_heads=2,
    attention_head_features=4,
    feed_forward_factor=1.5,
    groups=4,
    fourier_features=16,
)

PLAIN = UNet1dConfig(
    in_channels=3,
    levels=(Level(channels=8), Level(channels=16, factor=2), Level(channels=16, factor=2)),
    modulation_features=12,
    groups=4,
    fourier_features=16,
)


@pytest.fixture(autouse=True)
def seed() -> None:
    """The same random numbers in every run."""
    torch.manual_seed(0)


@pytest.fixture
def everything() -> UNet1d:
    """A U-Net with every kind of item."""
    return UNet1d(EVERYTHING)


@pytest.fixture
def plain() -> UNet1d:
    """A U-Net that needs nothing but signal and time."""
    return UNet1d(PLAIN)


@pytest.fixture
def make_inputs() -> Callable[..., tuple[tuple[Tensor, Tensor], dict[str, Any]]]:
    """`make_inputs(config, batch, length)` -> the positional and keyword arguments of a U-Net of this config."""

    def make(
        config: UNet1dConfig, batch: int, length: int, tokens: int = 5
    ) -> tuple[tuple[Tensor, Tensor], dict[str, Any]]:
        generator = torch.Generator().manual_seed(length)

        def normal(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=generator)

        conditions: dict[str, Any] = {}
        if config.context_features:
            conditions["context"] = normal(batch, tokens, config.context_features)
            conditions["context_mask"] = torch.arange(tokens) < torch.arange(2, 2 + batch)[:, None]
        if config.inject_channels:
            conditions["inject"] = {
                depth: normal(batch, channels, config.length_at(depth, length))
                for depth, channels in config.inject_channels.items()
            }
        times = torch.rand(batch, generator=generator)
        return (normal(batch, config.in_channels, length), times), conditions

    return make
