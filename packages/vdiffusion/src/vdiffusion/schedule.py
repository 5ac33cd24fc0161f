"""Schedule: time t <-> (alpha, sigma) <-> log-SNR, and grids of times.

Time runs from 0 (data) to 1 (noise) on a quarter circle, so that variance is preserved (Salimans & Ho, 2202.00512;
Moûsai, 2301.11757):

    alpha = cos(pi t / 2)    sigma = sin(pi t / 2)    x_t = alpha x + sigma eps    log-SNR = 2 log(alpha / sigma)
"""

import difflib
import math
import numbers
from collections.abc import Callable

import torch
from torch import Tensor

END_LOG_SNR = 10.0
"""Stands in for the infinite log-SNR of t = 0 (and, negated, of t = 1) in a grid that is uniform in log-SNR."""

KARRAS_NOISE_LEVELS = (0.002, 80.0)
"""The lowest and the highest noise level sigma / alpha of a "karras" grid (2206.00364, table 1)."""


def alpha_sigma(t: Tensor) -> tuple[Tensor, Tensor]:
    """Return (alpha, sigma), the shares of signal and of noise at time t in [0, 1]; both have the shape of t.

    Exactly (1, 0) at t = 0 and (0, 1) at t = 1, in every floating dtype. ValueError where t is no time in [0, 1].
    """
    check_time(t)
    # cos(pi t / 2) as a sine: the float nearest to pi / 2 has a cosine of 6e-17 (float32: -4e-8) and not of 0,
    # whereas 1 - t is exact in the half where alpha is small.
    return torch.sin((1 - t) * (math.pi / 2)), torch.sin(t * (math.pi / 2))


def log_snr(t: Tensor) -> Tensor:
    """Return log(alpha^2 / sigma^2) at time t: +inf at t = 0, 0 at t = 1/2, -inf at t = 1."""
    alpha, sigma = alpha_sigma(t)
    return 2 * (alpha.log() - sigma.log())


def time_of_log_snr(value: Tensor) -> Tensor:
    """Return the time at which the log-SNR has this value: the inverse of `log_snr`, infinities included."""
    return torch.atan(torch.exp(-value / 2)) * (2 / math.pi)


def time_grid(
    steps: int,
    *,
    start: float = 1.0,
    end: float = 0.0,
    kind: str = "uniform",
    device: torch.device | str | None = None,
    dtype: torch.dtype = torch.float64,
) -> Tensor:
    """Return `steps + 1` falling times, from exactly `start` to exactly `end`.

    With i = 0 ... steps, n = steps and the noise level r = sigma / alpha = tan(pi t / 2):

    - "uniform": t_i = start + (i / n) (end - start), steps equal in t and so in the angle on the circle.
    - "cosine": t_i = end + (start - end) (1 + cos(pi i / n)) / 2, steps that grow from both ends as a half turn seen
      from the side: about pi^2 / (4 n^2) of the way at the ends, pi / (2 n) in the middle.
    - "karras": r_i = (r_0^(1/7) + (i / m) (r_m^(1/7) - r_0^(1/7)))^7 (Karras et al., 2206.00364, eq. 5, rho = 7).
      Levels above 80 and below 0.002 (t = 0.992 and 0.0013) count as these, which are the paper's. As there the way to
      an end below 0.002 is a step of its own after level 0.002 (m = n - 1); else m = n.
    - "log_snr": steps equal in log-SNR, where log-SNRs beyond -10 and 10 (t = 0.996 and 0.004), infinite at the ends 1
      and 0, count as these.

    Args:
        steps: number of steps, n, at least 1.
        start: first time, the noisy one: 0 <= end < start <= 1.
        end: last time.
        kind: one of `TIME_GRID_NAMES`.
        device: device of the grid.
        dtype: dtype of the grid.

    Raises:
        ValueError: a value is outside the ranges above; the message names it.
    """
    require_steps(steps)
    if not 0 <= end < start <= 1:
        raise ValueError(f"start={start}, end={end}: times must satisfy 0 <= end < start <= 1")
    if kind not in _GRIDS:
        near = difflib.get_close_matches(str(kind), TIME_GRID_NAMES, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"kind={kind!r}: no such grid; {hint}use one of {', '.join(TIME_GRID_NAMES)}")
    times = _GRIDS[kind](steps, start, end)
    # Neither clamped noise levels nor rounding may move the ends.
    times[0], times[-1] = start, end
    return times.to(device=device, dtype=dtype)


def _uniform(steps: int, start: float, end: float) -> Tensor:
    return torch.linspace(start, end, steps + 1, dtype=torch.float64, device="cpu")


def _cosine(steps: int, start: float, end: float) -> Tensor:
    # (1 + cos a) / 2 = cos^2(a / 2), which loses no digits where it is small.
    turn = torch.linspace(0, math.pi / 2, steps + 1, dtype=torch.float64, device="cpu")
    return end + (start - end) * torch.cos(turn).square()


def _karras(steps: int, start: float, end: float) -> Tensor:
    noisy, clean = (math.tan(math.pi / 2 * t) if t < 1 else math.inf for t in (start, end))
    lowest, highest = KARRAS_NOISE_LEVELS
    if not max(clean, lowest) < min(noisy, highest):
        raise _too_close(start, end, f"noise levels {lowest:g} to {highest:g}", "karras")
    levels = steps if clean < lowest else steps + 1
    roots = torch.linspace(
        min(noisy, highest) ** (1 / 7), max(clean, lowest) ** (1 / 7), levels, dtype=torch.float64, device="cpu"
    )
    times = torch.atan(roots**7) * (2 / math.pi)
    return torch.cat([times, times.new_tensor([end])]) if clean < lowest else times


def _log_snr(steps: int, start: float, end: float) -> Tensor:
    noisy, clean = log_snr(torch.tensor([start, end], dtype=torch.float64, device="cpu")).clamp(
        -END_LOG_SNR, END_LOG_SNR
    )
    if not noisy < clean:
        raise _too_close(start, end, f"log-SNR {-END_LOG_SNR:g} to {END_LOG_SNR:g}", "log_snr")
    return time_of_log_snr(torch.linspace(float(noisy), float(clean), steps + 1, dtype=torch.float64, device="cpu"))


def _too_close(start: float, end: float, span: str, kind: str) -> ValueError:
    return ValueError(
        f"start={start}, end={end}: nothing between them lies within {span}, where kind={kind!r} has its steps; "
        "use kind='uniform'"
    )


_GRIDS: dict[str, Callable[[int, float, float], Tensor]] = {
    "uniform": _uniform,
    "cosine": _cosine,
    "karras": _karras,
    "log_snr": _log_snr,
}

TIME_GRID_NAMES: tuple[str, ...] = tuple(_GRIDS)
"""Values of `kind` in `time_grid`."""


def require_steps(steps: int, name: str = "steps") -> None:
    """Raise a ValueError that names the argument unless `steps` is a whole number of at least 1."""
    if not isinstance(steps, numbers.Integral) or isinstance(steps, bool) or steps < 1:
        raise ValueError(f"{name}={steps!r}: must be a whole number of at least 1")


def check_time(t: Tensor) -> None:
    """Raise a ValueError unless t is of a floating dtype and, where looking at its values is free, within [0, 1].

    On a GPU it would wait for the device. A compiled, fake or vmapped tensor has no values that Python may see.
    """
    if not t.is_floating_point():
        raise ValueError(f"t: {t.dtype}; must be floating-point times in [0, 1] (divide timesteps by their number)")
    if torch.compiler.is_compiling() or t.device.type != "cpu":
        return
    if type(t) is not Tensor or torch._C._functorch.is_functorch_wrapped_tensor(t):
        return
    if not bool(((t >= 0) & (t <= 1)).all()):
        raise ValueError(
            f"t: {float(t.min()):g} to {float(t.max()):g}; must be times in [0, 1] (divide timesteps by their number)"
        )
