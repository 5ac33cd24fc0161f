"""Guidance by a classifier, against data of which everything is known in closed form."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from vdiffusion import DDIM, ClassifierGuidance, alpha_sigma

PLACES = torch.tensor([-1.0, 1.0], dtype=torch.float64)
SPREAD = 0.1
"""Data of two classes alike: normal around either place."""


def _logits(x_t: Tensor, t: Tensor) -> Tensor:
    """log p(x_t, class), less a constant: [B, 2]."""
    alpha, sigma = (value[:, None] for value in alpha_sigma(t))
    variance = (alpha * SPREAD) ** 2 + sigma**2
    return -((x_t[:, 0, :1] - alpha * PLACES) ** 2) / (2 * variance)


def _v(x_t: Tensor, t: Tensor, share: Tensor) -> Tensor:
    """The v of data whose class is known to these shares: alpha eps - sigma x, of posterior means."""
    alpha, sigma = (value[:, None] for value in alpha_sigma(t))
    variance = (alpha * SPREAD) ** 2 + sigma**2
    means = PLACES + alpha * SPREAD**2 / variance * (x_t[:, 0, :1] - alpha * PLACES)
    x = (share * means).sum(1, keepdim=True)
    eps = (x_t[:, 0] - alpha * x) / sigma
    return (alpha * eps - sigma * x)[:, None]


def anything(x_t: Tensor, t: Tensor, **_: Any) -> Tensor:
    return _v(x_t, t, _logits(x_t, t).softmax(1))


def second(x_t: Tensor, t: Tensor) -> Tensor:
    return _logits(x_t, t).log_softmax(1)[:, 1]


def points(count: int = 64) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(0)
    x_t = torch.randn(count, 1, 1, generator=draw, dtype=torch.float64)
    return x_t, torch.rand(count, generator=draw, dtype=torch.float64) * 0.9 + 0.05


def test_at_scale_one_it_is_the_net_of_the_class() -> None:
    x_t, t = points()
    only = torch.tensor([0.0, 1.0], dtype=torch.float64).expand(len(t), 2)
    torch.testing.assert_close(ClassifierGuidance(anything, 1, second)(x_t, t), _v(x_t, t, only))


def test_samples_become_of_the_class() -> None:
    noise = torch.randn(256, 1, 1, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    free = DDIM().sample(anything, noise, num_steps=60)
    led = DDIM().sample(ClassifierGuidance(anything, 2, second), noise, num_steps=60)
    assert 0.4 < (free > 0).double().mean() < 0.6
    assert (led > 0).double().mean() > 0.95
    assert float((led[led > 0] - 1).abs().median()) < 3 * SPREAD


def test_only_between_two_times() -> None:
    x_t, t = points()
    led = ClassifierGuidance(anything, 3, second, t_min=0.3, t_max=0.7)(x_t, t)
    free, always = anything(x_t, t), ClassifierGuidance(anything, 3, second)(x_t, t)
    inside = (t > 0.3) & (t < 0.7)
    assert 0 < int(inside.sum()) < len(t)
    assert torch.equal(led[~inside], free[~inside])
    assert torch.equal(led[inside], always[inside])


def test_pure_noise_is_left_alone_and_no_gradient_is_kept() -> None:
    x_t, _ = points(4)
    ones = torch.ones(4, dtype=torch.float64)
    net = lambda x_t, t: torch.zeros_like(x_t)  # noqa: E731
    assert torch.equal(ClassifierGuidance(net, 1, second)(x_t, ones), torch.zeros_like(x_t))
    led = []
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            led.append(ClassifierGuidance(net, 1, second)(x_t * 1, ones * 0.5))
    assert not led[0].requires_grad and led[0].abs().sum() > 0
    assert torch.equal(led[1], led[0])


def test_scale_zero_asks_no_classifier() -> None:
    x_t, t = points(4)

    def never(x_t: Tensor, t: Tensor) -> Tensor:
        raise AssertionError

    assert torch.equal(ClassifierGuidance(anything, 0, never)(x_t, t), anything(x_t, t))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"scale": math.inf}, "scale=inf: must be finite; 0 is no guidance, 1 that of the classifier"),
        ({"t_min": 0.5, "t_max": 0.5}, r"t_min=0.5, t_max=0.5: must be times with 0 <= t_min < t_max <= 0.99"),
        ({"t_max": 1.0}, r"t_min=0.0, t_max=1.0: must be times with"),
    ],
)
def test_refuses(given: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ClassifierGuidance(anything, **{"scale": 1.0, "log_probability": second, **given})  # type: ignore[arg-type]


def test_refuses_an_answer_of_another_shape() -> None:
    x_t, t = points(4)
    with pytest.raises(ValueError, match=r"log_probability returned shape \[4, 2\]; must be \[batch=4\]"):
        ClassifierGuidance(anything, 1, _logits)(x_t, t)
