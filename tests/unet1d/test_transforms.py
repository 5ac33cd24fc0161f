"""Frozen nets, and nets under torch.func."""

import pytest
import torch
from torch import Tensor

from unet1d import Level, UNet1d, UNet1dConfig


@pytest.fixture
def net() -> UNet1d:
    torch.manual_seed(0)
    config = UNet1dConfig(
        in_channels=4,
        levels=(Level(channels=16), Level(channels=16, factor=2, attention=True)),
        attention_heads=2,
        attention_head_features=8,
        modulation_features=16,
    )
    net = UNet1d(config).eval()
    with torch.no_grad():
        for weight in net.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    return net


@pytest.fixture
def inputs() -> tuple[Tensor, Tensor]:
    return torch.randn(2, 4, 32), torch.rand(2)


def test_a_frozen_net_gives_no_gradient_and_keeps_nothing(net: UNet1d, inputs: tuple[Tensor, Tensor]):
    trained = net(*inputs)
    assert trained.requires_grad
    frozen = net.requires_grad_(False)(*inputs)
    assert not frozen.requires_grad and frozen.grad_fn is None
    assert torch.equal(frozen, trained)
    x = inputs[0].clone().requires_grad_()
    (gradient,) = torch.autograd.grad(net(x, inputs[1]).sum(), x)
    assert bool(gradient.isfinite().all()) and bool(gradient.any())


# PyTorch's own rules for it are made with what it calls deprecated.
@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
@pytest.mark.parametrize("frozen", [False, True])
def test_a_jacobian_vector_product_is_the_slope(net: UNet1d, inputs: tuple[Tensor, Tensor], frozen: bool):
    net = net.double().requires_grad_(not frozen)
    x, t = (one.double() for one in inputs)
    way = torch.randn_like(x)
    out, slope = torch.func.jvp(lambda x: net(x, t), (x,), (way,))
    with torch.no_grad():
        step = 1e-5
        expected = (net(x + step * way, t) - net(x - step * way, t)) / (2 * step)
        torch.testing.assert_close(out, net(x, t))
    torch.testing.assert_close(slope, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("frozen", [False, True])
def test_vmap_is_a_batch(net: UNet1d, inputs: tuple[Tensor, Tensor], frozen: bool):
    net.requires_grad_(not frozen)
    alone = torch.func.vmap(lambda x, t: net(x[None], t[None])[0])(*inputs)
    torch.testing.assert_close(alone, net(*inputs), rtol=1e-4, atol=1e-5)
