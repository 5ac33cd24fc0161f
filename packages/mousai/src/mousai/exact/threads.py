"""One thread for an exact call, and what is refused because it could not be exact."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from mousai.errors import UserError

_one_call = threading.RLock()


def check_exact(*, device: torch.device | str, dtype: torch.dtype | str, compiled: bool) -> None:
    """Refuse what is not promised to be exact; nothing is silently replaced.

    Args:
        device: where it would be computed.
        dtype: dtype of the nets; "auto" is settled later, to float32.
        compiled: whether the nets are compiled.

    Raises:
        UserError: another device than the CPU, another dtype than float32, or compiled nets.
    """
    kind = torch.device(device).type
    if kind != "cpu":
        raise UserError("exact", hint=f"is promised on the CPU alone, not on {kind}; load the model with device cpu")
    found = str(dtype).removeprefix("torch.")
    if found not in ("float32", "auto"):
        raise UserError("exact", hint=f"is promised in float32 alone, not in {found}; load the model with that dtype")
    if compiled:
        raise UserError("exact", hint="is not promised of compiled nets, which keep their own threads; do not compile")


@contextmanager
def one_thread() -> Iterator[None]:
    """Context in which this thread computes by itself, in full float32; all is as before afterwards.

    How many threads PyTorch's libraries take is in part a setting of the whole process. So one thread of it is inside
    at a time, and others wait; one that is inside may enter again. A callback must not wait for an exact call of
    another thread.
    """
    with _one_call:
        # Not `torch.set_float32_matmul_precision`, which is an error in a program that uses these settings.
        backend: Any = torch.backends.mkldnn  # whose settings have no annotations
        products = (backend.matmul, backend.conv)
        threads, precisions = torch.get_num_threads(), [each.fp32_precision for each in products]
        torch.set_num_threads(1)
        for each in products:
            each.fp32_precision = "ieee"
        try:
            with torch.autocast("cpu", enabled=False):
                yield
        finally:
            for each, precision in zip(products, precisions, strict=True):
                each.fp32_precision = precision
            torch.set_num_threads(threads)
