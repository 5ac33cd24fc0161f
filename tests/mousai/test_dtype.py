import math
from pathlib import Path

import pytest
import torch

import mousai.dtype
from mousai.dtype import bfloat16_gain, cache_path, resolve_dtype
from mousai.errors import UserError

CPU = torch.device("cpu")


def test_a_named_type_is_that_type(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mousai.dtype, "bfloat16_gain", None)  # nothing is measured for it
    assert resolve_dtype("float32", CPU) is torch.float32
    assert resolve_dtype("bfloat16", CPU) is torch.bfloat16
    assert resolve_dtype(torch.float32, CPU) is torch.float32
    assert resolve_dtype(torch.bfloat16, CPU) is torch.bfloat16


@pytest.mark.parametrize(("gain", "expected"), [(0.1, torch.float32), (1.1, torch.float32), (2.0, torch.bfloat16)])
def test_auto_takes_what_is_clearly_faster(monkeypatch: pytest.MonkeyPatch, gain: float, expected: torch.dtype):
    monkeypatch.setattr(mousai.dtype, "bfloat16_gain", lambda device: gain)
    assert resolve_dtype("auto", CPU) is expected


@pytest.fixture
def measurements(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[torch.device]:
    """Every measurement that is made, with an empty memory of earlier ones."""
    made: list[torch.device] = []
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(mousai.dtype, "_measured_gain", lambda device: made.append(device) or 1.0 + len(made))
    bfloat16_gain.cache_clear()
    yield made
    bfloat16_gain.cache_clear()


def test_measured_once_and_remembered_by_the_next_process(measurements: list[torch.device]):
    assert bfloat16_gain(CPU) == 2.0 and bfloat16_gain(CPU) == 2.0
    bfloat16_gain.cache_clear()  # as a new process begins
    assert bfloat16_gain(CPU) == 2.0
    assert measurements == [CPU]
    assert resolve_dtype("auto", CPU) is torch.bfloat16


def test_another_cpu_is_measured_too(measurements: list[torch.device], monkeypatch: pytest.MonkeyPatch):
    # A home folder that two machines share, or a disk that moved: of two "AMD EPYC" one is 200 times as fast.
    for name, expected in (("AMD EPYC 25 17", 2.0), ("AMD EPYC 25 1", 3.0), ("AMD EPYC 25 17", 2.0)):
        monkeypatch.setattr(mousai.dtype, "cpu_name", lambda name=name: name)
        bfloat16_gain.cache_clear()
        assert bfloat16_gain(CPU) == expected
    assert len(measurements) == 2


def test_the_name_of_the_cpu_tells_its_instructions():
    assert torch.backends.cpu.get_cpu_capability() in mousai.dtype.cpu_name()


def test_small_products_are_enough_where_bfloat16_has_no_hope(monkeypatch: pytest.MonkeyPatch):
    asked: list[int] = []
    monkeypatch.setattr(mousai.dtype, "_gain_at", lambda size, device: asked.append(size) or 0.1)
    assert mousai.dtype._measured_gain(CPU) == 0.1 and asked == [128]
    monkeypatch.setattr(mousai.dtype, "_gain_at", lambda size, device: asked.append(size) or size / 100)
    assert mousai.dtype._measured_gain(CPU) == 7.68 and asked == [128, 128, 768]


@pytest.mark.parametrize("content", ["", "[1]", '{"cpu": "fast"}', "{"])
def test_a_broken_memory_is_measured_anew(measurements: list[torch.device], content: str):
    cache_path().parent.mkdir(parents=True)
    cache_path().write_text(content)
    assert bfloat16_gain(CPU) == 2.0
    assert measurements == [CPU]


def test_without_a_place_to_remember_it_every_process_measures(measurements: list[torch.device]):
    cache_path().parent.write_text("a file stands where the folder would be")
    assert bfloat16_gain(CPU) == 2.0
    bfloat16_gain.cache_clear()
    assert bfloat16_gain(CPU) == 3.0


def test_the_measurement_is_a_finite_ratio():
    gain = mousai.dtype._measured_gain(CPU)
    assert math.isfinite(gain) and gain > 0


@pytest.mark.parametrize("name", ["float16", "", "bf16", "AUTO", torch.float16, torch.int32])
def test_another_dtype_is_refused(name: str | torch.dtype):
    with pytest.raises(UserError, match=rf"dtype={name!r}: must be 'auto', 'float32' or 'bfloat16'"):
        resolve_dtype(name, CPU)
