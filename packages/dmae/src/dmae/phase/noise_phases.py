"""Phases of noise, which Griffin-Lim starts from where a spectrum has no partials."""

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

PERIOD = 256
"""Frames after which the phases come again, 2.7 s at 48 kHz: longer than anybody hears noise repeat."""


def noise_phases(shape: Sequence[int], *, position: int = 0) -> Tensor:
    """Draw independent phases, as complex numbers of magnitude 1.

    Phases of a frame depend on its place in the piece alone, so windows that overlap start from the same ones, and
    batch members too. They come from one table, drawn once, which each channel enters at another place.

    Args:
        shape: [B, C, bins, frames].
        position: number of the first frame in its piece.

    Returns:
        Phases of that shape, on the CPU.
    """
    batch, channels, bins, frames = shape
    first = torch.arange(channels, device="cpu") * (PERIOD // channels) + position
    places = (first[:, None] + torch.arange(frames, device="cpu")).remainder(PERIOD)
    return _table(bins)[places.expand(batch, -1, -1)].transpose(-1, -2)


@lru_cache(maxsize=4)
def _table(bins: int) -> Tensor:
    """Frame after frame [PERIOD, bins], as Griffin-Lim reads them."""
    draw = torch.Generator().manual_seed(0)
    turns = torch.rand(PERIOD, bins, generator=draw, dtype=torch.float64, device="cpu")
    return torch.polar(torch.ones_like(turns), 2 * torch.pi * turns).to(torch.complex64)
