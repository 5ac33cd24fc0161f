"""The U-Net: noisy signal, diffusion time and conditions in, prediction out."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from unet1d.attention import safe_key_mask
from unet1d.checks import KEY_MASK, check_circle, check_context, check_global, check_inject, check_signal
from unet1d.config import UNet1dConfig
from unet1d.embedding import GlobalEmbedding, TimeEmbedding
from unet1d.level import UNetBlock, UNetLevel


class UNet1d(nn.Module):
    """The U-Net of Moûsai (arXiv 2301.11757, sections 3 and 4): noisy signal and time in, prediction out.

    With T any length, level d works at length ceil(T / f_d), f_d the product of the factors down to it: every level
    fills its input with zeros up to a multiple of its own factor and cuts its output back.

    Args:
        config: sizes of all parts.
    """

    def __init__(self, config: UNet1dConfig) -> None:
        super().__init__()
        self.config = config
        self.checkpointing = False
        self.embedding = TimeEmbedding(config.modulation_features, fourier_features=config.fourier_features)
        self.levels = nn.ModuleList(UNetLevel(config, depth) for depth in range(len(config.levels)))
        self.global_embedding = (
            GlobalEmbedding(config.global_features, config.modulation_features, hidden=config.global_hidden)
            if config.global_features
            else None
        )

    def set_checkpointing(self, enabled: bool) -> None:
        """Keep only the levels' inputs for the backward pass and compute the rest again: less memory, more time."""
        self.checkpointing = enabled

    def forward(
        self,
        x: Tensor,
        t: Tensor,
        *,
        context: Tensor | Mapping[str, Tensor] | None = None,
        context_mask: Tensor | None = None,
        inject: Mapping[int, Tensor] | None = None,
        global_condition: Tensor | None = None,
        circular: bool = False,
    ) -> Tensor:
        """Predict.

        Args:
            x: noisy signal [B, in_channels, T], any T of 1 or more.
            t: diffusion time [B] in [0, 1].
            context: tokens [B, N, context_features] for cross-attention, or the output of `encode_context`.
            context_mask: bool [B, N], True = use this token; `None` uses all of them. An encoded context
                already has its mask in it.
            inject: depth -> signal [B, inject_channels, ceil(T / f_d)], for every depth that has `inject_channels`.
            global_condition: [B, global_features], where the config has them.
            circular: whether x is a circle, whose end is followed by its start, instead of a line with zeros around it:
                every convolution reads across the border. Attention has no positions, so it is circular as it is.
                T must be a multiple of the product of all factors. An input that is rolled along T by a multiple of
                that, with its injected signals, gives the same output, rolled.

        Returns:
            [B, out_channels, T], in the dtype of `x`; the computation is in the dtype of the weights (or of autocast).

        Raises:
            ValueError: a tensor is missing or superfluous, or has another shape than these; t is not a time in [0, 1].
        """
        check_signal(self.config, x, t)
        check_context(self.config, context, context_mask, x.shape[0])
        check_inject(self.config, inject or {}, batch=x.shape[0], length=x.shape[2])
        check_global(self.config, global_condition, x.shape[0])
        check_circle(self.config, x.shape[2], circular)
        dtype = self.embedding.project.weight.dtype
        embedded = None if self.global_embedding is None else self.global_embedding(global_condition)
        features = self.embedding(t, embedded)
        if isinstance(context, Tensor):
            context = self.encode_context(context, context_mask)
        encoded = context or {}
        key_mask = encoded.get(KEY_MASK)
        injected = {depth: _time_major(signal.to(dtype)) for depth, signal in (inject or {}).items()}

        h = _time_major(x.to(dtype))
        levels = cast(list[UNetLevel], list(self.levels))
        outer: list[Tensor] = []
        for depth, level in enumerate(levels):
            outer.append(h)
            kvs = [encoded.get(f"{depth}.down.{k}") for k in range(len(level.down_blocks))]
            h = self._run(level.descend, h, features, injected.get(depth), kvs, key_mask, circular)
        for depth, level in reversed(list(enumerate(levels))):
            kvs = [encoded.get(f"{depth}.up.{k}") for k in range(len(level.up_blocks))]
            h = self._run(level.ascend, h, outer.pop(), features, injected.get(depth), kvs, key_mask, circular)
        return h.transpose(1, 2).to(x.dtype)

    def encode_context(self, context: Tensor, mask: Tensor | None = None) -> dict[str, Tensor]:
        """Compute the keys and values of every cross-attention, which are the same at each diffusion time.

        Args:
            context: tokens [B, N, context_features].
            mask: bool [B, N], True = use this token; `None` uses all of them.

        Returns:
            Tensors [B, N, ...] by name, which `forward` takes as its `context`.

        Raises:
            ValueError: the U-Net has no cross-attention, or a tensor has another shape than these.
        """
        check_context(self.config, context, mask, context.shape[0])
        context = context.to(self.embedding.project.weight.dtype)
        encoded = {} if mask is None else {KEY_MASK: safe_key_mask(mask)}
        for depth, level in enumerate(cast(list[UNetLevel], list(self.levels))):
            for way, blocks in (("down", level.down_blocks), ("up", level.up_blocks)):
                for k, block in enumerate(cast(list[UNetBlock], list(blocks))):
                    if block.cross_attention is not None:
                        encoded[f"{depth}.{way}.{k}"] = block.cross_attention.encode_kv(context, mask)
        return encoded

    def _run(self, function: Callable[..., Tensor], *arguments: Any) -> Tensor:
        if self.checkpointing and torch.is_grad_enabled():
            result: Tensor = checkpoint(function, *arguments, use_reentrant=False)
            return result
        return function(*arguments)


def _time_major(x: Tensor) -> Tensor:
    return x.transpose(1, 2).contiguous()
