"""What a waveform goes through is computed in float32, whatever type the nets around it have."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Self

import torch
from torch import Tensor, nn


class Float32(nn.Module):
    """A module that half precision leaves alone: `model.bfloat16()` casts what stands around it.

    A waveform that went through bfloat16 has eight bits, and an error 50 dB below the loudest sample is heard.
    """

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        def keep(x: Tensor) -> Tensor:
            y = fn(x)
            return x.to(y.device) if y.dtype in (torch.bfloat16, torch.float16) else y

        super()._apply(keep, recurse)  # type: ignore[no-untyped-call]
        return self


def without_autocast(x: Tensor) -> AbstractContextManager[Any]:
    """The context in which autocast does not touch what is computed from `x`."""
    return torch.autocast(x.device.type, enabled=False)
