"""Which device is taken, on fakes of machines with and without GPUs, and on the GPU where there is one."""

import pytest
import torch

from mousai.device import describe_device, resolve_device
from mousai.errors import UserError


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch):
    def make(*, gpus: int = 0, built_for: str | None = None, mps: bool = False) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"GPU number {device}")
        monkeypatch.setattr(torch.version, "cuda", built_for)
        monkeypatch.setattr(torch.version, "hip", None)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return make


@pytest.mark.parametrize(
    ("here", "line"),
    [
        ({}, "cpu: this PyTorch is built without CUDA"),
        ({"built_for": "13.0"}, "cpu: PyTorch finds no GPU with a driver"),
        ({"gpus": 1, "built_for": "13.0"}, "cuda: GPU number 0"),
        ({"gpus": 8, "built_for": "13.0"}, "cuda: GPU number 0, the first of 8 GPUs"),
        (
            {"mps": True},
            "cpu: this PyTorch is built without CUDA; the Apple GPU, which nobody has tried yet, is taken when it is "
            "named: mps",
        ),
    ],
)
def test_auto_takes_a_gpu_where_there_is_one_and_says_why(machine, here: dict, line: str):
    machine(**here)
    assert str(describe_device()) == line
    assert resolve_device() == resolve_device("auto") == describe_device().device


@pytest.mark.parametrize(
    ("here", "name"),
    [
        ({}, "cpu"),
        ({"gpus": 2}, "cpu"),
        ({"gpus": 1}, "cuda"),
        ({"gpus": 1}, "cuda:0"),
        ({"gpus": 2}, "cuda:1"),
        ({"mps": True}, "mps"),
    ],
)
def test_a_named_device_is_that_device(machine, here: dict, name: str):
    machine(**here)
    assert resolve_device(name) == resolve_device(torch.device(name)) == torch.device(name)


@pytest.mark.parametrize(
    ("here", "name", "line"),
    [
        ({}, "cuda", "device='cuda': this PyTorch is built without CUDA; take cpu"),
        ({"built_for": "13.0"}, "cuda:0", "device='cuda:0': PyTorch finds no GPU with a driver; take cpu"),
        ({"gpus": 1}, "cuda:1", "device='cuda:1': there is no such GPU, only cuda:0"),
        ({"gpus": 4}, "cuda:9", "device='cuda:9': there is no such GPU, cuda:0 to cuda:3"),
        ({}, "mps", "device='mps': there is no Apple GPU here that PyTorch can use; take cpu"),
        ({}, torch.device("cuda"), "device='cuda': this PyTorch is built without CUDA; take cpu"),
        *(
            ({"gpus": 1}, name, f"device='{name}': must be auto, cpu, cuda, cuda:1 (the second one) or mps")
            for name in ("gpu", "", "AUTO", "cuda:", "cuda:-1", "cuda:x", "cpu:1", "xpu", "meta")
        ),
    ],
)
def test_a_device_that_is_not_there_is_refused_in_one_line(machine, here: dict, name: str, line: str):
    machine(**here)
    with pytest.raises(UserError) as caught:
        resolve_device(name)
    assert str(caught.value) == line


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_the_gpu_that_is_here():
    device = resolve_device()
    assert device.type == "cuda"
    assert torch.zeros(2, device=device).sum().item() == 0
    assert torch.cuda.get_device_name(0) in str(describe_device())
