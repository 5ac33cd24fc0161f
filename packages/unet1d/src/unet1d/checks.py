"""Checks of the tensors that a U-Net is called with; each error names the argument, its shape and the expected one."""

from collections.abc import Mapping

import torch
from torch import Tensor

from unet1d.config import UNet1dConfig

KEY_MASK = "key_mask"
"""Name of the mask in the output of `UNet1d.encode_context`."""


def check_signal(config: UNet1dConfig, x: Tensor, t: Tensor) -> None:
    """Raise a ValueError unless x is [B, in_channels, T] and t holds B times in [0, 1]."""
    if x.ndim != 3 or x.shape[1] != config.in_channels or x.shape[2] < 1:
        raise ValueError(
            f"x: expected [batch, channels={config.in_channels}, length of 1 or more], got {list(x.shape)}"
        )
    if t.shape != x.shape[:1]:
        raise ValueError(f"t: expected [batch={x.shape[0]}], got {list(t.shape)}")
    if not t.is_floating_point():
        raise ValueError(f"t: expected floating-point times in [0, 1], got {t.dtype}; divide timesteps by their number")
    if _is_readable(t) and not bool(((t >= 0) & (t <= 1)).all()):
        got = f"{float(t.min()):g} to {float(t.max()):g}"
        raise ValueError(f"t: expected times in [0, 1], got {got}; divide timesteps by their number")


def _is_readable(t: Tensor) -> bool:
    """Tell whether looking at the values is cheap and allowed.

    On a GPU it would wait for the device. A compiled, fake or vmapped tensor has no values that Python may see.
    """
    if torch.compiler.is_compiling() or t.device.type != "cpu":
        return False
    return type(t) is Tensor and not torch._C._functorch.is_functorch_wrapped_tensor(t)


def check_context(
    config: UNet1dConfig, context: Tensor | Mapping[str, Tensor] | None, mask: Tensor | None, batch: int
) -> None:
    """Raise a ValueError unless the context, as tokens or encoded, and its mask are what the config asks for."""
    width = config.context_features
    expected = f"[batch={batch}, tokens of 1 or more, features={width}]"
    if context is None:
        if width:
            raise ValueError(
                f"context is missing: this U-Net attends to tokens [batch={batch}, tokens, features={width}]"
            )
        if mask is not None:
            raise ValueError("context_mask given without context; give both or neither")
        return
    if not width:
        raise ValueError("context given, but no level of this U-Net has cross_attention; leave context out")
    if not isinstance(context, Tensor):
        _check_encoded(config, context, mask, batch)
        return
    if context.ndim != 3 or context.shape[0] != batch or context.shape[1] < 1 or context.shape[2] != width:
        raise ValueError(f"context: expected {expected}, got {list(context.shape)}")
    if mask is None:
        return
    if mask.shape != context.shape[:2]:
        raise ValueError(f"context_mask: expected [batch={batch}, tokens={context.shape[1]}], got {list(mask.shape)}")
    if mask.dtype != torch.bool:
        raise ValueError(f"context_mask: expected bool (True = use this token), got {mask.dtype}")


def _check_encoded(config: UNet1dConfig, context: Mapping[str, Tensor], mask: Tensor | None, batch: int) -> None:
    if mask is not None:
        raise ValueError("context_mask: an encoded context has its mask in it; give the mask to encode_context")
    wanted = {
        f"{depth}.{way}.{k}"
        for depth, level in enumerate(config.levels)
        if level.cross_attention
        for way in ("down", "up")
        for k in range(level.num_blocks)
    }
    if set(context) - {KEY_MASK} != wanted:
        raise ValueError("context: neither a tensor nor the output of this U-Net's encode_context")
    for tensor in context.values():
        if tensor.shape[0] != batch:
            raise ValueError(f"context: was encoded for a batch of {tensor.shape[0]}, x is a batch of {batch}")


def check_inject(config: UNet1dConfig, inject: Mapping[int, Tensor], *, batch: int, length: int) -> None:
    """Raise a ValueError unless there is a signal of the right shape for every depth that takes one, and no other."""
    wanted = config.inject_channels
    for depth in inject:
        if depth not in wanted:
            raise ValueError(
                f"inject[{depth}]: nothing is injected there; depths with inject_channels: {list(wanted) or 'none'}"
            )
    for depth, channels in wanted.items():
        shape = (batch, channels, config.length_at(depth, length))
        expected = (
            f"[batch={batch}, channels={channels}, length={shape[2]}] (= ceil({length} / {config.factor_at(depth)}))"
        )
        if depth not in inject:
            raise ValueError(f"inject[{depth}] is missing: expected {expected}")
        if inject[depth].shape != shape:
            raise ValueError(f"inject[{depth}]: expected {expected}, got {list(inject[depth].shape)}")


def check_global(config: UNet1dConfig, condition: Tensor | None, batch: int) -> None:
    """Raise a ValueError unless the global condition is [B, global_features], or absent where the config has none."""
    width = config.global_features
    if condition is None and width:
        raise ValueError(f"global_condition is missing: expected [batch={batch}, features={width}]")
    if condition is not None and not width:
        raise ValueError("global_condition given, but global_features of this U-Net is 0; leave it out")
    if condition is not None and condition.shape != (batch, width):
        raise ValueError(f"global_condition: expected [batch={batch}, features={width}], got {list(condition.shape)}")


def check_circle(config: UNet1dConfig, length: int, circular: bool) -> None:
    """Raise a ValueError where a circle's length is no multiple of the product of all factors: it would not close."""
    if circular and length % config.factor:
        raise ValueError(f"x: a circle must be a multiple of {config.factor} long (all factors together), got {length}")
