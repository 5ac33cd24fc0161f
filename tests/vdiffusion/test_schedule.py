import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vdiffusion import TIME_GRID_NAMES, alpha_sigma, log_snr, time_grid, time_of_log_snr, to_noisy, x_from_v

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


@pytest.mark.parametrize(
    ("t", "message"),
    [
        (torch.tensor([3, 999]), r"t: torch\.int64; must be floating-point times in \[0, 1\] \(divide timesteps by"),
        (torch.tensor([3.0, 999.0]), r"t: 3 to 999; must be times in \[0, 1\] \(divide timesteps by their number\)"),
        (torch.tensor(-0.5), r"t: -0\.5 to -0\.5; must be times in \[0, 1\]"),
        (torch.tensor(math.nan), r"t: nan to nan; must be times in \[0, 1\]"),
    ],
)
def test_timesteps_are_refused_wherever_a_time_is_taken(t: torch.Tensor, message: str) -> None:
    x = torch.zeros(2, 3)
    for use in (alpha_sigma, log_snr, lambda t: to_noisy(x, x, t), lambda t: x_from_v(x, x, t)):
        with pytest.raises(ValueError, match=message):
            use(t)


def test_the_check_of_t_lets_compiled_vmapped_and_meta_tensors_through() -> None:
    t = torch.tensor([0.0, 0.3, 1.0])
    alpha, sigma = alpha_sigma(t)
    for wrapped in (torch.compile(alpha_sigma, backend="eager", fullgraph=True), torch.vmap(alpha_sigma)):
        assert all(torch.equal(one, other) for one, other in zip(wrapped(t), (alpha, sigma), strict=True))
    slope = torch.func.grad(lambda t: alpha_sigma(t)[1])(torch.tensor(0.0))
    assert float(slope) == pytest.approx(math.pi / 2)
    assert alpha_sigma(t.to("meta"))[0].shape == (3,)


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


def test_numbers_of_numpy_are_taken() -> None:
    assert torch.equal(time_grid(np.int64(4), start=np.float64(0.8)), time_grid(4, start=0.8))  # type: ignore[arg-type]


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


def test_cosine_grid_is_a_half_turn_seen_from_the_side() -> None:
    assert time_grid(4, kind="cosine").tolist() == pytest.approx([1, (2 + 2**0.5) / 4, 0.5, (2 - 2**0.5) / 4, 0])
    steps = -time_grid(100, start=0.8, end=0.3, kind="cosine").diff()
    assert steps.tolist() == pytest.approx(steps.flip(0).tolist())
    assert float(steps[0]) == pytest.approx(0.5 * math.pi**2 / (4 * 100**2), rel=1e-3)
    assert float(steps[50]) == pytest.approx(0.5 * math.pi / (2 * 100), rel=1e-3)


def noise_levels(times: torch.Tensor) -> list[float]:
    return (times * (math.pi / 2)).tan().tolist()


def test_karras_grid_has_equal_steps_in_the_seventh_root_of_the_noise_level() -> None:
    # Between inner times all are on one line.
    roots = torch.tensor(noise_levels(time_grid(9, start=0.9, end=0.05, kind="karras"))) ** (1 / 7)
    assert roots.diff().tolist() == pytest.approx([float(roots[-1] - roots[0]) / 9] * 9, rel=1e-4)
    # From end to end they are those of the paper: 80 counts for infinity, and the last step is from 0.002 to 0.
    whole = time_grid(18, kind="karras")
    expected = [(80 ** (1 / 7) + i / 17 * (0.002 ** (1 / 7) - 80 ** (1 / 7))) ** 7 for i in range(18)]
    assert (float(whole[0]), float(whole[-1])) == (1, 0)
    assert noise_levels(whole[1:-1]) == pytest.approx(expected[1:])
    assert noise_levels(time_grid(18, end=1e-4, kind="karras")[1:-1]) == pytest.approx(expected[1:])
    assert time_grid(1, kind="karras").tolist() == [1, 0]


@pytest.mark.parametrize("kind", TIME_GRID_NAMES)
@given(steps=st.integers(1, 1000), ends=st.tuples(times, times).filter(lambda ends: abs(ends[0] - ends[1]) > 0.01))
def test_any_grid_falls_strictly_between_its_ends(kind: str, steps: int, ends: tuple[float, float]) -> None:
    grid = time_grid(steps, start=max(ends), end=min(ends), kind=kind)
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


@pytest.mark.parametrize("kind", TIME_GRID_NAMES)
@given(steps=st.integers(1, 1000))
def test_a_whole_grid_falls_strictly_in_float32_too(kind: str, steps: int) -> None:
    # So that samplers, which round to float32, take all that the command line allows.
    grid = time_grid(steps, kind=kind, dtype=torch.float32)
    assert (float(grid[0]), float(grid[-1])) == (1, 0)
    assert (grid.diff() < 0).all()


def test_impossible_kinds_are_refused() -> None:
    with pytest.raises(ValueError, match="kind='linear': no such grid; use one of uniform, cosine, karras, log_snr"):
        time_grid(5, kind="linear")


@pytest.mark.parametrize(
    ("kind", "start", "end"),
    [
        ("log_snr", 0.001, 0),
        ("log_snr", 1, 0.999),
        ("karras", 0.001, 0),
        ("karras", 1, 0.995),
        ("karras", 0.0012, 1e-9),
    ],
)
def test_ends_beyond_what_a_kind_counts_are_refused(kind: str, start: float, end: float) -> None:
    with pytest.raises(ValueError, match=f"start={start}, end={end}: .* kind='{kind}' has its steps; use kind='uni"):
        time_grid(5, start=start, end=end, kind=kind)
