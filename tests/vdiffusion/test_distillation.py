"""Two steps of a teacher in one of a student: 2202.00512, on the circle."""

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from vdiffusion import DDIM, KeepKnown, VObjective, time_grid, to_noisy, to_v, two_step_target

STD = 0.6


def gaussian(x_t: Tensor, t: Tensor) -> Tensor:
    """The best v for data that is normal with the standard deviation STD."""
    angle = (t * math.pi / 2).reshape(-1, 1, 1).to(x_t)
    alpha, sigma = angle.cos(), angle.sin()
    return alpha * sigma * (1 - STD**2) / (alpha**2 * STD**2 + sigma**2) * x_t


def test_a_step_of_the_target_lands_where_two_steps_of_ddim_do():
    times = time_grid(6, kind="log_snr").float()
    x = torch.randn(3, 2, 5, generator=torch.Generator().manual_seed(0))
    start, middle, end = (times[torch.tensor([0, 2, 4]) + ahead] for ahead in range(3))
    target = two_step_target(gaussian, x, start=start, middle=middle, end=end)
    for one in range(3):
        through = torch.stack([start[one], middle[one], end[one]])
        two = DDIM().sample(gaussian, x[one : one + 1], times=through)
        straight = through[[0, 2]]
        once = DDIM().sample(lambda *_, one=one: target[one : one + 1], x[one : one + 1], times=straight)
        assert torch.allclose(once, two, atol=2e-6)


@given(st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3, unique=True))
def test_of_a_teacher_whose_estimate_never_changes_the_target_is_the_v_of_that_estimate(drawn: list[float]):
    # Where x and the noise are known exactly, as on one point of data, steps of any size are right.
    end, middle, start = sorted(float(torch.tensor(one).float()) for one in drawn)
    if min(start - middle, middle - end) < 1e-3:
        return
    x, noise = torch.full((1, 1, 2), 0.5, dtype=torch.float64), torch.tensor([[[0.3, -1.2]]], dtype=torch.float64)
    times = [torch.tensor([one], dtype=torch.float64) for one in (start, middle, end)]
    x_t = to_noisy(x, noise, times[0])
    target = two_step_target(lambda _x, t: to_v(x, noise, t), x_t, start=times[0], middle=times[1], end=times[2])
    assert torch.allclose(target, to_v(x, noise, times[0]), atol=1e-9)


def test_halving_the_steps_three_times_keeps_the_end_of_the_path():
    """Students that learned their targets by heart walk to the same end in 8, 4 and 2 steps."""
    noise = torch.randn(1, 1, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    times = time_grid(16, kind="uniform")
    teacher = gaussian
    end = DDIM().sample(teacher, noise, times=times)
    for steps in (8, 4, 2):
        by_time: dict[float, Tensor] = {}
        x = noise
        fine = time_grid(2 * steps).float()
        for start, middle, stop in zip(fine[0::2], fine[1::2], fine[2::2], strict=False):
            at = [one.reshape(1) for one in (start, middle, stop)]
            v = two_step_target(teacher, x, start=at[0], middle=at[1], end=at[2])
            by_time[float(start)] = v
            angle = float(start.double() - stop.double()) * math.pi / 2
            x = math.cos(angle) * x - math.sin(angle) * v

        def teacher(x_t: Tensor, t: Tensor, by_time: dict[float, Tensor] = by_time) -> Tensor:
            return by_time[float(t[0])]

        assert torch.allclose(DDIM().sample(teacher, noise, num_steps=steps), end, atol=1e-5)


def test_what_is_known_stays_on_its_own_path():
    source = torch.randn(2, 1, 6, generator=torch.Generator().manual_seed(2))
    noise = torch.randn(2, 1, 6, generator=torch.Generator().manual_seed(3))
    mask = torch.zeros(2, 1, 6, dtype=torch.bool)
    mask[..., :3] = True
    start, middle, end = (torch.full((2,), t) for t in (0.8, 0.5, 0.2))
    net = KeepKnown(gaussian, source=source, mask=mask)
    target = two_step_target(net, to_noisy(source, noise, start), start=start, middle=middle, end=end)
    assert torch.allclose(target[..., :3], to_v(source, noise, start)[..., :3], atol=1e-5)


def test_the_loss_of_a_target_is_zero_for_the_net_that_says_it():
    x = torch.randn(2, 3, 4)
    target = torch.randn(2, 3, 4)
    loss = VObjective().loss_per_item(lambda *_: target, x, t=torch.tensor([0.2, 0.9]), target=target)
    assert torch.equal(loss, torch.zeros(2))
    with pytest.raises(ValueError, match=r"target has shape \[2, 3, 1\]; must have that of x, \[2, 3, 4\]"):
        VObjective().loss_per_item(lambda *_: target, x, target=target[..., :1])


@pytest.mark.parametrize("fault", list(itertools.permutations((0.9, 0.5, 0.1))))
def test_times_that_do_not_fall_are_refused(fault: tuple[float, ...]):
    at = dict(zip(("start", "middle", "end"), (torch.tensor([one]) for one in fault), strict=True))
    x = torch.zeros(1, 1, 1)
    if fault == (0.9, 0.5, 0.1):
        assert two_step_target(gaussian, x, **at).shape == x.shape
        return
    with pytest.raises(ValueError, match="give start > middle > end"):
        two_step_target(gaussian, x, **at)


def test_a_time_for_all_members_is_refused():
    with pytest.raises(ValueError, match=r"middle has shape \[1\]; give one time per batch member, \[2\]"):
        two_step_target(
            gaussian,
            torch.zeros(2, 1, 1),
            start=torch.tensor([0.9, 0.9]),
            middle=torch.tensor([0.5]),
            end=torch.tensor([0.1, 0.1]),
        )
