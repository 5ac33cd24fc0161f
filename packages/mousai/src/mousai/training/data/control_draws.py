"""What is told of the controls of a crop: any subset of them, and any part of its latent."""

import numpy as np
import torch
from torch import Tensor

from mousai.conditioning.control_signal import FIELDS
from mousai.conditioning.controls import Controls
from mousai.training.config import ControlConfig

SHORTEST = 16
"""A known part and a gap are at least 1 / `SHORTEST` of a crop long."""
MOST_GAPS = 4


def drop_controls(controls: Controls, config: ControlConfig, rng: np.random.Generator) -> Controls:
    """Leave out each control with the chance that its setting names, all of them now and then, and what is not read.

    Args:
        controls: all that is known of the song.
        config: chances, and what the model reads.
        rng: generator of four draws, whatever the model reads.
    """
    told = {}
    for name, field in FIELDS.items():
        kept = rng.random() >= getattr(config, f"{name}_dropout")
        told[field] = getattr(controls, field) if kept and name in config.channels else None
    return Controls() if rng.random() < config.controls_dropout else Controls(**told)


def draw_known(frames: int, length: int, config: ControlConfig, rng: np.random.Generator) -> Tensor:
    """Draw which part of a crop is known: a beginning, an end, all but a gap, all but several gaps, or nothing.

    Args:
        frames: length of the crop.
        length: frames of it, the first, that hold song.
        config: how often a part is known, and whether the model reads it.
        rng: generator of the draw.

    Returns:
        bool [1, frames], True where it is known; never all that holds song.
    """
    known = torch.zeros(1, frames, dtype=torch.bool)
    least = max(1, length // SHORTEST)
    if "known" not in config.channels or rng.random() >= config.known_share or length < 2 * least:
        return known
    kind = ("beginning", "end", "gap", "gaps")[int(rng.integers(4))]
    known[:, :length] = True
    if kind in ("beginning", "end"):
        unknown = int(rng.integers(least, length - least + 1))
        known[:, slice(length - unknown, length) if kind == "beginning" else slice(unknown)] = False
        return known
    count = 1 if kind == "gap" else int(rng.integers(2, MOST_GAPS + 1))
    most = max(least, 3 * length // (4 * count))  # a quarter, at least, stays
    for _ in range(count):
        size = int(rng.integers(least, most + 1))
        first = int(rng.integers(length - size + 1))
        known[:, first : first + size] = False
    return known
