"""The wrapper that replays a net as CUDA graphs, with a fake in the place of the capture: no GPU is needed here.

What `torch.cuda.make_graphed_callables` itself does is tried only where there is a GPU.
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mousai.training.cuda_graph import use_cuda_graphs


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([2.0]))

    def forward(self, x: Tensor, t: Tensor, *, inject: dict[int, Tensor] | None = None, scale: float = 1.0) -> Tensor:
        return self.weight * x * t + scale * (0 if inject is None else inject[0])


class Captures:
    """A fake capture, which counts and calls the module."""

    def __init__(self) -> None:
        self.modules: list[nn.Module] = []

    def __call__(self, module: nn.Module, tensors: tuple[Tensor, ...]) -> Callable[..., Any]:
        self.modules.append(module)
        return module


def test_the_same_result_and_gradient_with_one_capture_for_each_set_of_shapes() -> None:
    plain, net, captures = Net(), Net(), Captures()
    use_cuda_graphs(net, capture=captures)
    for length in (3, 3, 5):
        x, inject = torch.randn(2, length), {0: torch.randn(2, length)}
        ours = net(x, torch.tensor(0.5), inject=inject, scale=3.0)
        theirs = plain(x, torch.tensor(0.5), inject=inject, scale=3.0)
        torch.testing.assert_close(ours, theirs)
        ours.sum().backward()
        theirs.sum().backward()
    assert len(captures.modules) == 2
    torch.testing.assert_close(net.weight.grad, plain.weight.grad)
    # The module that is captured has the net's own weights, so a graph sends gradients to them.
    assert [weight is net.weight for weight in captures.modules[0].parameters()] == [True]
    assert list(net.state_dict()) == ["weight"]


def test_other_arguments_that_are_no_tensors_are_captured_anew() -> None:
    net, captures = Net(), Captures()
    use_cuda_graphs(net, capture=captures)
    x, inject = torch.ones(1), {0: torch.ones(1)}
    found = [net(x, x, inject=inject, scale=scale).item() for scale in (1.0, 2.0, 1.0)]
    assert found == [3.0, 4.0, 3.0] and len(captures.modules) == 2


@pytest.mark.parametrize("how", ["no gradients", "evaluation", "no GPU"])
def test_nothing_is_captured_outside_of_training_on_a_gpu(how: str) -> None:
    net, captures = Net(), Captures()
    use_cuda_graphs(net, capture=None if how == "no GPU" else captures)
    net.train(how != "evaluation")
    with torch.set_grad_enabled(how != "no gradients"):
        assert net(torch.ones(1), torch.ones(1)).item() == 2.0
    assert not captures.modules


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_on_a_gpu_the_gradient_is_that_of_the_plain_net() -> None:
    plain, net = Net().cuda(), Net().cuda()
    use_cuda_graphs(net)
    x, t = torch.randn(4, 8, device="cuda"), torch.rand(4, 1, device="cuda")
    for _ in range(3):
        for one in (plain, net):
            one.zero_grad()
            one(x, t).square().sum().backward()
        torch.testing.assert_close(net.weight.grad, plain.weight.grad)
