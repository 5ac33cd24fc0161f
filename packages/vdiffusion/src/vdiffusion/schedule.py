"""The one home of time t <-> (alpha, sigma) <-> log-SNR, and of grids of times.

Time runs from 0 (data) to 1 (noise) on a quarter circle, so that variance is preserved (Salimans & Ho, 2202.00512;
Moûsai, 2301.11757):

    alpha = cos(pi t / 2)    sigma = sin(pi t / 2)    x_t = alpha x + sigma eps    log-SNR = 2 log(alpha / sigma)
"""

import math
from typing import Literal

import torch
from torch import Tensor

END_LOG_SNR = 10.0
"""Stands in for the infinite log-SNR of t = 0 (and, negated, of t = 1) in a grid that is uniform in log-SNR."""


def alpha_sigma(t: Tensor) -> tuple[Tensor, Tensor]:
    """Return (alpha, sigma), the shares of signal and of noise at time t in [0, 1]; both have the shape of t.

    Exactly (1, 0) at t = 0 and (0, 1) at t = 1, in every floating dtype.
    """
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
    kind: Literal["uniform", "log_snr"] = "uniform",
    device: torch.device | str | None = None,
    dtype: torch.dtype = torch.float64,
) -> Tensor:
    """Return `steps + 1` falling times, from exactly `start` to exactly `end`.

    Args:
        steps: number of steps between them, at least 1.
        start: first time, the noisy one: 0 <= end < start <= 1.
        end: last time.
        kind: "uniform" has steps equal in t; "log_snr" has steps equal in log-SNR, where the ends 1 and 0, whose
            log-SNR is infinite, count as -10 and 10 (t = 0.996 and 0.004).
        device: where the grid is wanted.
        dtype: float64 unless told.

    Raises:
        ValueError: a value is outside what is said above.
    """
    require_steps(steps)
    if not 0 <= end < start <= 1:
        raise ValueError(f"start={start}, end={end}: times must satisfy 0 <= end < start <= 1")
    if kind == "uniform":
        times = torch.linspace(start, end, steps + 1, dtype=torch.float64)
    elif kind == "log_snr":
        noisy, clean = log_snr(torch.tensor([start, end], dtype=torch.float64)).clamp(-END_LOG_SNR, END_LOG_SNR)
        if not noisy < clean:
            raise ValueError(
                f"start={start}, end={end}: both lie beyond log-SNR {END_LOG_SNR:g} in size, where kind='log_snr' has "
                "no steps; use kind='uniform'"
            )
        times = time_of_log_snr(torch.linspace(float(noisy), float(clean), steps + 1, dtype=torch.float64))
        times[0], times[-1] = start, end
    else:
        raise ValueError(f"kind={kind!r}: no such grid; use 'uniform' or 'log_snr'")
    return times.to(device=device, dtype=dtype)


def require_steps(steps: int, name: str = "steps") -> None:
    """Raise a ValueError that names the argument unless `steps` is a whole number of at least 1."""
    if not isinstance(steps, int) or isinstance(steps, bool) or steps < 1:
        raise ValueError(f"{name}={steps!r}: must be a whole number of at least 1")
