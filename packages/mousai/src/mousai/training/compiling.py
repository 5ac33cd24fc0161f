"""Compiled nets in training: faults of PyTorch's own compiler, which come with the first step, in one line."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from mousai.errors import UserError

_LONGEST = 160
"""Most characters of the compiler's own words."""


@contextmanager
def compiler_faults(asked: bool) -> Iterator[None]:
    """Context in which a fault of the compiler is one line; nothing is computed in another way than was asked for.

    Args:
        asked: whether the nets are compiled; otherwise errors pass as they are.

    Raises:
        UserError: the compiler cannot compile the net.
    """
    try:
        yield
    except RuntimeError as error:
        if not asked:
            raise
        from torch._dynamo.exc import TorchDynamoException

        if not isinstance(error, TorchDynamoException):
            raise
        inner = getattr(error, "inner_exception", None)  # of a backend; its own first line says only that it failed
        reason = str(error) if inner is None else f"{type(inner).__name__}: {inner}"
        reason = " ".join(reason.partition("\n")[0].split())
        reason = reason if len(reason) <= _LONGEST else f"{reason[:_LONGEST]}…"
        hint = f"the compiler of PyTorch {torch.__version__} fails on this net ({reason}); leave it out"
        raise UserError("loop.compile", True, hint) from error
