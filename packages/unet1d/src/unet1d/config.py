"""The shape of a U-Net: one frozen `Level` per depth and a `UNet1dConfig`, both checked when they are made."""

import difflib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Level:
    """One depth of the U-Net: its width, how much shorter it is than the depth above, and what its items hold.

    Args:
        channels: width of the activations at this depth.
        factor: how many positions of the depth above become one position here (1 keeps the length).
        items: how many items stand on the way down; as many again stand on the way up.
        attention: every item ends with self-attention along time.
        cross_attention: every item ends with attention to the context (after self-attention, where both are on).
        inject_channels: width of the tensor that every item at this depth takes in (0 = none).
    """

    channels: int
    factor: int = 1
    items: int = 1
    attention: bool = False
    cross_attention: bool = False
    inject_channels: int = 0

    def __post_init__(self) -> None:
        """Check every value."""
        for key in ("channels", "factor", "items"):
            _check_int("Level", key, getattr(self, key), least=1)
        _check_int("Level", "inject_channels", self.inject_channels, least=0)
        for key in ("attention", "cross_attention"):
            _check_bool("Level", key, getattr(self, key))

    def to_dict(self) -> dict[str, Any]:
        """All fields as a JSON-able dictionary."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Level":
        """The inverse of `to_dict`; an unknown or missing key is a `ValueError` that names it."""
        return from_mapping(cls, values)


@dataclass(frozen=True, kw_only=True)
class UNet1dConfig:
    """Everything that decides the parameters of a `UNet1d`.

    Args:
        in_channels: channels of the noisy signal.
        out_channels: channels of the prediction; `None` means `in_channels`.
        levels: one `Level` per depth, from the longest to the shortest.
        modulation_features: width of the vector that carries the diffusion time into every item and skip.
        context_features: width of the context tokens; needs a level with `cross_attention`, and the reverse.
        global_features: width of the vector that says something of the whole item, such as a class or a pooled text,
            and reaches every item and skip beside the diffusion time (0 = none). Not in the paper.
        global_hidden: width of the layer that it passes through.
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
        least_one = (
            "in_channels",
            "modulation_features",
            "attention_heads",
            "attention_head_features",
            "global_hidden",
            "groups",
            "kernel_size",
            "fourier_features",
        )
        for key in least_one:
            _check_int(name, key, getattr(self, key), least=1)
        if self.out_channels is not None:
            _check_int(name, "out_channels", self.out_channels, least=1)
        _check_int(name, "context_features", self.context_features, least=0)
        _check_int(name, "global_features", self.global_features, least=0)
        _check_bool(name, "zero_init_residual", self.zero_init_residual)
        _check_bool(name, "outer_skip", self.outer_skip)
        factor = self.feed_forward_factor
        if isinstance(factor, bool) or not isinstance(factor, int | float) or not 0 <= factor < math.inf:
            raise ValueError(f"{name}: feed_forward_factor must be a number of 0 (none) or more, not {factor!r}")
        if self.kernel_size % 2 == 0:
            raise ValueError(f"{name}: kernel_size must be odd, so that the length stays, not {self.kernel_size}")
        if self.fourier_features % 2 == 1:
            raise ValueError(f"{name}: fourier_features must be even (sine and cosine), not {self.fourier_features}")

        levels = self.levels
        if not isinstance(levels, tuple | list) or not all(isinstance(level, Level) for level in levels):
            raise ValueError(f"{name}: levels must be a tuple of Level, not {levels!r}")
        if not levels:
            raise ValueError(f"{name}: levels is empty; give at least one Level")
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

    @property
    def factor(self) -> int:
        """How many input positions make one position of the deepest level."""
        return self.factor_at(len(self.levels) - 1)

    def factor_at(self, depth: int) -> int:
        """How many input positions make one position at `depth` (0 is the first level)."""
        if not 0 <= depth < len(self.levels):
            raise ValueError(f"depth must be 0 to {len(self.levels) - 1}, not {depth}")
        return math.prod(level.factor for level in self.levels[: depth + 1])

    def length_at(self, depth: int, length: int) -> int:
        """Length at `depth` for an input of `length` positions: ceil(length / factor_at(depth))."""
        return -(-length // self.factor_at(depth))

    @property
    def inject_channels(self) -> dict[int, int]:
        """Depths that take a tensor in, and its channels."""
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


def from_mapping(cls: type[T], values: Mapping[str, Any]) -> T:
    """Make a config dataclass from its fields; an unknown or missing key is a `ValueError` that names it."""
    if not isinstance(values, Mapping):
        raise ValueError(f"{cls.__name__}: expected a mapping of its fields, not {values!r}")
    known = [field.name for field in fields(cls)]  # type: ignore[arg-type]
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}"
            raise ValueError(f"{cls.__name__}: unknown key {key!r}; {hint}")
    try:
        return cls(**values)
    except TypeError as error:  # a field without a default is missing
        raise ValueError(f"{cls.__name__}: {error}") from None


def _check_int(owner: str, key: str, value: object, *, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{owner}: {key} must be an integer of {least} or more, not {value!r}")


def _check_bool(owner: str, key: str, value: object) -> None:
    if not isinstance(value, bool):
        raise ValueError(f"{owner}: {key} must be True or False, not {value!r}")
