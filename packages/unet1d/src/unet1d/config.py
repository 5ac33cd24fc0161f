"""Shape of a U-Net: one frozen `Level` per depth and a `UNet1dConfig`, both checked when they are made."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from unet1d.fields import from_mapping, set_bool, set_float, set_int

MOST_BLOCKS = 1024
"""Most blocks of one net on the way down; the paper's largest has 26."""


@dataclass(frozen=True, kw_only=True)
class Level:
    """One depth of the U-Net: its width, its length relative to the depth above, and the parts of its blocks.

    Args:
        channels: width of the activations at this depth.
        factor: number of positions of the depth above that become one position here (1 keeps the length).
        num_blocks: number of blocks on the way down; the way up has as many again.
        attention: whether every block has self-attention along time.
        cross_attention: whether every block has attention to the context, after self-attention where both are on.
        inject_channels: width of the signal that every block at this depth takes in (0 = none).
    """

    channels: int
    factor: int = 1
    num_blocks: int = 1
    attention: bool = False
    cross_attention: bool = False
    inject_channels: int = 0

    def __post_init__(self) -> None:
        """Check every value."""
        for key in ("channels", "factor"):
            set_int(self, key, least=1)
        set_int(self, "num_blocks", least=1, most=MOST_BLOCKS)
        set_int(self, "inject_channels", least=0)
        for key in ("attention", "cross_attention"):
            set_bool(self, key)

    def to_dict(self) -> dict[str, Any]:
        """All fields as a JSON-able dictionary."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Level":
        """The inverse of `to_dict`; an unknown or missing key is a `ValueError` that names it."""
        return from_mapping(cls, values)


@dataclass(frozen=True, kw_only=True)
class UNet1dConfig:
    """Sizes of a `UNet1d`: all that decides its parameters.

    `from_lists` makes one from lists with one entry per level. The defaults are the paper's, for nets of hundreds of
    millions of parameters; a net of a few million trains faster with

    - `outer_skip=False`: its first prediction is near zero and not a copy of the noisy input;
    - `zero_init_residual=True`: every residual branch starts at zero;
    - `modulation_features` about as wide as its widest level: 1024 would hold most of a small net's parameters.

    Args:
        in_channels: channels of the noisy signal.
        out_channels: channels of the prediction; `None` means `in_channels`.
        levels: one `Level` per depth, from the longest to the shortest.
        modulation_features: width of the vector that carries the diffusion time into every block and skip.
        context_features: width of the context tokens; needs a level with `cross_attention`, and the reverse.
        global_features: width of a vector about the whole signal, such as a class or a pooled text, that reaches every
            block and skip beside the diffusion time (0 = none). Not in the paper.
        global_hidden: width of the hidden layer that embeds that vector.
        attention_heads: heads of every attention.
        attention_head_features: features of each head.
        feed_forward_factor: hidden width of the feed-forward after each attention, as a multiple of the level's
            channels (0 = no feed-forward).
        groups: groups of every group normalisation; divides every level's channels.
        kernel_size: taps of the residual blocks' convolutions, odd.
        fourier_features: sines and cosines that describe the diffusion time, even.
        zero_init_residual: start every residual branch (convolutional block, attention, feed-forward) at zero. Not in
            the paper; helps small models in their first thousand steps.
        outer_skip: add the noisy input to the output, as the paper does. Without it the first prediction is near zero,
            the best guess of v for unit-variance data, where the paper's net has to unlearn "v is x_t" first.
    """

    in_channels: int
    out_channels: int | None = None
    levels: tuple[Level, ...]
    modulation_features: int = 1024
    context_features: int = 0
    global_features: int = 0
    global_hidden: int = 64
    attention_heads: int = 8
    attention_head_features: int = 64
    feed_forward_factor: float = 0.0
    groups: int = 8
    kernel_size: int = 3
    fourier_features: int = 256
    zero_init_residual: bool = False
    outer_skip: bool = True

    def __post_init__(self) -> None:
        """Check every value and how the values fit together."""
        name = "UNet1dConfig"
        for key in ("in_channels", "modulation_features", "attention_heads", "attention_head_features"):
            set_int(self, key, least=1)
        for key in ("global_hidden", "groups", "kernel_size", "fourier_features"):
            set_int(self, key, least=1)
        if self.out_channels is not None:
            set_int(self, "out_channels", least=1)
        for key in ("context_features", "global_features"):
            set_int(self, key, least=0)
        for key in ("zero_init_residual", "outer_skip"):
            set_bool(self, key)
        set_float(self, "feed_forward_factor", least=0, hint=" (none)")
        if self.kernel_size % 2 == 0:
            raise ValueError(f"{name}: kernel_size must be odd, so that the length stays, not {self.kernel_size}")
        if self.fourier_features % 2 == 1:
            raise ValueError(f"{name}: fourier_features must be even (sine and cosine), not {self.fourier_features}")

        levels = self.levels
        if not isinstance(levels, tuple | list) or not all(isinstance(level, Level) for level in levels):
            raise ValueError(f"{name}: levels must be a tuple of Level, not {levels!r}; or use UNet1dConfig.from_lists")
        if not levels:
            raise ValueError(f"{name}: levels is empty; give at least one Level")
        if (blocks := sum(level.num_blocks for level in levels)) > MOST_BLOCKS:
            raise ValueError(f"{name}: levels have {blocks} blocks together; {MOST_BLOCKS} are the most")
        object.__setattr__(self, "levels", tuple(levels))
        for depth, level in enumerate(levels):
            if level.channels % self.groups:
                raise ValueError(
                    f"{name}: levels[{depth}].channels={level.channels} is not a multiple of groups={self.groups}; "
                    "change one of them"
                )
        crossing = [depth for depth, level in enumerate(levels) if level.cross_attention]
        if crossing and not self.context_features:
            raise ValueError(
                f"{name}: levels {crossing} have cross_attention but context_features=0; "
                "give the width of the context tokens"
            )
        if self.context_features and not crossing:
            raise ValueError(
                f"{name}: context_features={self.context_features} but no level has cross_attention; "
                "turn it on at one level or set context_features=0"
            )

    @classmethod
    def from_lists(
        cls,
        channels: Sequence[int],
        factors: Sequence[int],
        num_blocks: Sequence[int],
        attentions: Sequence[bool] | None = None,
        cross_attentions: Sequence[bool] | None = None,
        *,
        inject: Mapping[int, int] | None = None,
        **settings: Any,
    ) -> "UNet1dConfig":
        """Make a config from lists with one entry per level, from the longest level to the shortest.

        Two settings are derived unless given: `modulation_features` is the widest level's channels, which are 1024 in
        both of the paper's nets, and `groups` is the largest of 8, 4, 2, 1 that divides all channels. For a small net
        give `outer_skip=False` and `zero_init_residual=True` too.

        Args:
            channels: width of each level.
            factors: downsampling on the way into each level; the first is usually 1.
            num_blocks: blocks of each level, on the way down and again on the way up.
            attentions: whether each level has self-attention; 0 and 1 will do. By default none has.
            cross_attentions: whether each level has attention to the context; needs `context_features`.
            inject: depth -> channels of the signal that is injected there, for example `{4: 32}`.
            settings: the other fields; `in_channels` is needed.

        Raises:
            ValueError: lists of different lengths, an impossible depth or value, an unknown or missing field.
        """
        depths = len(channels)
        lists: dict[str, Sequence[Any] | None] = {
            "factors": factors,
            "num_blocks": num_blocks,
            "attentions": attentions,
            "cross_attentions": cross_attentions,
        }
        for name, entries in lists.items():
            if entries is not None and len(entries) != depths:
                raise ValueError(
                    f"{name}={list(entries)}: {len(entries)} entries beside {depths} channels {list(channels)}; "
                    "give one per level"
                )
        for depth in inject or {}:
            if depth not in range(depths):
                raise ValueError(f"inject: there is no depth {depth!r}; the depths are 0 to {depths - 1}")
        levels = tuple(
            Level(
                channels=channels[depth],
                factor=factors[depth],
                num_blocks=num_blocks[depth],
                attention=_is_on("attentions", attentions, depth),
                cross_attention=_is_on("cross_attentions", cross_attentions, depth),
                inject_channels=(inject or {}).get(depth, 0),
            )
            for depth in range(depths)
        )
        derived = {
            "modulation_features": max((level.channels for level in levels), default=1),
            "groups": math.gcd(8, *(level.channels for level in levels)),
        }
        return from_mapping(cls, {**derived, **settings, "levels": levels})

    @property
    def factor(self) -> int:
        """Number of input positions that make one position of the deepest level."""
        return self.factor_at(len(self.levels) - 1)

    def factor_at(self, depth: int) -> int:
        """Number of input positions that make one position at `depth` (0 is the first level)."""
        if not 0 <= depth < len(self.levels):
            raise ValueError(f"depth must be 0 to {len(self.levels) - 1}, not {depth}")
        return math.prod(level.factor for level in self.levels[: depth + 1])

    def length_at(self, depth: int, length: int) -> int:
        """Length at `depth` for an input of `length` positions: ceil(length / factor_at(depth))."""
        return -(-length // self.factor_at(depth))

    @property
    def inject_channels(self) -> dict[int, int]:
        """Depths that take a signal in, and its channels."""
        return {depth: level.inject_channels for depth, level in enumerate(self.levels) if level.inject_channels}

    def to_dict(self) -> dict[str, Any]:
        """All fields as a JSON-able dictionary, `levels` as a list of dictionaries."""
        return {**asdict(self), "levels": [level.to_dict() for level in self.levels]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "UNet1dConfig":
        """The inverse of `to_dict`; an unknown or missing key is a `ValueError` that names it."""
        if isinstance(values, Mapping) and isinstance(values.get("levels"), list | tuple):
            levels = tuple(x if isinstance(x, Level) else Level.from_dict(x) for x in values["levels"])
            values = {**values, "levels": levels}
        return from_mapping(cls, values)


def _is_on(name: str, flags: Sequence[Any] | None, depth: int) -> bool:
    """Entry `depth` of a list of flags, in which 0 and 1 stand for False and True."""
    if flags is None:
        return False
    if flags[depth] not in (0, 1):
        raise ValueError(f"{name}[{depth}] must be True or False (or 1 or 0), not {flags[depth]!r}")
    return bool(flags[depth])
