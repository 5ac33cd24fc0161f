import itertools
import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from vdiffusion import DDIM, Guidance, NoiseSource, Windows


def signal(length: int, batch: int = 2) -> Tensor:
    return NoiseSource(0, range(batch)).draw([2, length], stage="test")


def pointwise(x_t: Tensor, t: Tensor) -> Tensor:
    return torch.tanh(x_t) * (1 + t[:, None, None])


t = torch.tensor([0.2, 0.7])


@settings(max_examples=60)
@given(data=st.data(), length=st.integers(1, 200), size=st.integers(1, 60), batch=st.integers(1, 5))
def test_a_pointwise_net_is_exact(data: st.DataObject, length: int, size: int, batch: int) -> None:
    # Holds only if the weights sum to one at every sample, none left out.
    overlap = data.draw(st.integers(0, size - 1))
    trim = data.draw(st.integers(0, overlap // 2))
    windows = Windows(pointwise, size=size, overlap=overlap, trim=trim, batch=batch)
    torch.testing.assert_close(windows(signal(length), t), pointwise(signal(length), t))


@settings(max_examples=60)
@given(data=st.data(), length=st.integers(1, 300), size=st.integers(1, 60))
def test_windows_cover_the_signal_and_the_last_ends_with_it(data: st.DataObject, length: int, size: int) -> None:
    overlap = data.draw(st.integers(0, size - 1))
    wide, starts = Windows(pointwise, size=size, overlap=overlap).plan(length)
    assert starts[0] == 0
    assert starts[-1] + wide == length and wide <= size
    assert all(0 < b - a <= wide - overlap for a, b in itertools.pairwise(starts))
    # As many as windows of the whole size would be, and together not much more than the signal and its overlaps.
    assert len(starts) == (1 if length <= size else math.ceil((length - overlap) / (size - overlap)))
    step = math.gcd(size, overlap)
    assert len(starts) * wide < length + (len(starts) - 1) * overlap + len(starts) * step


def test_a_signal_a_little_too_long_costs_little_more() -> None:
    windows = Windows(pointwise, size=256, overlap=32)
    assert windows.plan(256) == (256, [0])
    assert windows.plan(258) == (160, [0, 98])
    assert windows.plan(703) == (256, [0, 224, 447])


@pytest.mark.parametrize("length", [33, 64, 100, 256, 257])
@pytest.mark.parametrize("overlap", [6, 8, 20])
def test_trimming_the_receptive_field_gives_the_full_evaluation(
    conv: torch.nn.Module, length: int, overlap: int
) -> None:
    def net(x_t: Tensor, t: Tensor) -> Tensor:
        return conv(x_t) * (1 + t[:, None, None])  # type: ignore[no-any-return]

    windows = Windows(net, size=32, overlap=overlap, trim=3, batch=3)
    torch.testing.assert_close(windows(signal(length), t), net(signal(length), t))


def test_without_trim_only_the_overlaps_differ(conv: torch.nn.Module) -> None:
    full = conv(signal(88))
    error = (Windows(lambda x, t: conv(x), size=32, overlap=4)(signal(88), t) - full).abs().amax((0, 1))
    touched = torch.zeros(88, dtype=torch.bool)
    for seam in (28, 56):  # windows 0-32, 28-60, 56-88
        touched[seam : seam + 4] = True
    assert float(error[~touched].max()) < 1e-5
    assert float(error[touched].max()) > 1e-3


def test_the_fade_is_the_square_of_a_sine() -> None:
    # A net that answers with the number of its window shows the weights themselves.
    calls = iter(range(10))

    def net(x_t: Tensor, t: Tensor) -> Tensor:
        return torch.full_like(x_t, float(next(calls)))

    v = Windows(net, size=64, overlap=32, trim=4)(signal(96, 1), t[:1])[0, 0]
    assert float(v[:36].max()) == 0
    assert float((v[60:] - 1).abs().max()) < 1e-6
    rise = torch.sin((torch.arange(24) + 0.5) / 24 * torch.pi / 2).square()
    torch.testing.assert_close(v[36:60], rise)


def test_a_signal_that_fits_is_handed_to_the_net_directly() -> None:
    seen: list[tuple[int, ...]] = []

    def net(x_t: Tensor, t: Tensor, *, latent: Tensor) -> Tensor:
        seen.append((*x_t.shape, *latent.shape))
        return x_t

    for length in (20, 64):
        windows = Windows(net, size=64, overlap=16, conditions_along_time={"latent": 4})
        assert torch.equal(windows(signal(length), t, latent=torch.zeros(2, 3, 16)), signal(length))
    assert seen == [(2, 2, 20, 2, 3, 16), (2, 2, 64, 2, 3, 16)]


def conditioned(
    x_t: Tensor,
    t: Tensor,
    *,
    label: Tensor,
    latent: Tensor,
    inject: dict[int, Tensor],
    mode: str | None = None,
    nothing: None = None,
) -> Tensor:
    v = x_t * t[:, None, None] + label[:, None, None] + latent.repeat_interleave(4, -1)
    v = v + inject[2].repeat_interleave(8, -1) + inject[3].mean((1, 2))[:, None, None]
    return v if mode is None else -v


def conditions(length: int) -> dict[str, Any]:
    draw = torch.Generator().manual_seed(0)
    return {
        "label": torch.tensor([1.0, -2.0]),
        "latent": torch.randn(2, 2, length // 4, generator=draw),
        "inject": {2: torch.randn(2, 1, length // 8, generator=draw), 3: torch.randn(2, 2, 5, generator=draw)},
        "mode": "minus",
        "nothing": None,
    }


@pytest.mark.parametrize("batch", [1, 2, 100])
@pytest.mark.parametrize("length", [40, 64, 120, 136])
def test_conditions_along_time_are_cut_along(batch: int, length: int) -> None:
    windows = Windows(
        conditioned, size=32, overlap=8, conditions_along_time={"latent": 4, "inject.2": 8, "nothing": 2}, batch=batch
    )
    expected = conditioned(signal(length), t, **conditions(length))
    torch.testing.assert_close(windows(signal(length), t, **conditions(length)), expected)


def test_the_net_never_sees_more_than_a_batch_of_windows() -> None:
    seen: list[tuple[int, ...]] = []

    def net(x_t: Tensor, t: Tensor) -> Tensor:
        seen.append(tuple(x_t.shape))
        return x_t

    Windows(net, size=32, overlap=16, batch=3)(signal(1000), t)
    assert set(seen[:-1]) == {(3 * 2, 2, 32)}
    assert seen[-1][0] <= 3 * 2
    assert sum(shape[0] for shape in seen) == 2 * 62  # ceil((1000 - 16) / 16) windows


def test_an_item_does_not_depend_on_its_batch_mates(conv: torch.nn.Module) -> None:
    windows = Windows(lambda x, t: conv(x), size=32, overlap=8, batch=3)
    torch.testing.assert_close(windows(signal(100), t)[1:], windows(signal(100)[1:], t[1:]))


def test_windows_of_a_half_precision_net_are_blended_in_float32() -> None:
    v = Windows(lambda x, t: x.bfloat16(), size=32, overlap=8)(signal(100).bfloat16(), t)
    assert v.dtype == torch.float32


def test_guidance_around_windows_cuts_both_branches() -> None:
    def net(x_t: Tensor, t: Tensor, *, latent: Tensor) -> Tensor:
        return x_t + latent.repeat_interleave(4, -1)

    draw = torch.Generator().manual_seed(0)
    positive, negative = torch.randn(2, 2, 2, 25, generator=draw)
    windows = Windows(net, size=32, overlap=8, conditions_along_time={"latent": 4}, batch=2)
    windowed, whole = (
        DDIM().sample(Guidance(inner, 3.0, {"latent": negative}), signal(100), num_steps=3, latent=positive)
        for inner in (windows, net)
    )
    torch.testing.assert_close(windowed, whole)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 0, "overlap": 0}, "size=0: must be at least 1"),
        ({"size": 32, "overlap": 32}, "overlap=32: must be at least 0 and less than size=32"),
        ({"size": 32, "overlap": -1}, "overlap=-1: must be at least 0"),
        ({"size": 32, "overlap": 8, "trim": 5}, "trim=5: must be at least 0 and at most half of overlap=8"),
        ({"size": 32, "overlap": 8, "trim": -1}, "trim=-1: must be at least 0"),
        ({"size": 32, "overlap": 8, "batch": 0}, "batch=0: must be at least 1"),
        ({"size": 32, "overlap": 8, "conditions_along_time": {"a": 0}}, "'a' has factor 0; must be at least 1"),
        ({"size": 32, "overlap": 6, "conditions_along_time": {"a": 4}}, "overlap=6: both must be multiples of 4"),
        (
            {"size": 30, "overlap": 8, "conditions_along_time": {"a": 4}},
            "size=30, .*samples per frame of condition 'a'",
        ),
    ],
)
def test_impossible_settings_are_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Windows(pointwise, **settings)


@pytest.mark.parametrize(
    ("length", "changed", "message"),
    [
        (64, {"latent": torch.zeros(2, 2, 15)}, r"'latent' has shape \[2, 2, 15\]; at 4 samples per frame.* 16 frames"),
        (66, {"latent": torch.zeros(2, 2, 16)}, r"x_t of 66 samples needs 16\.5 frames \(pad x_t to a multiple of 4\)"),
        (64, {"latent": "text"}, "'latent' is a str; to be cut along time it must be a tensor"),
        (64, {"label": torch.zeros(3)}, r"'label' has shape \[3\]; the first size must be the batch, 2"),
        (20, {"inject": {3: torch.zeros(2, 2, 5)}}, r"names 'inject\.2', which the call does not have"),
    ],
)
def test_conditions_that_do_not_fit_are_named(length: int, changed: dict[str, Any], message: str) -> None:
    windows = Windows(conditioned, size=32, overlap=8, conditions_along_time={"latent": 4, "inject.2": 8})
    with pytest.raises(ValueError, match=message):
        windows(signal(length), t, **(conditions(64) | changed))
