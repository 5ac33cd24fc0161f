"""The device to compute on: the one that is named, or the best that is here, and why."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import torch

from mousai.errors import UserError

NAMES = "auto, cpu, cuda, cuda:1 (the second one) or mps"


@dataclass(frozen=True, kw_only=True)
class DeviceChoice:
    """A device, and why it is taken.

    Args:
        device: the device.
        reason: name of the hardware, or why no better device is taken; for people to read.
    """

    device: torch.device
    reason: str

    def __str__(self) -> str:
        return f"{self.device}: {self.reason}"


@contextmanager
def plain_defaults() -> Iterator[None]:
    """Context in which PyTorch's default dtype is float32 and its default device the CPU, whatever a program has set.

    What a model computes says where and how it does; the rest must not follow `torch.set_default_device`.
    """
    elsewhere = torch.get_default_device().type != "cpu"
    _float32.enter()
    try:
        with torch.device("cpu") if elsewhere else nullcontext():
            yield
    finally:
        _float32.leave()


class _Float32:
    """The default dtype, which all threads of a program share: float32 from the first that wants it to the last."""

    def __init__(self) -> None:
        self._lock, self._inside, self._before = threading.Lock(), 0, torch.float32

    def enter(self) -> None:
        with self._lock:
            if not self._inside:
                self._before = torch.get_default_dtype()
            self._inside += 1
            if torch.get_default_dtype() != torch.float32:
                torch.set_default_dtype(torch.float32)

    def leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside and self._before != torch.float32:
                torch.set_default_dtype(self._before)


_float32 = _Float32()


def resolve_device(device: str | torch.device = "auto") -> torch.device:
    """The device that is meant, which is there.

    Args:
        device: "auto", "cpu", "cuda", "cuda:1", "mps", or a `torch.device`. "auto" is a CUDA (or ROCm) GPU where there
            is one, otherwise the CPU.

    Raises:
        UserError: there is no such device; one line that says why.
    """
    if device == "auto":
        return describe_device().device
    try:
        found = torch.device(device)
    except RuntimeError:  # PyTorch's own, with a list of two dozen kinds of hardware
        raise UserError("device", str(device), f"must be {NAMES}") from None
    if found.type not in ("cpu", "cuda", "mps") or (found.type != "cuda" and found.index):
        raise UserError("device", str(device), f"must be {NAMES}")
    if found.type == "cuda":
        if not torch.cuda.is_available():
            raise UserError("device", str(device), f"{_why_no_cuda()}; take cpu")
        count = torch.cuda.device_count()
        if found.index is not None and found.index >= count:
            there = "only cuda:0" if count == 1 else f"cuda:0 to cuda:{count - 1}"
            raise UserError("device", str(device), f"there is no such GPU, {there}")
    if found.type == "mps" and not torch.backends.mps.is_available():
        raise UserError("device", str(device), "there is no Apple GPU here that PyTorch can use; take cpu")
    return found


def describe_device() -> DeviceChoice:
    """The device that "auto" takes on this machine, and why."""
    if torch.cuda.is_available():
        count = torch.cuda.device_count()
        others = "" if count == 1 else f", the first of {count} GPUs"
        return DeviceChoice(device=torch.device("cuda"), reason=f"{torch.cuda.get_device_name(0)}{others}")
    if torch.backends.mps.is_available():
        reason = f"{_why_no_cuda()}; the Apple GPU, which nobody has tried yet, is taken when it is named: mps"
        return DeviceChoice(device=torch.device("cpu"), reason=reason)
    return DeviceChoice(device=torch.device("cpu"), reason=_why_no_cuda())


def _why_no_cuda() -> str:
    if torch.version.cuda is None and torch.version.hip is None:
        return "this PyTorch is built without CUDA"
    return "PyTorch finds no GPU with a driver"
