"""The authors' classes beside ours: key maps, which copy random weights from theirs to ours, and how near is equal.

Key maps are ours -> theirs, and how the tensor is laid out.
"""

from collections.abc import Iterator
from typing import Any

import torch
from einops import rearrange
from torch import Tensor, nn

from dmae import DMAEConfig
from unet1d import UNet1dConfig

Keys = Iterator[tuple[str, str, str]]
AS_IT_IS = "... -> ..."


def both(ours: str, theirs: str, layout: str = AS_IT_IS) -> Keys:
    """A weight, laid out anew, and its bias."""
    yield f"{ours}.weight", f"{theirs}.weight", layout
    yield f"{ours}.bias", f"{theirs}.bias", AS_IT_IS


def copy_weights(keys: Keys, theirs: nn.Module, ours: nn.Module, *, ignored: tuple[str, ...] = ()) -> None:
    """Random weights for theirs and the same for ours; every key of either has to be in `keys` or in `ignored`."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    given = theirs.state_dict()
    made, used = {}, set(ignored)
    for here, there, layout in keys:
        made[here] = given[there] if layout == AS_IT_IS else rearrange(given[there], layout)
        used.add(there)
    assert not given.keys() - used
    ours.load_state_dict(made)


def encoder_keys(config: DMAEConfig) -> Keys:
    """Ours, of an `encoder`, -> theirs, of an `Encoder1d`."""
    encoder = config.encoder

    def residual(ours: str, theirs: str) -> Keys:
        for half in (1, 2):
            yield from both(f"{ours}.norm{half}", f"{theirs}.block{half}.groupnorm")
            yield from both(f"{ours}.conv{half}", f"{theirs}.block{half}.project", "o i k -> o k i")

    yield from residual("to_in", "to_in.block")
    if config.spectrogram_channels != encoder.widths[0] // encoder.patch_size:
        yield from both("to_in.adapt", "to_in.block.to_out", "o i 1 -> o i")
    for stage, blocks in enumerate(encoder.blocks):
        yield from both(f"stages.{stage}.0", f"downsamples.{stage}.downsample", "o i k -> o k i")
        for block in range(blocks):
            yield from residual(f"stages.{stage}.{block + 1}", f"downsamples.{stage}.blocks.{block}")
    if encoder.project:
        yield from both("to_out", "to_out", "o i 1 -> o i")


def unet_keys(config: UNet1dConfig) -> Keys:
    """Ours, of a `UNet1d` without attention, -> theirs, of a `UNetV0`."""
    yield "embedding.frequencies", "blocks.0.weights", AS_IT_IS
    yield from both("embedding.project", "blocks.0.to_out")
    yield from both("embedding.mix", "blocks.1.blocks.0.0")
    outer = "blocks.2.net."
    for depth, level in enumerate(config.levels):
        ours, theirs = f"levels.{depth}.", f"{outer}block.blocks."
        yield from both(f"{ours}down.project", f"{theirs}0.block", "o i f -> o (f i)")
        before = config.levels[depth - 1].channels if depth else config.in_channels
        after = before if depth else config.out_channels or config.in_channels
        if before != after:
            yield from both(f"{ours}skip.adapt", f"{outer}skip_adapter.block", "o i 1 -> o i")
        yield from both(f"{ours}skip.to_scale", f"{outer}skip.blocks.0.1")
        place = 1
        for items in ("down_blocks", "up_blocks"):
            for index in range(level.num_blocks):
                item = f"{ours}{items}.{index}."
                for half in (1, 2):
                    block = f"{theirs}{place}.block.blocks.0.blocks.{half - 1}"
                    yield from both(f"{item}residual.norm{half}", f"{block}.0")
                    yield from both(f"{item}residual.conv{half}", f"{block}.2", "o i k -> o k i")
                yield from both(f"{item}modulation.to_scale_shift", f"{theirs}{place + 1}.blocks.0.block.blocks.0.1")
                place += 2
                if level.inject_channels:
                    yield from both(f"{item}injection.merge", f"{theirs}{place}.block.blocks.0", "o i 1 -> o i")
                    place += 1
            if items == "down_blocks" and depth < len(config.levels) - 1:
                outer = f"{theirs}{place}."
                place += 1
        yield from both(f"{ours}up.conv", f"{theirs}{place}.block.1", "o i k -> o k i")


def under(prefix_here: str, prefix_there: str, keys: Keys) -> Keys:
    for here, there, layout in keys:
        yield prefix_here + here, prefix_there + there, layout


# One module of theirs stands twice in a list.
TWICE = ("blocks.1.blocks.1.0.weight", "blocks.1.blocks.1.0.bias")


def settings_of(net: UNet1dConfig) -> dict[str, Any]:
    """A U-Net's settings in their words."""
    return {
        "channels": [level.channels for level in net.levels],
        "factors": [level.factor for level in net.levels],
        "items": [level.num_blocks for level in net.levels],
        "modulation_features": net.modulation_features,
        "resnet_groups": net.groups,
    }


def assert_parity(ours: Tensor, theirs: Tensor, limit: float) -> None:
    assert ours.shape == theirs.shape
    error = ((ours - theirs).abs().max() / theirs.abs().max()).item()
    assert error <= limit, error
