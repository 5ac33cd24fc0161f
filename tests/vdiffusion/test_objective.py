import copy
import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from vdiffusion import (
    LogitNormalTime,
    Preconditioned,
    UniformTime,
    VObjective,
    noise_from_v,
    to_noisy,
    to_v,
    x_from_v,
)


@given(t=st.lists(st.floats(0, 1), min_size=1, max_size=4), seed=st.integers(0, 2**32 - 1))
def test_conversions_are_inverses(t: list[float], seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    x, noise = torch.randn(2, len(t), 2, 3, generator=draw, dtype=torch.float64)
    time = torch.tensor(t, dtype=torch.float64)
    x_t, v = to_noisy(x, noise, time), to_v(x, noise, time)
    torch.testing.assert_close(x_from_v(x_t, v, time), x)
    torch.testing.assert_close(noise_from_v(x_t, v, time), noise)


def test_the_ends_of_time_are_data_and_noise(generator: torch.Generator) -> None:
    x, noise = torch.randn(2, 2, 1, 8, generator=generator)
    t = torch.tensor([0.0, 1.0])
    assert torch.equal(to_noisy(x, noise, t), torch.stack([x[0], noise[1]]))
    assert torch.equal(to_v(x, noise, t), torch.stack([noise[0], -x[1]]))


def test_a_scalar_time_holds_for_all_items(generator: torch.Generator) -> None:
    x, noise = torch.randn(2, 3, 2, 4, generator=generator)
    assert torch.allclose(to_v(x, noise, torch.tensor(0.3)), to_v(x, noise, torch.full((3,), 0.3)))


def test_half_precision_is_computed_in_float32(generator: torch.Generator) -> None:
    x, noise = torch.randn(2, 3, 2, 4, generator=generator).bfloat16()
    t = torch.tensor([0.1, 0.5, 0.9])
    assert torch.equal(to_v(x, noise, t), to_v(x.float(), noise.float(), t))
    assert to_v(x, noise, torch.tensor(0.5)).dtype == torch.float32


def test_shapes_that_do_not_fit_are_named() -> None:
    x = torch.zeros(3, 2, 4)
    with pytest.raises(ValueError, match=r"t has shape \[2\] beside a tensor of shape \[3, 2, 4\]; .*\[3\]"):
        to_v(x, x, torch.zeros(2))
    with pytest.raises(ValueError, match=r"\[3, 2, 4\] and \[3, 2, 5\] differ"):
        to_noisy(x, torch.zeros(3, 2, 5), torch.zeros(3))
    with pytest.raises(ValueError, match=r"net returned shape \[3, 2, 1\] for x_t of shape \[3, 2, 4\]"):
        VObjective().loss(lambda x_t, t: x_t[..., :1], x)


def test_uniform_time_is_uniform(generator: torch.Generator) -> None:
    t = UniformTime()(10_000, generator, torch.device("cpu")).sort().values
    assert t.dtype == torch.float32
    # Kolmogorov-Smirnov: 1.95 / sqrt(n) is the bound for a chance of 0.1 %.
    assert float((t - torch.linspace(0, 1, 10_000)).abs().max()) < 1.95 / 100


def test_logit_normal_time_has_a_normal_logit(generator: torch.Generator) -> None:
    logit = torch.logit(LogitNormalTime(-0.5, 1.5)(10_000, generator, torch.device("cpu")).double())
    assert float(logit.mean()) == pytest.approx(-0.5, abs=4 * 1.5 / 100)
    assert float(logit.std()) == pytest.approx(1.5, rel=4 / 2**0.5 / 100)


@pytest.mark.parametrize(
    ("mean", "std", "name"), [(math.nan, 1, "mean=nan"), (0, 0, "std=0"), (0, math.inf, "std=inf")]
)
def test_impossible_time_distributions_are_refused(mean: float, std: float, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        LogitNormalTime(mean, std)


@pytest.mark.parametrize("time", [0.0, 0.2, 0.5, 0.9, 1.0])
def test_loss_of_the_ideal_net_is_the_conditional_variance(
    time: float, oracle: Any, generator: torch.Generator
) -> None:
    # Var(v | x_t) = std^2 / (alpha^2 std^2 + sigma^2).
    x = oracle.std * torch.randn(64, 1, 1000, generator=generator)
    loss = VObjective().loss(oracle, x, t=torch.full((64,), time), generator=generator)
    assert float(loss) == pytest.approx((oracle.std / oracle.scale(time)) ** 2, rel=0.03)


def test_loss_of_the_ideal_net_over_uniform_times_is_the_standard_deviation(
    oracle: Any, generator: torch.Generator
) -> None:
    # The integral of std^2 / (alpha^2 std^2 + sigma^2) over t in [0, 1] is std.
    x = oracle.std * torch.randn(20_000, 1, 16, generator=generator)
    assert float(VObjective().loss(oracle, x, generator=generator)) == pytest.approx(oracle.std, rel=0.05)


def test_loss_is_the_mean_square_error_of_v(generator: torch.Generator) -> None:
    x, noise = torch.randn(2, 3, 2, 4, generator=generator)
    t = torch.tensor([0.1, 0.5, 0.9])
    per_item = VObjective().loss_per_item(lambda x_t, t: torch.zeros_like(x_t), x, t=t, noise=noise)
    torch.testing.assert_close(per_item, to_v(x, noise, t).square().mean((1, 2)))
    loss = VObjective().loss(lambda x_t, t: torch.zeros_like(x_t), x, t=t, noise=noise)
    torch.testing.assert_close(loss, per_item.mean())


def test_what_the_mask_leaves_out_does_not_count(generator: torch.Generator) -> None:
    x, noise = torch.randn(2, 3, 2, 8, generator=generator)
    t = torch.tensor([0.1, 0.5, 0.9])
    mask = torch.arange(8) < torch.tensor([8, 5, 0])[:, None, None]

    def net(x_t: Tensor, t: Tensor) -> Tensor:
        return torch.where(mask, 0.0, math.nan).expand_as(x_t)

    loss = VObjective().loss_per_item(net, x, t=t, noise=noise, mask=mask)
    v = to_v(x, noise, t)
    torch.testing.assert_close(
        loss, torch.stack([v[0].square().mean(), v[1, :, :5].square().mean(), torch.tensor(0.0)])
    )


@pytest.mark.parametrize("shape", [(3, 8), (3, 1, 7), (2, 1, 8)])
def test_masks_that_do_not_fit_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"mask of shape .* does not broadcast to x of shape \[3, 2, 8\]"):
        VObjective().loss(lambda x_t, t: x_t, torch.zeros(3, 2, 8), mask=torch.ones(shape, dtype=torch.bool))


def test_masks_that_are_not_boolean_are_refused() -> None:
    with pytest.raises(ValueError, match=r"mask has dtype torch\.float32; it must be boolean"):
        VObjective().loss(lambda x_t, t: x_t, torch.zeros(3, 2, 8), mask=torch.ones(3, 1, 8))


def test_conditions_reach_the_net_and_unknown_ones_are_errors() -> None:
    def net(x_t: Tensor, t: Tensor, *, label: str) -> Tensor:
        assert label == "yes"
        return x_t

    VObjective().loss(net, torch.zeros(1, 1, 4), label="yes")
    with pytest.raises(TypeError, match="lable"):
        VObjective().loss(net, torch.zeros(1, 1, 4), lable="yes")


def test_the_generator_decides_what_is_drawn() -> None:
    def loss() -> Tensor:
        return VObjective().loss(lambda x_t, t: x_t, torch.ones(2, 1, 8), generator=torch.Generator().manual_seed(7))

    assert torch.equal(loss(), loss())


class Linear(nn.Module):
    """An inner net that takes in time and a condition."""

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))

    def forward(self, x_t: Tensor, t: Tensor, *, bias: float = 0.0) -> Tensor:
        return self.weight * x_t + t[:, None, None] + bias


def test_preconditioning_for_unit_variance_is_the_net_itself(generator: torch.Generator) -> None:
    net = Linear(0.7)
    x_t, t = torch.randn(5, 2, 8, generator=generator), torch.tensor([0.0, 0.1, 0.5, 0.9, 1.0])
    torch.testing.assert_close(Preconditioned(net, 1.0)(x_t, t, bias=0.3), net(x_t, t, bias=0.3))


def test_preconditioned_zero_is_the_ideal_net(oracle: Any, generator: torch.Generator) -> None:
    class Zero(nn.Module):
        def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
            return torch.zeros_like(x_t)

    x_t, t = torch.randn(5, 2, 8, generator=generator), torch.tensor([0.0, 0.1, 0.5, 0.9, 1.0])
    torch.testing.assert_close(Preconditioned(Zero(), oracle.std)(x_t, t), oracle(x_t, t))


@pytest.mark.parametrize("time", [0.0, 0.05, 0.5, 1.0])
def test_the_inner_net_sees_and_must_give_unit_variance(time: float, oracle: Any, generator: torch.Generator) -> None:
    seen: list[Tensor] = []

    class Zero(nn.Module):
        def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
            seen.append(x_t)
            return torch.zeros_like(x_t)

    class One(nn.Module):
        def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
            return torch.ones_like(x_t)

    x, noise = torch.randn(2, 1, 1, 100_000, generator=generator) * torch.tensor([oracle.std, 1]).reshape(2, 1, 1, 1)
    t = torch.full((1,), time)
    x_t, v = to_noisy(x, noise, t), to_v(x, noise, t)
    linear = Preconditioned(Zero(), oracle.std)(x_t, t)
    out_scale = Preconditioned(One(), oracle.std)(x_t, t) - linear
    assert float(seen[0].std()) == pytest.approx(1, rel=0.01)
    assert float(((v - linear) / out_scale).std()) == pytest.approx(1, rel=0.01)


def test_a_deep_copy_computes_with_its_own_weights(generator: torch.Generator) -> None:
    original = Preconditioned(Linear(1.0), 0.5)
    x_t, t = torch.randn(2, 1, 8, generator=generator), torch.tensor([0.3, 0.6])
    before = original(x_t, t)
    copied = copy.deepcopy(original)
    assert torch.equal(copied(x_t, t), before)
    with torch.no_grad():
        next(original.parameters()).fill_(3.0)
    assert torch.equal(copied(x_t, t), before)
    assert not torch.allclose(original(x_t, t), before)
    loaded = Preconditioned(Linear(0.0), 0.5)
    loaded.load_state_dict(copied.state_dict())
    assert torch.equal(loaded(x_t, t), before)


def test_preconditioning_of_a_half_precision_net_is_float32(generator: torch.Generator) -> None:
    x_t, t = torch.randn(2, 1, 8, generator=generator), torch.tensor([0.3, 0.6])
    wrapped = Preconditioned(Linear(1.0), 0.5)
    assert wrapped(x_t.bfloat16(), t).dtype == torch.float32
    torch.testing.assert_close(wrapped(x_t.bfloat16(), t), wrapped(x_t, t), atol=0.05, rtol=0.05)


@pytest.mark.parametrize("std", [0.0, -1.0, math.inf, math.nan])
def test_an_impossible_standard_deviation_is_refused(std: float) -> None:
    with pytest.raises(ValueError, match=f"data_std={std}: must be finite and above 0"):
        Preconditioned(Linear(1.0), std)
