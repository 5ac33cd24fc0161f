"""The oracle of these tests: Gaussian data, for which the ideal net is known in closed form."""

from dataclasses import dataclass
from math import cos, pi, sin
from typing import Any

import pytest
import torch
from torch import Tensor


@dataclass(frozen=True)
class GaussianOracle:
    """The ideal net for data N(0, std^2); written here from the definitions, not with the package's schedule.

    x_t has the variance c^2 = alpha^2 std^2 + sigma^2. With x' = E[x | x_t] = alpha std^2 x_t / c^2 and
    eps' = E[eps | x_t] = sigma x_t / c^2, the ideal v is alpha eps' - sigma x'.
    """

    std: float

    def __call__(self, x_t: Tensor, t: Tensor, **conditions: Any) -> Tensor:
        angle = t.double().reshape(-1, *[1] * (x_t.ndim - 1)) * (pi / 2)
        alpha, sigma = angle.cos(), angle.sin()
        variance = alpha**2 * self.std**2 + sigma**2
        return (alpha * (sigma * x_t / variance) - sigma * (alpha * self.std**2 * x_t / variance)).to(x_t.dtype)

    def scale(self, t: float) -> float:
        """Standard deviation of x_t: along the probability-flow ODE x_t moves in proportion to it."""
        return float((cos(pi * t / 2) ** 2 * self.std**2 + sin(pi * t / 2) ** 2) ** 0.5)


@pytest.fixture(params=[0.1, 0.5, 2.0], ids="std={}".format)
def oracle(request: pytest.FixtureRequest) -> GaussianOracle:
    """The oracle for quiet, moderate and loud data."""
    return GaussianOracle(request.param)


@pytest.fixture
def generator() -> torch.Generator:
    """A seeded generator, so that statistical tests always see the same numbers."""
    return torch.Generator().manual_seed(0)


@pytest.fixture
def conv() -> torch.nn.Module:
    """A net with a receptive field of 3 samples to each side."""
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv1d(2, 8, 5, padding=2), torch.nn.Tanh(), torch.nn.Conv1d(8, 2, 3, padding=1)
    ).requires_grad_(False)
