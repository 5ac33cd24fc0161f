"""One level of the U-Net: blocks on the way down, blocks on the way up, and a skip around them."""

from collections.abc import Sequence

from torch import Tensor, nn

from unet1d.attention import Attention, FeedForward
from unet1d.blocks import Downsample, Injection, Modulation, ResidualBlock, Skip, Upsample
from unet1d.config import Level, UNet1dConfig


class UNetBlock(nn.Module):
    """Residual block -> modulation -> injection -> self-attention -> cross-attention, as far as the level has them.

    A feed-forward follows each attention if the config asks for one. Cross-attention takes the keys and values of the
    context, `kv`: they are the same at every diffusion time, so `UNet1d.encode_context` computes them once.

    Args:
        config: config of the whole U-Net.
        level: the level that the block belongs to.
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
        self,
        x: Tensor,
        features: Tensor,
        injected: Tensor | None,
        kv: Tensor | None,
        key_mask: Tensor | None,
        circular: bool = False,
    ) -> Tensor:
        """[B, L, C] -> [B, L, C].

        Args:
            x: activations [B, L, C].
            features: modulation vector [B, F].
            injected: signal [B, L, D], where the level has `inject_channels`.
            kv: keys and values [B, N, 2 * heads * head_features] of the context, where it has cross-attention.
            key_mask: bool [B, N], True = attend to this token; `None` attends to all of them.
            circular: whether the end is followed by the start, see `UNet1d.forward`.
        """
        x = self.modulation(self.residual(x, circular), features)
        if self.injection is not None:
            x = self.injection(x, injected)
        if self.attention is not None:
            x = self.attention(x)
        if self.feed_forward is not None:
            x = self.feed_forward(x)
        if self.cross_attention is not None and kv is not None:
            x = self.cross_attention.attend(x, kv, key_mask)
        if self.cross_feed_forward is not None:
            x = self.cross_feed_forward(x)
        return x


class UNetLevel(nn.Module):
    """One depth: `descend` leads into it, `ascend` out of it again.

        x ─ down ─ down_blocks ─ (deeper levels) ─ up_blocks ─ up ─ (+) ─>
        └─────────────────────────── skip ───────────────────────────┘

    Args:
        config: config of the whole U-Net.
        depth: index of this level in `config.levels`.
    """

    def __init__(self, config: UNet1dConfig, depth: int) -> None:
        super().__init__()
        level = config.levels[depth]
        before = config.levels[depth - 1].channels if depth else config.in_channels
        after = before if depth else config.out_channels or config.in_channels
        self.down = Downsample(before, level.channels, factor=level.factor)
        self.down_blocks = nn.ModuleList(UNetBlock(config, level) for _ in range(level.num_blocks))
        self.up_blocks = nn.ModuleList(UNetBlock(config, level) for _ in range(level.num_blocks))
        self.up = Upsample(level.channels, after, factor=level.factor)
        identity = config.outer_skip or depth > 0
        self.skip = Skip(before, after, features=config.modulation_features, identity=identity)

    def descend(
        self,
        x: Tensor,
        features: Tensor,
        injected: Tensor | None,
        kvs: Sequence[Tensor | None],
        key_mask: Tensor | None,
        circular: bool = False,
    ) -> Tensor:
        """[B, L, C_before] -> [B, ceil(L / factor), C]; `kvs` has one entry per block, otherwise as `UNetBlock`."""
        x = self.down(x)
        for block, kv in zip(self.down_blocks, kvs, strict=True):
            x = block(x, features, injected, kv, key_mask, circular)
        return x

    def ascend(
        self,
        x: Tensor,
        outer: Tensor,
        features: Tensor,
        injected: Tensor | None,
        kvs: Sequence[Tensor | None],
        key_mask: Tensor | None,
        circular: bool = False,
    ) -> Tensor:
        """[B, ceil(L / factor), C] and the input of `descend`, `outer` [B, L, C_before] -> [B, L, C_after]."""
        for block, kv in zip(self.up_blocks, kvs, strict=True):
            x = block(x, features, injected, kv, key_mask, circular)
        x = self.up(x, outer.shape[1], circular)
        skipped: Tensor = self.skip(outer, x, features)
        return skipped
