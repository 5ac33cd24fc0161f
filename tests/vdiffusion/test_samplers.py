import itertools
import math
from typing import Any

import pytest
import torch
from torch import Tensor

from vdiffusion import DDIM, alpha_sigma, item_generators, seeded_noise, time_grid


def start(batch: int = 4, length: int = 16, dtype: torch.dtype = torch.float64) -> Tensor:
    return seeded_noise([2, length], seed=0, items=range(batch), stage="test", dtype=dtype)


def generators(batch: int) -> list[torch.Generator]:
    return item_generators(seed=1, items=range(batch), stage="ddim")


def test_ddim_approaches_the_probability_flow_solution(oracle: Any) -> None:
    x = DDIM().sample(oracle, start(), num_steps=2000)
    torch.testing.assert_close(x, oracle.std * start(), rtol=5e-3, atol=0)


def test_ddim_approaches_the_solution_between_any_two_times(oracle: Any) -> None:
    times = time_grid(1000, start=0.7, end=0.2)
    x = DDIM().sample(oracle, start(), times=times)
    torch.testing.assert_close(x, oracle.scale(0.2) / oracle.scale(0.7) * start(), rtol=5e-3, atol=0)


def test_ddim_converges_with_order_one(oracle: Any) -> None:
    exact = oracle.std * start()
    errors = [float((DDIM().sample(oracle, start(), num_steps=n) - exact).abs().max()) for n in (200, 400, 800)]
    orders = [math.log2(coarse / fine) for coarse, fine in itertools.pairwise(errors)]
    assert orders == pytest.approx([1, 1], abs=0.05)


def test_ddim_of_a_net_that_knows_the_answer_is_exact_in_any_number_of_steps() -> None:
    target = torch.linspace(-1, 1, 2 * 16, dtype=torch.float64).reshape(2, 16)

    def net(x_t: Tensor, t: Tensor) -> Tensor:  # v = (alpha x_t - x) / sigma, from x = alpha x_t - sigma v
        alpha, sigma = (share[:, None, None] for share in alpha_sigma(t.double()))
        return (alpha * x_t - target) / sigma

    for steps in (1, 2, 7):
        for eta in (0.0, 1.0):
            x = DDIM(eta=eta).sample(net, start(), num_steps=steps, generators=generators(4))
            # So close only because net and sampler have the same, rounded times.
            torch.testing.assert_close(x, target.expand_as(x), rtol=0, atol=1e-12)


def test_one_step_from_pure_noise_is_minus_v() -> None:
    v = torch.linspace(-1, 1, 16)
    assert torch.equal(
        DDIM().sample(lambda x, t: v.expand_as(x), start(dtype=torch.float32), num_steps=1), (-v).expand(4, 2, 16)
    )


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_the_last_step_lands_on_the_clean_estimate(eta: float, oracle: Any) -> None:
    told: list[tuple[int, int]] = []
    estimates: list[Tensor] = []

    def callback(step: int, total: int, estimate: Tensor) -> None:
        told.append((step, total))
        estimates.append(estimate)

    x = DDIM(eta=eta).sample(oracle, start(), num_steps=5, generators=generators(4), callback=callback)
    assert told == [(i, 5) for i in range(5)]
    assert torch.equal(x, estimates[-1])


@pytest.mark.parametrize("eta", [0.3, 1.0])
def test_variance_with_fresh_noise_is_that_of_the_recursion(eta: float, oracle: Any) -> None:
    # On the oracle a step is linear in x_t and z, so the variance has its own exact recursion (DDIM, eq. 12 and 16).
    steps, variance = 40, 1.0
    for i in range(steps):
        (a, s), (b, r) = (
            (math.cos(math.pi / 2 * t), math.sin(math.pi / 2 * t)) for t in (1 - i / steps, 1 - (i + 1) / steps)
        )
        total = a**2 * oracle.std**2 + s**2
        fresh = eta * r / s * math.sqrt(max(1 - a**2 / b**2, 0))
        gain = b * a * oracle.std**2 / total + math.sqrt(max(r**2 - fresh**2, 0)) * s / total
        variance = gain**2 * variance + fresh**2
    x = DDIM(eta=eta).sample(oracle, start(8, 4000), num_steps=steps, generators=generators(8))
    assert float(x.var()) == pytest.approx(variance, rel=4 * math.sqrt(2 / x.numel()))


def test_fresh_noise_gives_the_variance_of_the_data(oracle: Any) -> None:
    x = DDIM(eta=1.0).sample(oracle, start(4, 4000, torch.float32), num_steps=400, generators=generators(4))
    # 400 steps of first order leave quiet data 4 % too quiet; the recursion above has that bias exactly.
    assert float(x.std()) == pytest.approx(oracle.std, rel=0.05)
    assert abs(float(x.mean())) < 4 * oracle.std / math.sqrt(x.numel())


def test_full_eta_forgets_the_start_at_pure_noise(oracle: Any) -> None:
    # At t = 1 the oracle's clean estimate is 0, so with eta = 1 nothing of the start is left after the first step.
    first, second = (
        DDIM(eta=1.0).sample(oracle, noise, num_steps=4, generators=generators(4)) for noise in (start(), -start())
    )
    torch.testing.assert_close(first, second)


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_an_item_does_not_depend_on_its_batch_mates(eta: float, oracle: Any) -> None:
    def sample(items: list[int]) -> Tensor:
        noise = seeded_noise([2, 100], seed=3, items=items, stage="start")
        draws = item_generators(seed=3, items=items, stage="ddim")
        return DDIM(eta=eta).sample(oracle, noise, num_steps=6, generators=draws)

    together = sample([0, 1, 2])
    assert torch.equal(together[2:], sample([2]))
    assert torch.equal(together[[1, 0]], sample([1, 0]))


@pytest.mark.parametrize("returned", [torch.bfloat16, torch.float16, torch.float32])
def test_arithmetic_is_float32_whatever_the_net_returns(returned: torch.dtype, oracle: Any) -> None:
    seen = set()

    def net(x_t: Tensor, t: Tensor) -> Tensor:
        seen.add((x_t.dtype, t.dtype, tuple(t.shape)))
        v: Tensor = oracle(x_t, t)
        return v.to(returned)

    x = DDIM().sample(net, start(dtype=torch.bfloat16), num_steps=50)
    assert seen == {(torch.float32, torch.float32, (4,))}
    assert x.dtype == torch.float32
    expected = DDIM().sample(oracle, start(dtype=torch.bfloat16).float(), num_steps=50)
    torch.testing.assert_close(x, expected, rtol=0.02, atol=0.01)


def test_float64_stays_float64(oracle: Any) -> None:
    assert DDIM().sample(oracle, start(), num_steps=2).dtype == torch.float64


def test_the_net_sees_the_grid() -> None:
    seen: list[float] = []

    def net(x_t: Tensor, t: Tensor) -> Tensor:
        seen.append(float(t[0]))
        return x_t

    DDIM().sample(net, start(), num_steps=4)
    DDIM().sample(net, start(), times=torch.tensor([0.6, 0.5, 0.1]))
    assert seen == pytest.approx([1, 0.75, 0.5, 0.25, 0.6, 0.5])


def test_sampling_records_no_gradients(conv: torch.nn.Module) -> None:
    conv.requires_grad_(True)
    assert not DDIM().sample(lambda x, t: conv(x), start(dtype=torch.float32), num_steps=2).requires_grad


def test_the_start_is_left_alone(oracle: Any) -> None:
    noise = start()
    DDIM(eta=1.0).sample(oracle, noise, num_steps=3, generators=generators(4))
    assert torch.equal(noise, start())


@pytest.mark.parametrize("eta", [-0.1, 1.1, math.nan, math.inf])
def test_impossible_eta_is_refused(eta: float) -> None:
    with pytest.raises(ValueError, match=rf"eta={eta}: must lie in \[0, 1\]"):
        DDIM(eta=eta)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_steps": 0}, "num_steps=0: must be a whole number of at least 1"),
        ({"num_steps": -3}, "num_steps=-3: must be a whole number of at least 1"),
        ({"num_steps": 2.0}, r"num_steps=2\.0: must be a whole number"),
        ({}, "num_steps=None: give the number of steps, or a grid as times"),
        ({"times": torch.tensor([1.0])}, r"times has shape \[1\]; must be \[steps \+ 1\]"),
        ({"times": torch.zeros(2, 2)}, r"times has shape \[2, 2\]"),
        ({"times": torch.tensor([1, 0.5, 0.5, 0])}, r"times=\[1, 0\.5, 0\.5, 0\]: must fall strictly, within \[0, 1\]"),
        ({"times": torch.tensor([0, 0.5, 1])}, "must fall strictly"),
        ({"times": torch.tensor([1.2, 0.5])}, "must fall strictly, within"),
        ({"times": torch.tensor([math.nan, 0])}, "must fall strictly"),
        ({"times": torch.tensor([1, 0.5, 0]), "num_steps": 3}, "num_steps=3: times make 2 steps"),
        (
            {"noise": torch.zeros(5), "num_steps": 1},
            r"noise: torch\.float32 of shape \[5\]; must be floating point \[B, \.\.\.\]",
        ),
        ({"noise": torch.zeros(5, 1, 2, dtype=torch.long), "num_steps": 1}, r"noise: torch\.int64"),
    ],
)
def test_impossible_arguments_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DDIM().sample(lambda x, t: x, arguments.pop("noise", start()), **arguments)


def test_fresh_noise_needs_a_generator_per_item() -> None:
    with pytest.raises(ValueError, match=r"generators=None: eta=0\.5 draws noise; give one per item"):
        DDIM(eta=0.5).sample(lambda x, t: x, start(), num_steps=2)
    with pytest.raises(ValueError, match="generators: 3 for a batch of 4; give one per item"):
        DDIM(eta=0.5).sample(lambda x, t: x, start(), num_steps=2, generators=generators(3))


def test_a_net_of_the_wrong_shape_is_named() -> None:
    with pytest.raises(ValueError, match=r"net returned shape \[4, 1, 16\] for x_t of shape \[4, 2, 16\]"):
        DDIM().sample(lambda x, t: x[:, :1], start(), num_steps=2)
