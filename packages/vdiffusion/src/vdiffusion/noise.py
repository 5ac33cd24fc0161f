"""Noise that depends on the seed and on nothing else: not on the device, the batch size or the batch mates.

Each batch member has a CPU generator of its own and draws in float64, cast afterwards: torch's float32 normals differ
between CPU instruction sets, and one generator for a whole batch ties each member to those before it.
"""

import hashlib
import numbers
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class NoiseSource:
    """Source of all random numbers of a batch: those of member i depend on (seed, indices[i], stage) alone.

    So member i of a batch can be made again by itself, `NoiseSource(seed, [indices[i]])`, on any device. A stage is a
    name for what is drawn ("latent", "decoder", ...): different stages draw independent noise from the same seed.

    Args:
        seed: any whole number, or one for each batch member.
        indices: one whole number per batch member, for example `range(4)`; `[2]` is the third member alone.

    Raises:
        ValueError: `seed` or an index is not a whole number, or there is no index.
    """

    seed: int | Sequence[int]
    indices: Sequence[int]

    def __post_init__(self) -> None:
        """Check the values and make them Python integers in a tuple."""
        if not isinstance(self.indices, Iterable):
            raise ValueError(f"indices={self.indices!r}: must be a sequence, for example range(batch)")
        indices = tuple(self.indices)
        if not indices:
            raise ValueError(f"indices={self.indices!r}: must hold one number per batch member, as range(batch)")
        for index in indices:
            if not _is_whole(index):
                raise ValueError(f"indices={list(indices)!r}: {index!r} is not a whole number")
        seeds = tuple(self.seed) if isinstance(self.seed, Iterable) else (self.seed,)
        if any(not _is_whole(seed) for seed in seeds):
            raise ValueError(f"seed={self.seed!r}: must be a whole number, or one for each batch member")
        if isinstance(self.seed, Iterable) and len(seeds) != len(indices):
            raise ValueError(f"seed={list(seeds)!r}: {len(seeds)} for {len(indices)} indices; give one or as many")
        numbers = tuple(int(seed) for seed in seeds)
        object.__setattr__(self, "seed", numbers if isinstance(self.seed, Iterable) else numbers[0])
        object.__setattr__(self, "indices", tuple(int(index) for index in indices))

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seed of each batch member."""
        return (self.seed,) * len(self) if isinstance(self.seed, int) else tuple(self.seed)

    def __len__(self) -> int:
        """Number of batch members."""
        return len(self.indices)

    def generators(self, stage: str) -> list[torch.Generator]:
        """Return one new CPU generator per batch member, for what is drawn step by step, as samplers do."""
        pairs = zip(self.seeds, self.indices, strict=True)
        return [torch.Generator().manual_seed(_hashed(seed, index, stage)) for seed, index in pairs]

    def draw(
        self,
        shape: Sequence[int],
        *,
        stage: str,
        device: torch.device | str | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> Tensor:
        """Draw standard normal noise `[batch, *shape]`: the same numbers in every call.

        Args:
            shape: shape of one batch member, usually `[C, T]`; every size at least 1, else ValueError.
            stage: name of what is drawn, so that the stages of a cascade do not share their noise.
            device: device of the result; the values are the same on all.
            dtype: dtype to which the float64 draw is cast.
        """
        if any(size < 1 for size in shape):
            raise ValueError(f"shape={list(shape)}: every size must be at least 1")
        return draw_noise(self.generators(stage), shape, device=device, dtype=dtype)


def draw_noise(
    generators: Sequence[torch.Generator],
    shape: Sequence[int],
    *,
    device: torch.device | str | None = None,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Draw standard normal noise `[len(generators), *shape]`, member i from CPU generator i in float64, then cast."""
    noise = torch.empty(len(generators), *shape, dtype=dtype, device=device)
    for member, generator in zip(noise, generators, strict=True):
        member.copy_(torch.randn(tuple(shape), generator=generator, dtype=torch.float64, device="cpu"))
    return noise


class LongNoise:
    """Standard normal noise `[batch, *shape]` of which only the pieces in use are drawn and kept in memory.

    The last axis is drawn in blocks: the first from stage "stage", block k from "stage/k". So noise of a single block
    equals `NoiseSource.draw`, and the order of the pieces makes no difference.

    Args:
        source: seed and indices of the batch.
        shape: shape of one batch member, `[C, T]`.
        stage: name of what is drawn.
        block: positions per block, at least 1, else ValueError.
        device: device of the noise.
    """

    def __init__(
        self,
        source: NoiseSource,
        shape: Sequence[int],
        *,
        stage: str,
        block: int,
        device: torch.device | str | None = None,
    ) -> None:
        if block < 1:
            raise ValueError(f"block={block}: must be at least 1 position")
        self.source, self.shape, self.stage = source, tuple(shape), stage
        self.block, self.device = block, device
        self._last: tuple[int, Tensor] | None = None

    def between(self, first: int, last: int) -> Tensor:
        """Return positions `first` to `last`, `[batch, ..., last - first]`; ValueError where they are out of range."""
        if not 0 <= first < last <= self.shape[-1]:
            raise ValueError(f"first={first}, last={last}: the noise has positions 0 to {self.shape[-1]}")
        parts = []
        for number in range(first // self.block, (last - 1) // self.block + 1):
            start = number * self.block
            parts.append(self._block(number)[..., max(first - start, 0) : last - start])
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)

    def _block(self, number: int) -> Tensor:
        # Neighbouring windows begin in the block where the window before ended: that one is not drawn twice.
        if self._last is None or self._last[0] != number:
            size = min(self.block, self.shape[-1] - number * self.block)
            stage = f"{self.stage}/{number}" if number else self.stage
            self._last = (number, self.source.draw((*self.shape[:-1], size), stage=stage, device=self.device))
        return self._last[1]


def _is_whole(value: object) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _hashed(seed: int, index: int, stage: str) -> int:
    # A hash rather than seed + index, so that neighbouring seeds share nothing. torch's CPU generator uses the low 32
    # bits of its seed, so two of n members collide with a chance of n^2 / 2^33.
    return int.from_bytes(hashlib.blake2b(f"{seed}/{index}/{stage}".encode(), digest_size=4).digest())
