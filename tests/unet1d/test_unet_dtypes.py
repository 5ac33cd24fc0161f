"""The U-Net in bfloat16 and under autocast stays near float32, gradients included."""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from unet1d import UNet1d

Inputs = Callable[..., tuple[tuple[Tensor, Tensor], dict[str, Any]]]


def test_bfloat16_weights_take_any_input_and_stay_near_float32(everything: UNet1d, make_inputs: Inputs) -> None:
    (x, t), conditions = make_inputs(everything.config, 2, 26)
    exact = everything(x, t, **conditions)
    half = copy.deepcopy(everything).bfloat16()
    y = half(x, t, **conditions)
    assert y.dtype == torch.float32
    assert half(x.bfloat16(), t, **conditions).dtype == torch.bfloat16
    assert (y - exact).norm() / exact.norm() < 0.03
    y.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in half.parameters())


def test_autocast_stays_near_float32(everything: UNet1d, make_inputs: Inputs) -> None:
    args, conditions = make_inputs(everything.config, 2, 26)
    exact = everything(*args, **conditions)
    with torch.autocast("cpu", torch.bfloat16):
        y = everything(*args, **conditions)
    assert y.dtype == torch.float32
    assert 0 < (y - exact).norm() / exact.norm() < 0.03
    y.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in everything.parameters())


def test_gradients_in_bfloat16_are_those_of_float32(plain: UNet1d) -> None:
    """A kernel with wrong bfloat16 gradients would train without an error and diverge."""
    x, t = torch.randn(2, 3, 64), torch.tensor([0.3, 0.8])
    gradients = []
    for net in (plain, copy.deepcopy(plain).bfloat16()):
        net(x, t).square().mean().backward()
        gradients.append({name: p.grad.float() for name, p in net.named_parameters() if p.grad is not None})
    exact, half = gradients
    assert set(exact) == set(half)
    for name, gradient in exact.items():
        assert (half[name] - gradient).norm() / gradient.norm() < 0.15, name
