import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vdiffusion import alpha_sigma, log_snr, time_grid, time_of_log_snr

times = st.floats(0, 1, allow_subnormal=False)


@given(times)
def test_alpha_and_sigma_lie_on_the_quarter_circle(t: float) -> None:
    alpha, sigma = alpha_sigma(torch.tensor(t, dtype=torch.float64))
    assert float(alpha**2 + sigma**2) == pytest.approx(1, abs=1e-15)
    assert float(alpha) == pytest.approx(math.cos(math.pi * t / 2), abs=1e-15)
    assert float(sigma) == pytest.approx(math.sin(math.pi * t / 2), abs=1e-15)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_the_ends_are_exact(dtype: torch.dtype) -> None:
    alpha, sigma = alpha_sigma(torch.tensor([0.0, 1.0], dtype=dtype))
    assert alpha.tolist() == [1, 0]
    assert sigma.tolist() == [0, 1]


@given(st.floats(1e-6, 1 - 1e-6))
def test_time_of_log_snr_inverts_log_snr(t: float) -> None:
    there = log_snr(torch.tensor(t, dtype=torch.float64))
    assert float(time_of_log_snr(there)) == pytest.approx(t, rel=1e-9)


def test_log_snr_at_known_times() -> None:
    t = torch.tensor([0, 1 / 3, 0.5, 1], dtype=torch.float64)
    values = log_snr(t)
    assert values[0] == math.inf
    assert float(values[1]) == pytest.approx(math.log(3))  # alpha^2 = 3/4, sigma^2 = 1/4
    assert float(values[2]) == pytest.approx(0, abs=1e-12)
    assert values[3] == -math.inf
    assert time_of_log_snr(values).tolist() == pytest.approx(t.tolist())


def test_uniform_grid() -> None:
    grid = time_grid(4)
    assert grid.dtype == torch.float64
    assert grid.tolist() == [1, 0.75, 0.5, 0.25, 0]
    assert time_grid(3, start=0.8, end=0.2, dtype=torch.float32).tolist() == pytest.approx([0.8, 0.6, 0.4, 0.2])


def test_log_snr_grid_has_equal_steps_in_log_snr_and_exact_ends() -> None:
    inner = log_snr(time_grid(9, start=0.9, end=0.05, kind="log_snr")).diff()
    assert inner.tolist() == pytest.approx([float(inner[0])] * 9)
    whole = time_grid(10, kind="log_snr")
    assert (float(whole[0]), float(whole[-1])) == (1, 0)
    assert log_snr(whole[1:-1]).tolist() == pytest.approx([-8, -6, -4, -2, 0, 2, 4, 6, 8], abs=1e-9)


@pytest.mark.parametrize("kind", ["uniform", "log_snr"])
@given(steps=st.integers(1, 300), ends=st.tuples(times, times).filter(lambda ends: abs(ends[0] - ends[1]) > 0.01))
def test_any_grid_falls_strictly_between_its_ends(kind: str, steps: int, ends: tuple[float, float]) -> None:
    grid = time_grid(steps, start=max(ends), end=min(ends), kind=kind)  # type: ignore[arg-type]
    assert len(grid) == steps + 1
    assert (float(grid[0]), float(grid[-1])) == (max(ends), min(ends))
    assert (grid.diff() < 0).all()


@pytest.mark.parametrize("steps", [0, -1, 2.5, True])
def test_a_grid_without_steps_is_refused(steps: int) -> None:
    with pytest.raises(ValueError, match=f"steps={steps}: must be a whole number of at least 1"):
        time_grid(steps)


@pytest.mark.parametrize(("start", "end"), [(0.5, 0.5), (0.2, 0.4), (1.5, 0), (1, -0.1), (math.nan, 0)])
def test_times_out_of_order_are_refused(start: float, end: float) -> None:
    with pytest.raises(ValueError, match=r"start=.*, end=.*: times must satisfy 0 <= end < start <= 1"):
        time_grid(5, start=start, end=end)


def test_impossible_kinds_are_refused() -> None:
    with pytest.raises(ValueError, match="kind='cosine': no such grid; use 'uniform' or 'log_snr'"):
        time_grid(5, kind="cosine")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="use kind='uniform'"):
        time_grid(5, start=0.001, kind="log_snr")
