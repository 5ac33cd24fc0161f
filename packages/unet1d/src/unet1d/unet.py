"""The U-Net: levels inside levels, each of them items down, the deeper levels, items up, and a skip around it all."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from unet1d.attention import Attention, FeedForward, usable_tokens
from unet1d.blocks import Downsample, Injection, Modulation, ResidualBlock, Skip, Upsample
from unet1d.config import Level, UNet1dConfig
from unet1d.embedding import GlobalEmbedding, TimeEmbedding

_USABLE = "usable"
"""Under which name `UNet1d.read_context` keeps the mask."""


class Item(nn.Module):
    """Residual block -> modulation -> injection -> self-attention -> cross-attention, as far as the level has them.

    A feed-forward follows each attention if the config asks for one. Cross-attention is given what it `read` of the
    context, which is the same at every diffusion time.
    """

    def __init__(self, config: UNet1dConfig, level: Level) -> None:
        super().__init__()
        channels, zero_init = level.channels, config.zero_init_residual
        self.residual = ResidualBlock(
            channels, groups=config.groups, kernel_size=config.kernel_size, zero_init=zero_init
        )
        self.modulation = Modulation(channels, features=config.modulation_features)
        self.injection = Injection(channels, level.inject_channels) if level.inject_channels else None

        def attention(context_features: int) -> Attention:
            return Attention(
                channels,
                heads=config.attention_heads,
                head_features=config.attention_head_features,
                context_features=context_features,
                zero_init=zero_init,
            )

        def feed_forward() -> FeedForward | None:
            factor = config.feed_forward_factor
            return FeedForward(channels, factor=factor, zero_init=zero_init) if factor else None

        self.attention = attention(0) if level.attention else None
        self.feed_forward = feed_forward() if level.attention else None
        self.cross_attention = attention(config.context_features) if level.cross_attention else None
        self.cross_feed_forward = feed_forward() if level.cross_attention else None

    def forward(
        self, x: Tensor, features: Tensor, injected: Tensor | None, read: Tensor | None, usable: Tensor | None
    ) -> Tensor:
        """[B, L, C] -> [B, L, C]."""
        x = self.modulation(self.residual(x), features)
        if self.injection is not None:
            x = self.injection(x, injected)
        if self.attention is not None:
            x = self.attention(x)
        if self.feed_forward is not None:
            x = self.feed_forward(x)
        if self.cross_attention is not None and read is not None:
            x = self.cross_attention.attend(x, read, usable)
        if self.cross_feed_forward is not None:
            x = self.cross_feed_forward(x)
        return x


class UNetLevel(nn.Module):
    """One depth: `descend` leads into it, `ascend` out of it again.

        x ─ down ─ items_down ─ (deeper levels) ─ items_up ─ up ─ (+) ─>
        └────────────────────────── skip ─────────────────────────┘

    Args:
        config: the whole U-Net's config.
        depth: which of its levels this is.
    """

    def __init__(self, config: UNet1dConfig, depth: int) -> None:
        super().__init__()
        level = config.levels[depth]
        before = config.levels[depth - 1].channels if depth else config.in_channels
        after = before if depth else config.out_channels or config.in_channels
        self.down = Downsample(before, level.channels, factor=level.factor)
        self.items_down = nn.ModuleList(Item(config, level) for _ in range(level.items))
        self.items_up = nn.ModuleList(Item(config, level) for _ in range(level.items))
        self.up = Upsample(level.channels, after, factor=level.factor)
        identity = config.outer_skip or depth > 0
        self.skip = Skip(before, after, features=config.modulation_features, identity=identity)

    def descend(
        self,
        x: Tensor,
        features: Tensor,
        injected: Tensor | None,
        reads: Sequence[Tensor | None],
        usable: Tensor | None,
    ) -> Tensor:
        """[B, L, C_before] -> [B, ceil(L / factor), C]; `reads` holds what each item has read of the context."""
        x = self.down(x)
        for item, read in zip(self.items_down, reads, strict=True):
            x = item(x, features, injected, read, usable)
        return x

    def ascend(
        self,
        x: Tensor,
        outer: Tensor,
        features: Tensor,
        injected: Tensor | None,
        reads: Sequence[Tensor | None],
        usable: Tensor | None,
    ) -> Tensor:
        """[B, ceil(L / factor), C] and what `descend` was given, [B, L, C_before] -> [B, L, C_after]."""
        for item, read in zip(self.items_up, reads, strict=True):
            x = item(x, features, injected, read, usable)
        x = self.up(x, outer.shape[1])
        skipped: Tensor = self.skip(outer, x, features)
        return skipped


class UNet1d(nn.Module):
    """The U-Net of Moûsai (arXiv 2301.11757, sections 3 and 4): noisy signal and time in, prediction out.

    With T any length, level d works at length ceil(T / f_d), f_d the product of the factors down to it: every level
    fills its input with zeros up to a multiple of its own factor and cuts its output back.

    Args:
        config: sizes of everything.
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
    ) -> Tensor:
        """Predict.

        Args:
            x: noisy signal [B, in_channels, T], any T of 1 or more.
            t: diffusion time [B] in [0, 1].
            context: tokens [B, N, context_features] for cross-attention, or what `read_context` made of them.
            context_mask: bool [B, N], True = use this token; `None` uses all of them. What was read has its mask.
            inject: depth -> signal [B, inject_channels, ceil(T / f_d)], for every depth that has `inject_channels`.
            global_condition: [B, global_features], where the config has them.

        Returns:
            [B, out_channels, T], in the type of `x`; the computation is in the type of the weights (or of autocast).

        Raises:
            ValueError: a tensor is missing, is not wanted, or has another shape than these.
        """
        self._check(x, t, context, context_mask, inject)
        self._check_global(global_condition, x.shape[0])
        dtype = self.embedding.project.weight.dtype
        known = None if self.global_embedding is None else self.global_embedding(global_condition)
        features = self.embedding(t, known)
        if isinstance(context, Tensor):
            context = self.read_context(context, context_mask)
        reads = context or {}
        usable = reads.get(_USABLE)
        injected = {depth: _time_major(signal.to(dtype)) for depth, signal in (inject or {}).items()}

        h = _time_major(x.to(dtype))
        levels = cast(list[UNetLevel], list(self.levels))
        outer: list[Tensor] = []
        for depth, level in enumerate(levels):
            outer.append(h)
            mine = [reads.get(f"{depth}.down.{k}") for k in range(len(level.items_down))]
            h = self._run(level.descend, h, features, injected.get(depth), mine, usable)
        for depth, level in reversed(list(enumerate(levels))):
            mine = [reads.get(f"{depth}.up.{k}") for k in range(len(level.items_up))]
            h = self._run(level.ascend, h, outer.pop(), features, injected.get(depth), mine, usable)
        return h.transpose(1, 2).to(x.dtype)

    def read_context(self, context: Tensor, mask: Tensor | None = None) -> dict[str, Tensor]:
        """What every cross-attention reads of a context: the same at each diffusion time, so it is made once per piece.

        Args:
            context: tokens [B, N, context_features].
            mask: bool [B, N], True = use this token; `None` uses all of them.

        Returns:
            Tensors [B, N, ...] by name, which `forward` takes as its `context`.

        Raises:
            ValueError: there is no cross-attention, or a shape is another than these.
        """
        self._check_context(context, mask, context.shape[0])
        context = context.to(self.embedding.project.weight.dtype)
        reads = {} if mask is None else {_USABLE: usable_tokens(mask)}
        for depth, level in enumerate(cast(list[UNetLevel], list(self.levels))):
            for way, items in (("down", level.items_down), ("up", level.items_up)):
                for k, item in enumerate(cast(list[Item], list(items))):
                    if item.cross_attention is not None:
                        reads[f"{depth}.{way}.{k}"] = item.cross_attention.read(context, mask)
        return reads

    def _run(self, function: Callable[..., Tensor], *arguments: Any) -> Tensor:
        if self.checkpointing and torch.is_grad_enabled():
            result: Tensor = checkpoint(function, *arguments, use_reentrant=False)
            return result
        return function(*arguments)

    def _check(
        self,
        x: Tensor,
        t: Tensor,
        context: Tensor | Mapping[str, Tensor] | None,
        context_mask: Tensor | None,
        inject: Mapping[int, Tensor] | None,
    ) -> None:
        config = self.config
        if x.ndim != 3 or x.shape[1] != config.in_channels or x.shape[2] < 1:
            raise ValueError(
                f"x: expected [batch, channels={config.in_channels}, length of 1 or more], got {list(x.shape)}"
            )
        batch, _, length = x.shape
        if t.shape != (batch,):
            raise ValueError(f"t: expected [batch={batch}], got {list(t.shape)}")

        self._check_context(context, context_mask, batch)

        given = inject or {}
        wanted = config.inject_channels
        for depth in given:
            if depth not in wanted:
                raise ValueError(
                    f"inject[{depth}]: nothing is injected there; depths with inject_channels: {list(wanted) or 'none'}"
                )
        for depth, channels in wanted.items():
            shape = (batch, channels, config.length_at(depth, length))
            expected = (
                f"[batch={batch}, channels={channels}, length={shape[2]}] "
                f"(= ceil({length} / {config.factor_at(depth)}))"
            )
            if depth not in given:
                raise ValueError(f"inject[{depth}] is missing: expected {expected}")
            if given[depth].shape != shape:
                raise ValueError(f"inject[{depth}]: expected {expected}, got {list(given[depth].shape)}")

    def _check_global(self, condition: Tensor | None, batch: int) -> None:
        width = self.config.global_features
        if condition is None and width:
            raise ValueError(f"global_condition is missing: expected [batch={batch}, features={width}]")
        if condition is not None and not width:
            raise ValueError("global_condition given, but global_features of this U-Net is 0")
        if condition is not None and condition.shape != (batch, width):
            raise ValueError(
                f"global_condition: expected [batch={batch}, features={width}], got {list(condition.shape)}"
            )

    def _check_context(self, context: Tensor | Mapping[str, Tensor] | None, mask: Tensor | None, batch: int) -> None:
        width = self.config.context_features
        expected = f"[batch={batch}, tokens of 1 or more, features={width}]"
        if context is None:
            if width:
                raise ValueError(
                    f"context is missing: this U-Net has cross-attention to tokens [batch={batch}, tokens, "
                    f"features={width}]"
                )
            if mask is not None:
                raise ValueError("context_mask given without context")
            return
        if not width:
            raise ValueError("context given, but no level of this U-Net has cross_attention")
        if not isinstance(context, Tensor):
            self._check_read(context, mask, batch)
            return
        if context.ndim != 3 or context.shape[0] != batch or context.shape[1] < 1 or context.shape[2] != width:
            raise ValueError(f"context: expected {expected}, got {list(context.shape)}")
        if mask is None:
            return
        if mask.shape != context.shape[:2]:
            raise ValueError(
                f"context_mask: expected [batch={batch}, tokens={context.shape[1]}], got {list(mask.shape)}"
            )
        if mask.dtype != torch.bool:
            raise ValueError(f"context_mask: expected bool (True = use this token), got {mask.dtype}")

    def _check_read(self, context: Mapping[str, Tensor], mask: Tensor | None, batch: int) -> None:
        if mask is not None:
            raise ValueError("context_mask: what was read of a context has its mask in it; give it to read_context")
        wanted = {
            f"{depth}.{way}.{k}"
            for depth, level in enumerate(self.config.levels)
            if level.cross_attention
            for way in ("down", "up")
            for k in range(level.items)
        }
        if set(context) - {_USABLE} != wanted:
            raise ValueError("context: is no tensor and not what read_context of this U-Net gives")
        if any(tensor.shape[0] != batch for tensor in context.values()):
            raise ValueError(f"context: was read for another number of items than batch={batch}")


def _time_major(x: Tensor) -> Tensor:
    return x.transpose(1, 2).contiguous()
