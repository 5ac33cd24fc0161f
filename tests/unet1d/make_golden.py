"""Write golden.json: what a tiny U-Net gives for weights and inputs that are formulas, the same on every machine.

    python tests/unet1d/make_golden.py

Run it again only when the mathematics is meant to change, and say so where you commit the new numbers.
"""

import json
from pathlib import Path

import torch
from torch import Tensor

from unet1d import Level, UNet1d, UNet1dConfig

GOLDEN = Path(__file__).with_name("golden.json")

CONFIG = UNet1dConfig(
    in_channels=2,
    levels=(
        Level(channels=8),
        Level(channels=8, factor=2, inject_channels=3, cross_attention=True),
        Level(channels=16, factor=2, num_blocks=2, attention=True, cross_attention=True),
    ),
    modulation_features=8,
    context_features=4,
    attention_heads=2,
    attention_head_features=4,
    feed_forward_factor=2,
    groups=4,
    fourier_features=8,
)


def waves(shape: tuple[int, ...], phase: float) -> Tensor:
    """Numbers that look random, from sines alone: no generator, whose numbers may differ between machines."""
    index = torch.arange(torch.Size(shape).numel(), dtype=torch.float64)
    return (2 * torch.sin(1.7 * index + phase) * torch.cos(0.31 * index * index + phase)).view(shape).float()


def golden_output() -> Tensor:
    """The U-Net's output [2, 2, 10]: one item with a masked token, a length that is no multiple of the factor."""
    net = UNet1d(CONFIG)
    with torch.no_grad():
        for number, parameter in enumerate(net.parameters()):
            wide = max(1, parameter[0].numel()) if parameter.ndim > 1 else 4
            parameter.copy_(waves(tuple(parameter.shape), number) / wide**0.5)
        output: Tensor = net(
            waves((2, 2, 10), 0.1),
            torch.tensor([0.25, 0.8]),
            context=waves((2, 3, 4), 0.2),
            context_mask=torch.tensor([[True, True, False], [True, True, True]]),
            inject={1: waves((2, 3, 5), 0.3)},
        )
    return output


if __name__ == "__main__":
    rows = [[[round(value, 6) for value in row] for row in item] for item in golden_output().tolist()]
    GOLDEN.write_text(json.dumps({"output": rows}) + "\n")
    print(f"wrote {GOLDEN}")
