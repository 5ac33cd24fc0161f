"""A U-Net replayed as CUDA graphs in training, forwards and backwards: `loop.cuda_graph`.

Python starts the kernels of a small net more slowly than a GPU runs them; a graph starts all of them at once. Made by
`torch.cuda.make_graphed_callables`, which keeps the gradients' way to the weights.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

Capture = Callable[[nn.Module, tuple[Tensor, ...]], Callable[..., Any]]


def use_cuda_graphs(net: nn.Module, *, capture: Capture | None = None) -> None:
    """Replay a net's forward and backward pass as a graph, one for each set of shapes that it meets in training.

    The net's names and weights stay as they are. Without gradients, or on another device than a GPU, it runs as ever.

    Args:
        net: the net; changed in place.
        capture: makes a graph of a module and example inputs; by default `torch.cuda.make_graphed_callables` where the
            inputs lie on a GPU.
    """
    plain = net.forward
    graphs: dict[Any, Callable[..., Any]] = {}

    def forward(*args: Any, **conditions: Any) -> Any:
        leaves, tree = pytree.tree_flatten((args, conditions))
        tensors = tuple(leaf for leaf in leaves if isinstance(leaf, Tensor))
        on_gpu = bool(tensors) and all(tensor.is_cuda for tensor in tensors)
        if not (torch.is_grad_enabled() and net.training and (on_gpu or capture is not None)):
            return plain(*args, **conditions)
        shapes = tuple((tuple(one.shape), one.dtype, one.requires_grad) for one in tensors)
        fixed = tuple(None if isinstance(leaf, Tensor) else leaf for leaf in leaves)
        key = (str(tree), shapes, str(fixed))
        if key not in graphs:
            graphs[key] = (capture or _captured)(_Flat(net, plain, leaves, tree), tensors)
        return graphs[key](*tensors)

    net.forward = forward


class _Flat(nn.Module):
    """A net as a function of tensors alone, which is what can be captured; it shares the net's weights."""

    def __init__(self, net: nn.Module, plain: Callable[..., Any], leaves: list[Any], tree: Any) -> None:
        super().__init__()
        self.net, self._plain, self._tree = net, plain, tree
        self._fixed = [None if isinstance(leaf, Tensor) else leaf for leaf in leaves]
        self._is_tensor = [isinstance(leaf, Tensor) for leaf in leaves]

    def forward(self, *tensors: Tensor) -> Any:
        """The net's result for the tensors among its arguments, in their order."""
        given = iter(tensors)
        leaves = [next(given) if is_one else fixed for is_one, fixed in zip(self._is_tensor, self._fixed, strict=True)]
        args, conditions = pytree.tree_unflatten(leaves, self._tree)
        return self._plain(*args, **conditions)


def _captured(module: nn.Module, tensors: tuple[Tensor, ...]) -> Callable[..., Any]:
    examples = tuple(one.detach().clone().requires_grad_(one.requires_grad) for one in tensors)
    # Weights cast for one capture must not be used by the next: autocast may not remember them.
    with torch.autocast(
        "cuda", dtype=torch.get_autocast_dtype("cuda"), enabled=torch.is_autocast_enabled("cuda"), cache_enabled=False
    ):
        graphed: Callable[..., Any] = torch.cuda.make_graphed_callables(module, examples, allow_unused_input=True)
    return graphed
