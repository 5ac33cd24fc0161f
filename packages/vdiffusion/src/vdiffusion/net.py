"""Net: the callable that everything here works with, and its evaluation in working precision."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import torch
from torch import Tensor

Net: TypeAlias = Callable[..., Tensor]
"""Any callable `net(x_t, t, **conditions) -> v`, with x_t and v of one shape `[B, ...]` and t `[B]` in [0, 1].

A wrapper (guidance, windows, preconditioning, a cast to half precision) takes such a net and is one itself, so wrappers
nest and samplers need not know them. t is a float32 tensor on the device of x_t; conditions are what the caller gives.
"""


def in_working_precision(x: Tensor) -> Tensor:
    """Cast to the precision in which this package does arithmetic: float64 stays, everything else becomes float32."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def evaluate(net: Net, x_t: Tensor, t: Tensor, conditions: Mapping[str, Any]) -> Tensor:
    """Evaluate a net of any dtype and return its v in working precision.

    Raises:
        ValueError: the net returned something of another shape than x_t.
    """
    v = net(x_t, t, **conditions)
    if v.shape != x_t.shape:
        raise ValueError(
            f"net returned shape {list(v.shape)} for x_t of shape {list(x_t.shape)}; v must have the shape of x_t"
        )
    return v.to(torch.promote_types(x_t.dtype, torch.float32))
