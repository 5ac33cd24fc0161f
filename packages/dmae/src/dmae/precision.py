"""Float32 for everything that a waveform passes through, whatever dtype the nets around it have."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Self

import torch
from torch import Tensor, nn


class Float32(nn.Module):
    """Module that stays in float32: `model.bfloat16()` casts only what is around it.

    A waveform in bfloat16 has eight bits; its error, 50 dB below the loudest sample, is audible.
    """

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        def keep(x: Tensor) -> Tensor:
            y = fn(x)
            return x.to(y.device) if y.dtype in (torch.bfloat16, torch.float16) else y

        super()._apply(keep, recurse)  # type: ignore[no-untyped-call]
        return self


def constants() -> AbstractContextManager[Any]:
    """Context in which a module computes buffers that no file holds: on the CPU, where it is built on meta.

    A module that is built without memory gets its weights from a file later, and these from nowhere.
    """
    return torch.device("cpu") if torch.get_default_device().type == "meta" else nullcontext()


def without_autocast(x: Tensor) -> AbstractContextManager[Any]:
    """Context without autocast on the device of `x`."""
    return torch.autocast(x.device.type, enabled=False)
