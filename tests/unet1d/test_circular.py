"""A U-Net on a circle: the end is followed by the start."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from unet1d import Conv, UNet1d, wrap

Inputs = Callable[..., tuple[tuple[Tensor, Tensor], dict[str, Any]]]


def rolled(inputs: tuple[Tensor, Tensor], conditions: dict[str, Any], net: UNet1d, by: int) -> Tensor:
    (x, t), inject = inputs, conditions.get("inject", {})
    turned = {depth: signal.roll(by // net.config.factor_at(depth), -1) for depth, signal in inject.items()}
    more = {**conditions, "inject": turned} if inject else conditions
    found: Tensor = net(x.roll(by, -1), t, circular=True, **more)
    return found


@pytest.mark.parametrize("by", [6, 12, 30])
def test_rolling_the_input_rolls_the_output(everything: UNet1d, make_inputs: Inputs, by: int) -> None:
    inputs, conditions = make_inputs(everything.config, 2, 36)
    with torch.no_grad():
        expected = everything(*inputs, circular=True, **conditions).roll(by, -1)
        torch.testing.assert_close(rolled(inputs, conditions, everything, by), expected, atol=1e-5, rtol=1e-5)
        line = everything(*inputs, **conditions)
    assert float((line.roll(by, -1) - expected).abs().max()) > 1e-3  # which a line does not


def test_a_circle_that_goes_round_twice_is_the_circle_twice(everything: UNet1d, make_inputs: Inputs) -> None:
    # Convolutions, norms and attention: all see the same neighbours, statistics and weights.
    (x, t), conditions = make_inputs(everything.config, 2, 12)
    twice = {depth: signal.repeat(1, 1, 2) for depth, signal in conditions["inject"].items()}
    with torch.no_grad():
        once = everything(x, t, circular=True, **conditions)
        found = everything(x.repeat(1, 1, 2), t, circular=True, **{**conditions, "inject": twice})
    torch.testing.assert_close(found, once.repeat(1, 1, 2), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("channels", [4, 256])  # 256: as one matrix product
def test_a_convolution_is_the_sum_over_the_circle(channels: int) -> None:
    conv, x = Conv(channels, 3, kernel_size=5), torch.randn(1, 7, channels)
    expected = conv.bias + sum(x.roll(2 - tap, 1) @ conv.weight[:, tap].T for tap in range(5))
    torch.testing.assert_close(conv(x, True), expected, atol=1e-5, rtol=1e-5)


def test_wrap_goes_round_as_often_as_it_must() -> None:
    x = torch.arange(3.0)[None, :, None]
    assert wrap(x, 0).flatten().tolist() == [0, 1, 2]
    assert wrap(x, 2).flatten().tolist() == [1, 2, 0, 1, 2, 0, 1]
    assert wrap(x, 4).flatten().tolist() == [2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0]


def test_gradients_cross_the_border(plain: UNet1d, make_inputs: Inputs) -> None:
    (x, t), _ = make_inputs(plain.config, 1, 16)
    x.requires_grad_()
    plain.set_checkpointing(True)
    plain(x, t, circular=True)[..., 0].sum().backward()
    assert x.grad is not None and float(x.grad[..., -1].abs().max()) > 0


def test_a_circle_that_would_not_close_is_refused(plain: UNet1d, make_inputs: Inputs) -> None:
    (x, t), _ = make_inputs(plain.config, 1, 10)
    with pytest.raises(ValueError, match=r"multiple of 4 long .* got 10"):
        plain(x, t, circular=True)
