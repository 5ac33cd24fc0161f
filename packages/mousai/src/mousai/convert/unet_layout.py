"""The authors' `UNetV0` (a_unet 0.0.16 under audio-diffusion-pytorch 0.1.x) and `UNet1d`: sizes and keys.

    blocks.0 time -> Fourier features   blocks.1 two layers that are one   blocks.2 the U-Net, perhaps behind text
    a level:  block.blocks.0 down │ items │ the next level │ items │ up    skip, skip_adapter beside block

Their two layers after the Fourier features are one module twice, so its tensors stand under two keys.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mousai.convert.rules import LayoutError, Rule, weight_and_bias
from mousai.convert.settings import Settings
from mousai.errors import UserError
from unet1d import Level, UNet1dConfig

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class UNetPlace:
    """Places of the parts of a `UNetV0` in a state dict.

    Args:
        time: prefix of its time conditioning, ends with ".".
        net: prefix of its first level, ends with ".".
    """

    time: str
    net: str


@dataclass(frozen=True)
class _Block:
    """One level as it stands in the file: the kinds of its items and what their shapes tell."""

    channels: int
    before: int
    after: int
    factor: int
    items: int
    inject: int
    attentions: tuple[int, ...]  # width that the keys of each attention of an item are made from
    attention_width: int


def infer_unet(
    shapes: Shapes, place: UNetPlace, settings: Settings, *, context: int | None, may_read_text: bool
) -> UNet1dConfig:
    """Read the sizes of a U-Net off the shapes of its tensors.

    Args:
        shapes: key -> shape.
        place: where it stands.
        settings: for what is not in the shapes: heads, groups and, rarely, which levels read the embedding.
        context: width of the embedding, where it is known from elsewhere.
        may_read_text: False where no level can read an embedding.

    Raises:
        LayoutError: a key is not as in this layout, or the shapes leave something open; says what to give.
    """
    blocks = list(_blocks(shapes, place.net))
    groups = settings.whole("resnet_groups", default=8)
    widths = {block.attention_width for block in blocks if block.attentions}
    heads = settings.whole("attention_heads", ask=f"N, a divisor of {max(widths)}") if widths else 8
    if len(widths) > 1 or any(width % heads for width in widths):
        raise LayoutError(f"attention of {sorted(widths)} features does not divide into attention_heads={heads}")
    crossing = _crossing(blocks, settings, context=context, may_read_text=may_read_text)
    read = _read_widths(blocks, crossing, context)
    features = read.pop() if read else 0
    mixed = _shape(shapes, f"{place.time}blocks.0.to_out.weight", 2)
    try:
        levels = tuple(
            Level(
                channels=block.channels,
                factor=block.factor,
                num_blocks=block.items,
                attention=len(block.attentions) > int(cross),
                cross_attention=cross,
                inject_channels=block.inject,
            )
            for block, cross in zip(blocks, crossing, strict=True)
        )
        return UNet1dConfig(
            in_channels=blocks[0].before,
            out_channels=None if blocks[0].after == blocks[0].before else blocks[0].after,
            levels=levels,
            modulation_features=mixed[0],
            fourier_features=mixed[1] - 1,
            context_features=features if any(crossing) else 0,
            attention_heads=heads,
            attention_head_features=widths.pop() // heads if widths else 64,
            groups=groups,
        )
    except ValueError as error:
        raise LayoutError(f"the sizes in the file do not fit together: {error}") from error


def unet_rules(config: UNet1dConfig, place: UNetPlace, ours: str) -> Iterator[Rule]:
    """Every tensor of a U-Net, under `ours` here.

    Raises:
        LayoutError: `config` has what a `UNetV0` has not.
    """
    for key, given, wanted in (
        ("feed_forward_factor", config.feed_forward_factor, 0.0),
        ("kernel_size", config.kernel_size, 3),
        ("outer_skip", config.outer_skip, True),
        ("global_features", config.global_features, 0),
    ):
        if given != wanted:
            raise LayoutError(f"UNetV0 has no {key}={given}; only {key}={wanted} can be written in its layout")
    time = place.time
    yield Rule(f"{time}blocks.0.weights", f"{ours}embedding.frequencies")
    yield from weight_and_bias(f"{time}blocks.0.to_out", f"{ours}embedding.project")
    for part in ("weight", "bias"):
        again = f"{time}blocks.1.blocks.1.0.{part}"
        yield Rule(f"{time}blocks.1.blocks.0.0.{part}", f"{ours}embedding.mix.{part}", also=(again,))

    base = place.net
    for depth, level in enumerate(config.levels):
        here, there = f"{ours}levels.{depth}.", f"{base}block.blocks."
        before = config.levels[depth - 1].channels if depth else config.in_channels
        after = before if depth else config.out_channels or config.in_channels
        yield from weight_and_bias(f"{there}0.block", f"{here}down.project", "o i f -> o (f i)", f=level.factor)
        if before != after:
            yield from weight_and_bias(f"{base}skip_adapter.block", f"{here}skip.adapt", "o i 1 -> o i")
        yield from weight_and_bias(f"{base}skip.blocks.0.1", f"{here}skip.to_scale")
        index = 1
        for item in range(level.num_blocks):
            yield from _item_rules(level, there, index, f"{here}down_blocks.{item}.")
            index += _parts(level)
        inner = index
        index += depth < len(config.levels) - 1
        for item in range(level.num_blocks):
            yield from _item_rules(level, there, index, f"{here}up_blocks.{item}.")
            index += _parts(level)
        yield from weight_and_bias(f"{there}{index}.block.1", f"{here}up.conv", "o i k -> o k i")
        base = f"{there}{inner}."


def _item_rules(level: Level, there: str, index: int, here: str) -> Iterator[Rule]:
    for half in (0, 1):
        block = f"{there}{index}.block.blocks.0.blocks.{half}"
        yield from weight_and_bias(f"{block}.0", f"{here}residual.norm{half + 1}")
        yield from weight_and_bias(f"{block}.2", f"{here}residual.conv{half + 1}", "o i k -> o k i")
    index += 1
    yield from weight_and_bias(f"{there}{index}.blocks.0.block.blocks.0.1", f"{here}modulation.to_scale_shift")
    if level.inject_channels:
        index += 1
        yield from weight_and_bias(f"{there}{index}.block.blocks.0", f"{here}injection.merge", "o i 1 -> o i")
    for name in [*["attention"] * level.attention, *["cross_attention"] * level.cross_attention]:
        index += 1
        block = f"{there}{index}.blocks.0.block."
        for norm in ("norm", "norm_context"):
            yield from weight_and_bias(f"{block}{norm}", f"{here}{name}.{norm}")
        for linear, theirs in (("to_q", "to_q"), ("to_kv", "to_kv"), ("to_out", "attention.blocks.0")):
            yield Rule(f"{block}{theirs}.weight", f"{here}{name}.{linear}.weight")


def _parts(level: Level) -> int:
    return 2 + bool(level.inject_channels) + level.attention + level.cross_attention


# ---- reading sizes


def _crossing(blocks: Sequence[_Block], settings: Settings, *, context: int | None, may_read_text: bool) -> list[bool]:
    """Levels that read the embedding, as flags.

    A level's only attention reads it where its keys are not made from the level's own channels; where the embedding is
    as wide as the level, the shapes are the same for both.
    """
    name = "cross_attentions"
    certain = [len(block.attentions) == 2 or bool({*block.attentions} - {block.channels}) for block in blocks]
    if settings.given(name):
        given = settings.flags(name, len(blocks))
        for depth, (block, cross) in enumerate(zip(blocks, given, strict=True)):
            if (cross and not block.attentions) or (certain[depth] and not cross):
                raise UserError(
                    "settings",
                    name,
                    f"level {depth} has {len(block.attentions)} attentions, of {list(block.attentions)} features where "
                    f"the level has {block.channels}; {int(cross)} is not possible there",
                )
        return given
    read = _read_widths(blocks, certain, context)
    if any(read & {*block.attentions} for block, cross in zip(blocks, certain, strict=True) if not cross):
        return settings.flags(name, len(blocks))
    if may_read_text and not read and any(block.attentions for block in blocks):
        settings.assumed[name] = ",".join("0" for _ in blocks)
    return certain


def _read_widths(blocks: Sequence[_Block], crossing: Sequence[bool], context: int | None) -> set[int]:
    """The width of the embedding, if any level or another part of the file tells it."""
    read = {block.attentions[-1] for block, cross in zip(blocks, crossing, strict=True) if cross}
    read |= {context} if context else set()
    if len(read) > 1:
        raise LayoutError(f"cross-attention reads {sorted(read)} features; one width is expected")
    return read


def _blocks(shapes: Shapes, base: str) -> Iterator[_Block]:
    """The levels from the outermost to the innermost."""
    before: int | None = None
    while base:
        there = f"{base}block.blocks."
        channels, wide, factor = _shape(shapes, f"{there}0.block.weight", 3)
        kinds: list[str] = []
        keys: list[str] = []
        inner = ""
        index = 1
        while (kind := _kind(shapes, f"{there}{index}.")) not in ("up", ""):
            if kind == "level":
                inner = f"{there}{index}."
            else:
                kinds.append(kind)
                keys.append(f"{there}{index}.")
            index += 1
        if not kind:
            raise LayoutError(f"lacks {there}{index}.block.1.weight: a level must end with its upsampling")
        count = kinds.count("residual")
        item = kinds[: kinds.index("residual", 1) if count > 1 else None]
        if not count or count % 2 or kinds != item * count:
            raise LayoutError(f"{there}1 to {index - 1}: items down and up must be alike, found {', '.join(kinds)}")
        if item not in ([["residual", "modulation", *rest] for rest in _RESTS]):
            raise LayoutError(
                f"{there}1 to {len(item)} are {', '.join(item)}; a UNetV0 with time conditioning has residual, "
                "modulation, injection, attention, cross-attention, in this order"
            )
        inject = attention_width = 0
        attentions = []
        for part, key in zip(item, keys, strict=False):
            if part == "injection":
                inject = _shape(shapes, f"{key}block.blocks.0.weight", 3)[1] - channels
            elif part == "attention":
                attention_width = _shape(shapes, f"{key}blocks.0.block.to_q.weight", 2)[0]
                attentions.append(_shape(shapes, f"{key}blocks.0.block.norm_context.weight", 1)[0])
        after = _shape(shapes, f"{there}{index}.block.1.weight", 3)[0]
        if before is not None and wide != before:
            raise LayoutError(f"{there}0.block.weight reads {wide} channels, expected {before}")
        before = channels
        yield _Block(channels, wide, after, factor, count // 2, inject, tuple(attentions), attention_width)
        base = inner


_RESTS: Sequence[list[str]] = [
    [*injection, *["attention"] * attentions] for injection in ([], ["injection"]) for attentions in (0, 1, 2)
]


def _kind(shapes: Shapes, key: str) -> str:
    for kind, sign in (
        ("residual", "block.blocks.0.blocks.0.0.weight"),
        ("level", "block.blocks.0.block.weight"),
        ("modulation", "blocks.0.block.blocks.0.1.weight"),
        ("attention", "blocks.0.block.to_q.weight"),
        ("injection", "block.blocks.0.weight"),
        ("up", "block.1.weight"),
    ):
        if key + sign in shapes:
            return kind
    return ""


def _shape(shapes: Shapes, key: str, dimensions: int) -> tuple[int, ...]:
    if key not in shapes:
        raise LayoutError(f"lacks {key}")
    if len(shapes[key]) != dimensions:
        raise LayoutError(f"{key} has shape {list(shapes[key])}, expected {dimensions} dimensions")
    return shapes[key]
