"""How fast the deterministic samplers approach the exact solution, and where the stochastic ones end.

On the Gaussian oracle the probability flow takes x_t to x_s = scale(s) / scale(t) x_t (see conftest), so the error of a
sampler is known and its order of convergence can be measured.
"""

import itertools
import math
from typing import Any

import pytest
import torch
from torch import Tensor

from vdiffusion import DDIM, DPMSolverPP, EulerAncestral, Heun, NoiseSource, Sampler, time_grid

SECOND_ORDER = [DPMSolverPP(), Heun()]


def start(batch: int = 4, length: int = 16, dtype: torch.dtype = torch.float64) -> Tensor:
    return NoiseSource(0, range(batch)).draw([2, length], stage="test", dtype=dtype)


def generators(batch: int) -> list[torch.Generator]:
    return NoiseSource(1, range(batch)).generators("steps")


def error(sampler: Sampler, oracle: Any, times: Tensor) -> float:
    exact = oracle.scale(float(times[-1])) / oracle.scale(float(times[0])) * start()
    return float((sampler.sample(oracle, start(), times=times) - exact).abs().max())


def orders(errors: list[float]) -> list[float]:
    """Of errors at numbers of steps that double from one to the next."""
    return [math.log2(coarse / fine) for coarse, fine in itertools.pairwise(errors)]


# ---- order


@pytest.mark.parametrize(("start", "end"), [(1.0, 0.0), (0.9, 0.1)])
def test_ddim_is_of_first_order(oracle: Any, start: float, end: float) -> None:
    errors = [error(DDIM(), oracle, time_grid(n, start=start, end=end)) for n in (200, 400, 800)]
    assert orders(errors) == pytest.approx([1, 1], abs=0.05)


@pytest.mark.parametrize("sampler", SECOND_ORDER, ids=str)
@pytest.mark.parametrize("kind", ["uniform", "cosine", "karras", "log_snr"])
def test_second_order_between_inner_times(sampler: Sampler, kind: str, oracle: Any) -> None:
    errors = [error(sampler, oracle, time_grid(n, start=0.9, end=0.1, kind=kind)) for n in (100, 200, 400)]
    assert orders(errors) == pytest.approx([2, 2], abs=0.1)


@pytest.mark.parametrize("sampler", SECOND_ORDER, ids=str)
def test_the_infinite_ends_do_not_cost_the_second_order(sampler: Sampler, oracle: Any) -> None:
    errors = [error(sampler, oracle, time_grid(n, kind="cosine")) for n in (200, 400, 800)]
    assert orders(errors) == pytest.approx([2, 2], abs=0.15)


@pytest.mark.parametrize("sampler", SECOND_ORDER, ids=str)
def test_a_uniform_grid_from_end_to_end_costs_a_logarithm(sampler: Sampler, oracle: Any) -> None:
    coarse, fine = (error(sampler, oracle, time_grid(n)) * n**2 / math.log(n) for n in (800, 1600))
    assert fine < 1.2 * coarse  # of first order it would be 1.8 times as much


@pytest.mark.parametrize("sampler", SECOND_ORDER, ids=str)
def test_second_order_is_closer_than_first_in_as_many_evaluations(sampler: Sampler, oracle: Any) -> None:
    steps = 81 if isinstance(sampler, Heun) else 160
    assert error(sampler, oracle, time_grid(steps, kind="cosine")) < error(DDIM(), oracle, time_grid(160)) / 3


# ---- draws


def covariance_recursion(eta: float, std: float, times: Tensor) -> float:
    """Variance of what DPM-Solver++ 2M gives on the oracle, from the formulas of the paper and not the package's code.

    A step is linear in (x_t, x'_before, z), so the 2 x 2 covariance of the first two has an exact recursion.
    """
    ends = [(math.cos(math.pi / 2 * t), math.sin(math.pi / 2 * t)) for t in times.float().tolist()]
    covariance, h_before = torch.tensor([[1.0, 0.0], [0.0, 0.0]], dtype=torch.float64), math.inf
    for (a, s), (b, r) in itertools.pairwise(ends):
        pure, clean = a < 1e-6, r < 1e-12
        h = math.inf if pure or clean else math.log(b / r) - math.log(a / s)
        slope = 0.0 if math.isinf(h) or math.isinf(h_before) else h / (2 * h_before)
        estimate = a * std**2 / (a**2 * std**2 + s**2)  # x' = estimate x_t
        kept = math.exp(-eta * h) if eta else 1.0
        gain = b * (1 - math.exp(-(1 + eta) * h))
        step = torch.tensor(
            [[r / s * kept + gain * (1 + slope) * estimate, -gain * slope], [estimate, 0.0]], dtype=torch.float64
        )
        covariance = step @ covariance @ step.T
        covariance[0, 0] += r**2 * (1 - kept**2)
        h_before = h
    return float(covariance[0, 0])


@pytest.mark.parametrize("eta", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("kind", ["uniform", "karras"])
def test_the_variance_of_dpm_solver_is_that_of_its_recursion(eta: float, kind: str, oracle: Any) -> None:
    times = time_grid(30, kind=kind)
    noise = start(8, 4000)
    x = DPMSolverPP(eta=eta).sample(oracle, noise, times=times, generators=generators(8))
    expected = covariance_recursion(eta, oracle.std, times)
    assert float(x.var()) == pytest.approx(expected, rel=4 * math.sqrt(2 / x.numel()))
    if eta == 0:  # then nothing is left to chance but the start
        assert float(x.var() / noise.var()) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("eta", [0.3, 1.0])
def test_the_variance_of_ddim_is_that_of_its_recursion(eta: float, oracle: Any) -> None:
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


@pytest.mark.parametrize(
    ("sampler", "bias"),
    # 400 steps of first order leave quiet data 4 % too quiet; the recursion above has that bias exactly.
    [(DDIM(eta=1.0), 0.05), (EulerAncestral(), 0.05), (DPMSolverPP(eta=1.0), 0.01), (DPMSolverPP(eta=0.5), 0.01)],
    ids=str,
)
def test_fresh_noise_gives_the_mean_and_the_variance_of_the_data(sampler: Sampler, bias: float, oracle: Any) -> None:
    x = sampler.sample(oracle, start(4, 4000, torch.float32), num_steps=400, generators=generators(4))
    assert float(x.std()) == pytest.approx(oracle.std, rel=bias + 4 / math.sqrt(2 * x.numel()))
    assert abs(float(x.mean())) < 4 * oracle.std / math.sqrt(x.numel())


@pytest.mark.parametrize("kind", [DDIM, DPMSolverPP, EulerAncestral])
def test_at_pure_noise_fresh_noise_takes_the_place_of_the_start(kind: type[DDIM], oracle: Any) -> None:
    # At t = 1 the oracle's clean estimate is 0, so with eta = 1 nothing of the start is left after the first step.
    first, second = (
        kind(eta=1.0).sample(oracle, noise, num_steps=4, generators=generators(4)) for noise in (start(), -start())
    )
    torch.testing.assert_close(first, second)


@pytest.mark.parametrize("kind", [DDIM, DPMSolverPP, EulerAncestral])
def test_eta_0_is_deterministic_and_eta_goes_there_smoothly(kind: type[DDIM], oracle: Any) -> None:
    times = time_grid(8, start=0.999)
    still = kind(eta=0.0).sample(oracle, start(), times=times)
    assert torch.equal(still, kind(eta=0.0).sample(oracle, start(), times=times))
    nearly = kind(eta=1e-12).sample(oracle, start(), times=times, generators=generators(4))
    torch.testing.assert_close(nearly, still, rtol=0, atol=1e-4)
    assert not torch.equal(nearly, still)


def test_one_step_of_all_samplers_is_that_of_ddim(oracle: Any) -> None:
    # Without a step before it DPM-Solver++ is of first order, and to t = 0 so is Heun's method.
    for times in (torch.tensor([1.0, 0.4]), torch.tensor([0.8, 0.0]), torch.tensor([1.0, 0.0])):
        expected = DDIM().sample(oracle, start(), times=times)
        for sampler in SECOND_ORDER:
            torch.testing.assert_close(sampler.sample(oracle, start(), times=times), expected, rtol=0, atol=1e-12)
    inner = torch.tensor([0.8, 0.4])
    expected = DDIM().sample(oracle, start(), times=inner)
    torch.testing.assert_close(DPMSolverPP().sample(oracle, start(), times=inner), expected, rtol=0, atol=1e-12)
    assert float((Heun().sample(oracle, start(), times=inner) - expected).abs().max()) > 1e-3


def test_eulers_ancestral_sampler_in_its_own_variables(oracle: Any) -> None:
    # y = x / alpha and the noise level r = sigma / alpha, as other programs have it.
    times = time_grid(12, start=0.95)
    draws, x = generators(4), start()
    for t, s in itertools.pairwise(times.float().double().tolist()):
        (a, sigma), (b, sigma_s) = ((math.cos(math.pi / 2 * u), math.sin(math.pi / 2 * u)) for u in (t, s))
        y, r, r_s = x / a, sigma / a, sigma_s / b
        up = r_s * math.sqrt(1 - r_s**2 / r**2)
        down = math.sqrt(r_s**2 - up**2)
        clean = a * x - sigma * oracle(x, torch.full((4,), t))
        y = y + (down - r) * (y - clean) / r
        if s > 0:
            z = torch.stack([torch.randn(2, 16, generator=one, dtype=torch.float64) for one in draws])
            y = y + up * z
        x = b * y
    found = EulerAncestral().sample(oracle, start(), times=times, generators=generators(4))
    torch.testing.assert_close(found, x, rtol=0, atol=1e-6)
