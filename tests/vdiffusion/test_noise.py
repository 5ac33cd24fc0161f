import dataclasses
import math
from typing import Any

import numpy as np
import pytest
import torch

from vdiffusion import LongNoise, NoiseSource, draw_noise

GOLDEN = [1.1690365324885414, 0.070960326828848, -0.4153646628112416]


def test_a_batch_member_is_the_same_in_any_batch() -> None:
    # Odd and short lengths are those where torch's own float32 batch noise differs.
    for shape in ([2, 1], [2, 7], [1, 16], [3, 1001]):
        whole = NoiseSource(5, range(4)).draw(shape, stage="a")
        assert whole.shape == (4, *shape)
        for i in range(4):
            assert torch.equal(NoiseSource(5, [i]).draw(shape, stage="a")[0], whole[i])
        assert torch.equal(NoiseSource(5, [3, 1]).draw(shape, stage="a"), whole[[3, 1]])


def test_the_global_generator_is_neither_read_nor_moved() -> None:
    torch.manual_seed(0)
    first, state = NoiseSource(5, [0]).draw([2, 8], stage="a"), torch.get_rng_state()
    torch.manual_seed(1)
    assert torch.equal(NoiseSource(5, [0]).draw([2, 8], stage="a"), first)
    torch.manual_seed(0)
    assert torch.equal(torch.get_rng_state(), state)


def test_the_draw_is_in_float64_and_then_cast() -> None:
    exact = NoiseSource(5, range(2)).draw([2, 50], stage="a", dtype=torch.float64)
    for dtype in (torch.float32, torch.float16, torch.bfloat16):
        assert torch.equal(NoiseSource(5, range(2)).draw([2, 50], stage="a", dtype=dtype), exact.to(dtype))


def test_the_values_stay_what_they_are() -> None:
    # A song is made again from its seed, so these numbers must not change from release to release.
    noise = NoiseSource(2301, [1]).draw([1, 16], stage="latent", dtype=torch.float64)
    assert noise[0, 0, :3].tolist() == pytest.approx(GOLDEN, abs=1e-12)


def test_it_is_standard_normal() -> None:
    noise = NoiseSource(0, range(2)).draw([2, 50_000], stage="a").double().flatten()
    n = noise.numel()
    assert abs(float(noise.mean())) < 4 / math.sqrt(n)
    assert float(noise.var()) == pytest.approx(1, abs=4 * math.sqrt(2 / n))
    share = torch.special.ndtr(noise.sort().values)  # Kolmogorov-Smirnov, a chance of 0.1 %
    assert float((share - (torch.arange(n) + 0.5) / n).abs().max()) < 1.95 / math.sqrt(n)


def test_seeds_indices_stages_and_channels_are_independent() -> None:
    n = 20_000
    draws = [
        NoiseSource(seed, [index]).draw([1, n], stage=stage, dtype=torch.float64).flatten()
        for seed in (-1, 0, 1, 2**80)
        for index in (0, 1)
        for stage in ("latent", "decoder", "")
    ]
    draws += list(NoiseSource(9, [0]).draw([2, n], stage="latent", dtype=torch.float64)[0])
    off_diagonal = torch.corrcoef(torch.stack(draws)).fill_diagonal_(0)
    assert float(off_diagonal.abs().max()) < 5 / math.sqrt(n)


def test_generators_go_on_from_draw_to_draw() -> None:
    generators = NoiseSource(0, range(2)).generators("a")
    first, second = draw_noise(generators, [1, 20]), draw_noise(generators, [1, 20])
    assert torch.equal(first, NoiseSource(0, range(2)).draw([1, 20], stage="a"))
    assert not torch.equal(first, second)


def test_a_source_is_a_value() -> None:
    source = NoiseSource(5, range(3))
    assert source == NoiseSource(np.int64(5), np.arange(3)) == NoiseSource(seed=5, indices=[0, 1, 2])  # type: ignore[arg-type]
    assert (source.seed, source.indices, len(source)) == (5, (0, 1, 2), 3)
    assert hash(source) == hash(NoiseSource(5, (0, 1, 2)))
    with pytest.raises(dataclasses.FrozenInstanceError):
        source.seed = 6  # type: ignore[misc]


def test_drawing_twice_gives_the_same_twice() -> None:
    source = NoiseSource(5, [1, 7])
    first = source.draw([2, 9], stage="a")
    source.draw([2, 9], stage="b")
    assert torch.equal(source.draw([2, 9], stage="a"), first)


@pytest.mark.parametrize(
    ("seed", "indices", "message"),
    [
        (1.5, [0], r"seed=1\.5: must be a whole number"),
        (True, [0], "seed=True: must be a whole number"),
        ("1", [0], "seed='1': must be a whole number"),
        (0, [], r"indices=\[\]: must hold one number per batch member, as range\(batch\)"),
        (0, 3, r"indices=3: must be a sequence, for example range\(batch\)"),
        (0, [0, 1.0], r"indices=\[0, 1\.0\]: 1\.0 is not a whole number"),
        (0, "01", "'0' is not a whole number"),
    ],
)
def test_impossible_sources_are_named(seed: Any, indices: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NoiseSource(seed, indices)


def test_impossible_shapes_are_named() -> None:
    with pytest.raises(ValueError, match=r"shape=\[2, 0\]: every size must be at least 1"):
        NoiseSource(0, [0]).draw([2, 0], stage="a")


# ---- noise of long signals


def test_a_short_signal_has_the_noise_of_one_draw() -> None:
    long = LongNoise(NoiseSource(5, [2, 0]), (3, 50), stage="a", block=50)
    assert long.between(0, 50).equal(NoiseSource(5, [2, 0]).draw((3, 50), stage="a"))


def test_where_one_looks_makes_no_difference() -> None:
    def long() -> LongNoise:
        return LongNoise(NoiseSource(1, range(3)), (2, 95), stage="a", block=20)

    whole = long().between(0, 95)
    assert whole.shape == (3, 2, 95)
    looked_at = long()
    for first, last in ((0, 7), (13, 47), (40, 60), (39, 95), (0, 1), (94, 95)):
        assert looked_at.between(first, last).equal(whole[..., first:last])
    # Standard normal, and no block like another.
    blocks = whole[..., :80].unflatten(-1, (4, 20)).movedim(2, 0).flatten(1)
    assert torch.corrcoef(blocks).fill_diagonal_(0).abs().max() < 0.35
    assert abs(float(whole.std()) - 1) < 0.1


@pytest.mark.parametrize(("first", "last"), [(-1, 4), (4, 4), (0, 11)])
def test_positions_that_the_noise_does_not_have_are_an_error(first: int, last: int) -> None:
    with pytest.raises(ValueError, match=f"first={first}, last={last}: the noise has positions 0 to 10"):
        LongNoise(NoiseSource(0, [0]), (1, 10), stage="a", block=4).between(first, last)


def test_a_block_holds_something() -> None:
    with pytest.raises(ValueError, match="block=0: must be at least 1 position"):
        LongNoise(NoiseSource(0, [0]), (1, 10), stage="a", block=0)


def test_each_member_may_have_a_seed_of_its_own():
    several = NoiseSource([5, 6, 7], [0, 0, 3])
    assert several.seeds == (5, 6, 7) and NoiseSource(5, range(2)).seeds == (5, 5)
    drawn = several.draw((2, 9), stage="latent")
    for member, (seed, index) in zip(drawn, ((5, 0), (6, 0), (7, 3)), strict=True):
        assert torch.equal(member, NoiseSource(seed, [index]).draw((2, 9), stage="latent")[0])
    with pytest.raises(ValueError, match=r"seed=\[1, 2\]: 2 for 3 indices; give one or as many"):
        NoiseSource([1, 2], range(3))
    with pytest.raises(ValueError, match=r"seed=\[1, 2\.5\]: must be a whole number, or one for each"):
        NoiseSource([1, 2.5], range(2))  # type: ignore[list-item]
