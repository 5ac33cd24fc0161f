"""A net on a circle: the border between end and start is like any other place."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from vdiffusion import DDIM, Circle, NoiseSource

t = torch.tensor([0.2, 0.7])


def signal(length: int) -> Tensor:
    return NoiseSource(0, range(2)).draw([2, length], stage="test")


def pointwise(x_t: Tensor, t: Tensor) -> Tensor:
    return torch.tanh(x_t) * (1 + t[:, None, None])


def local(x_t: Tensor, t: Tensor) -> Tensor:
    """Sees three samples to either side, and zeros beyond the ends."""
    return F.avg_pool1d(F.pad(x_t.tanh(), (3, 3)), 7, stride=1)


@settings(max_examples=40)
@given(size=st.integers(1, 40), more=st.integers(0, 60), fade=st.integers(0, 30))
def test_a_pointwise_net_is_exact(size: int, more: int, fade: int) -> None:
    circle = Circle(pointwise, length=size + fade + more, fade=fade)
    torch.testing.assert_close(circle(signal(size), t), pointwise(signal(size), t))


@pytest.mark.parametrize("size", [5, 23, 24, 61])
def test_a_local_net_reads_across_the_border(size: int) -> None:
    # Closed form: the same mean on a circle. The fade leaves a copy that sees all of its neighbours nearly alone.
    wrapped = torch.cat([signal(size)[..., torch.arange(-3, 0) % size], signal(size)], dim=-1)
    wrapped = torch.cat([wrapped, signal(size)[..., torch.arange(3) % size]], dim=-1)
    expected = F.avg_pool1d(wrapped.tanh(), 7, stride=1)
    found = Circle(local, length=size + 64, fade=64)(signal(size), t)
    torch.testing.assert_close(found, expected, atol=8e-3, rtol=0)
    assert float((local(signal(size), t) - expected).abs().max()) > 0.1


@pytest.mark.parametrize("size", [23, 64])
def test_rolling_the_input_rolls_the_output(size: int) -> None:
    circle = Circle(local, length=size + 64, fade=64)
    rolled = circle(signal(size).roll(7, -1), t)
    torch.testing.assert_close(rolled, circle(signal(size), t).roll(7, -1), atol=1.6e-2, rtol=0)


def test_conditions_are_those_of_the_line() -> None:
    def net(x_t: Tensor, t: Tensor, *, clock: Tensor) -> Tensor:
        return clock.expand_as(x_t)

    clock = torch.arange(12.0)[None, None].expand(2, 1, -1)
    found = Circle(net, length=12, fade=4)(signal(8), t, clock=clock)
    weight = Circle(net, length=12, fade=4)._weight()
    expected = [float((weight[p::8] * clock[0, 0, p::8]).sum() / weight[p::8].sum()) for p in range(8)]
    torch.testing.assert_close(found[0, 0], torch.tensor(expected))
    assert expected[4:] == pytest.approx([4, 5, 6, 7])


def test_a_sampler_works_on_the_circle() -> None:
    made = DDIM().sample(Circle(local, length=96, fade=32), signal(23), num_steps=4)
    assert made.shape == (2, 2, 23) and bool(made.isfinite().all())


@pytest.mark.parametrize(("length", "fade", "named"), [(0, 0, "length=0"), (4, 4, "fade=4"), (4, -1, "fade=-1")])
def test_impossible_sizes_are_refused(length: int, fade: int, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Circle(local, length=length, fade=fade)


def test_a_line_too_short_for_the_circle_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 27"):
        Circle(local, length=26, fade=4)(signal(23), t)
