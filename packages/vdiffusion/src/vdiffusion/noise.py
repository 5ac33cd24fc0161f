"""Noise that depends on the seed and on nothing else: not on the device, the batch size or the batch mates.

Each item has a CPU generator of its own and draws in float64, cast afterwards: torch's float32 normals differ between
CPU instruction sets, and one generator for a whole batch ties each item to those before it.
"""

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor


def item_generators(*, seed: int, items: Sequence[int], stage: str) -> list[torch.Generator]:
    """Return one CPU generator per item, seeded from (seed, item, stage).

    Args:
        seed: any whole number.
        items: the numbers of the items, for example `range(4)`.
        stage: what the noise is for ("latent", "decoder", ...); other stages draw other noise from the same seed.

    Raises:
        ValueError: `items` is empty or `seed` is not a whole number.
    """
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise ValueError(f"seed={seed!r}: must be a whole number")
    if not items:
        raise ValueError(f"items={items!r}: names no item; use for example range(batch)")
    return [torch.Generator().manual_seed(_hashed(seed, int(item), stage)) for item in items]


def draw_noise(
    generators: Sequence[torch.Generator],
    shape: Sequence[int],
    *,
    device: torch.device | str | None = None,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Draw standard normal noise `[len(generators), *shape]`, item i from CPU generator i in float64, then cast."""
    noise = torch.empty(len(generators), *shape, dtype=dtype, device=device)
    for item, generator in zip(noise, generators, strict=True):
        item.copy_(torch.randn(tuple(shape), generator=generator, dtype=torch.float64))
    return noise


def seeded_noise(
    shape: Sequence[int],
    *,
    seed: int,
    items: Sequence[int],
    stage: str,
    device: torch.device | str | None = None,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Return standard normal noise `[len(items), *shape]`, each item from its own (seed, item, stage).

    Args:
        shape: of one item, usually `[C, T]`; every size at least 1, else ValueError.
        seed: any whole number.
        items: the numbers of the items: `range(4)` for a batch of four, `[2]` for its third item alone.
        stage: what the noise is for, so that the stages of a cascade do not share their noise.
        device: where the noise is wanted; the values are the same everywhere.
        dtype: to what the float64 draw is cast.
    """
    if any(size < 1 for size in shape):
        raise ValueError(f"shape={list(shape)}: every size must be at least 1")
    return draw_noise(item_generators(seed=seed, items=items, stage=stage), shape, device=device, dtype=dtype)


class LongNoise:
    """Standard normal noise `[len(items), *shape]` of which only what is looked at is drawn and held.

    The last axis is drawn in blocks, block k from (seed, item, "stage" for the first and "stage/k" after it). So a
    signal of one block has exactly the noise of `seeded_noise`, and where one looks makes no difference.

    Args:
        shape: of one item, `[C, T]`.
        seed: any whole number.
        items: the numbers of the items.
        stage: what the noise is for.
        block: positions per block, at least 1, else ValueError.
        device: where the noise is wanted.
    """

    def __init__(
        self,
        shape: Sequence[int],
        *,
        seed: int,
        items: Sequence[int],
        stage: str,
        block: int,
        device: torch.device | str | None = None,
    ) -> None:
        if block < 1:
            raise ValueError(f"block={block}: must be at least 1 position")
        self.shape, self.seed, self.items, self.stage = tuple(shape), seed, items, stage
        self.block, self.device = block, device
        self._last: tuple[int, Tensor] | None = None

    def between(self, first: int, last: int) -> Tensor:
        """Positions first to last of it, `[len(items), ..., last - first]`; ValueError where it has no such."""
        if not 0 <= first < last <= self.shape[-1]:
            raise ValueError(f"first={first}, last={last}: the noise has positions 0 to {self.shape[-1]}")
        parts = []
        for number in range(first // self.block, (last - 1) // self.block + 1):
            start = number * self.block
            parts.append(self._drawn(number)[..., max(first - start, 0) : last - start])
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)

    def _drawn(self, number: int) -> Tensor:
        # Neighbouring windows begin in the block where the window before ended: that one is not drawn twice.
        if self._last is None or self._last[0] != number:
            size = min(self.block, self.shape[-1] - number * self.block)
            stage = f"{self.stage}/{number}" if number else self.stage
            shape = (*self.shape[:-1], size)
            noise = seeded_noise(shape, seed=self.seed, items=self.items, stage=stage, device=self.device)
            self._last = (number, noise)
        return self._last[1]


def _hashed(seed: int, item: int, stage: str) -> int:
    # A hash rather than seed + item, so that neighbouring seeds share no items. torch's CPU generator uses the low 32
    # bits of what it is given, so two of n items collide with a chance of n^2 / 2^33.
    return int.from_bytes(hashlib.blake2b(f"{seed}/{item}/{stage}".encode(), digest_size=4).digest())
