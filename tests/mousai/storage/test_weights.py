"""Weights come back bit by bit, in the type asked for; what cannot be saved leaves the old files."""

from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import nn

import mousai.storage.weights
from mousai.storage.weights import (
    CheckpointError,
    load_config,
    load_module,
    load_state,
    load_tensors,
    save_module,
    save_tensors,
)
from tests.mousai.storage.small_module import CONFIG, Small, same, seeded


def test_a_module_comes_back_bit_by_bit(saved: Path):
    module = seeded(1)
    weight = module.first.weight
    load_state(saved, module)
    assert same(module, seeded())
    assert module.first.weight is weight and module.last.weight is weight
    assert load_config(saved) == CONFIG
    assert sorted(path.name for path in saved.iterdir()) == ["config.json", "model.safetensors"]
    assert module.first.weight.requires_grad


def test_a_module_on_the_meta_device_gets_memory(saved: Path):
    module = seeded()
    with torch.device("meta"):
        empty = Small()
    empty.first.bias.requires_grad_(False)
    load_state(saved, empty)
    assert same(empty, module)
    assert empty.last.weight is empty.first.weight
    assert empty.first.weight.requires_grad and not empty.first.bias.requires_grad
    x = torch.randn(4, 3)
    assert torch.equal(empty(x), module(x))


def test_a_loaded_module_is_made_once_and_draws_nothing(saved: Path):
    made = []

    def make() -> nn.Module:
        made.append(nn.Linear(3, 3))
        return made[-1]

    save_module(saved, nn.Linear(3, 3), {})
    state = torch.get_rng_state()
    module = load_module(saved, make)
    assert torch.equal(torch.get_rng_state(), state) and made == [module]
    assert module.weight.device.type == "cpu" and not module.training


def test_what_is_in_no_file_is_computed_all_the_same(tmp_path: Path):
    class Noted(nn.Linear):
        def __init__(self) -> None:
            super().__init__(3, 3)
            self.register_buffer("note", torch.empty(2).fill_(7), persistent=False)

    module = Noted()
    save_module(tmp_path, module, {})
    found = load_module(tmp_path, Noted)
    assert found.note.tolist() == [7, 7] and torch.equal(found.weight, module.weight)


def test_the_file_is_mapped_and_not_kept_open(saved: Path):
    module = seeded(1)
    load_state(saved, module)
    (saved / "model.safetensors").write_bytes(b"")  # what was loaded does not hang on the file
    assert same(module, seeded())


def test_tied_weights_are_stored_once(saved: Path):
    with safe_open(saved / "model.safetensors", framework="pt") as file:
        assert "first.weight" in file.keys() and "last.weight" not in file.keys()  # noqa: SIM118


@pytest.mark.parametrize(("kind", "digits"), [(torch.float16, 11), (torch.bfloat16, 8)])
def test_half_precision_on_disk_and_float32_in_memory(tmp_path: Path, kind: torch.dtype, digits: int):
    module, loaded = seeded(), seeded(1)
    save_module(tmp_path, module, CONFIG, dtype=kind)
    tensors, _ = load_tensors(tmp_path / "model.safetensors")
    assert {tensor.dtype for tensor in tensors.values()} == {kind, torch.int64}
    load_state(tmp_path, loaded)
    assert loaded.norm.num_batches_tracked == 2**40 + 1  # integers are left alone
    for key, tensor in module.state_dict().items():
        found = loaded.state_dict()[key]
        assert found.dtype == tensor.dtype
        if tensor.is_floating_point():
            assert torch.equal(found, tensor.to(kind).float())
            assert torch.allclose(found, tensor, rtol=2.0**-digits, atol=1e-7)
    assert same(module, seeded())  # saving changed nothing in memory


def test_the_type_in_memory_can_be_chosen(saved: Path):
    half = seeded(1)
    load_state(saved, half, dtype=torch.bfloat16)
    assert half.first.weight.dtype == half.window.dtype == torch.bfloat16
    assert half.last.weight is half.first.weight
    assert torch.equal(half.first.weight, seeded().first.weight.bfloat16())
    load_state(saved, half)  # float32 unless asked otherwise
    assert same(half, seeded())
    double = seeded(1).double()
    load_state(saved, double, dtype=None)
    assert double.first.weight.dtype == torch.float64
    assert torch.equal(double.first.weight, seeded().first.weight.double())


def test_saving_again_replaces_both_files(saved: Path):
    save_module(saved, seeded(1), {"channels": 4})
    module = seeded()
    load_state(saved, module)
    assert same(module, seeded(1)) and load_config(saved) == {"channels": 4}
    assert len(list(saved.iterdir())) == 2


def test_values_that_are_not_numbers_are_not_saved(saved: Path):
    before = [path.read_bytes() for path in sorted(saved.iterdir())]
    module = seeded(1)
    with torch.no_grad():
        module.first.bias[1] = float("nan")
    with pytest.raises(CheckpointError, match=r"first\.bias holds NaN"):
        save_module(saved, module, {"other": 1})
    with torch.no_grad():
        module.first.bias[1] = 70000.0
    with pytest.raises(CheckpointError, match=r"first\.bias .* as float16"):
        save_module(saved, module, {"other": 1}, dtype=torch.float16)  # beyond what float16 can hold
    assert [path.read_bytes() for path in sorted(saved.iterdir())] == before
    save_module(saved, module, {"other": 1}, dtype=torch.bfloat16)


def test_configs_that_are_not_json(saved: Path):
    before = [path.read_bytes() for path in sorted(saved.iterdir())]
    for config in ({"a": float("nan")}, {"a": torch.zeros(1)}, {"a": {1, 2}}):
        with pytest.raises(CheckpointError, match=r"config\.json: cannot hold"):
            save_module(saved, seeded(1), config)
    assert [path.read_bytes() for path in sorted(saved.iterdir())] == before


def test_folders_that_cannot_be_written(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/nowhere")):
        with pytest.raises(CheckpointError, match="cannot be") as caught:
            save_module(folder, seeded(), CONFIG)
        assert str(folder) in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(CheckpointError, match="cannot be written"):
        save_tensors(tmp_path / "no" / "such.safetensors", {"a": torch.zeros(1)})


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_while_saving_leaves_the_old_files(
    saved: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException
):
    before = {path: path.read_bytes() for path in saved.iterdir()}

    def failing(tensors, path, metadata):
        Path(path).write_bytes(b"half")
        raise failure

    monkeypatch.setattr(mousai.storage.weights, "save_file", failing)
    with pytest.raises(CheckpointError if isinstance(failure, OSError) else KeyboardInterrupt):
        save_module(saved, seeded(1), {"other": 1})
    assert {path: path.read_bytes() for path in saved.iterdir()} == before


def test_shapes_are_compared_before_a_module_gets_memory(tmp_path: Path):
    made = []

    class Wide(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            made.append(self)
            self.weight = nn.Parameter(torch.empty(4))
            self.register_buffer("window", torch.empty(4), persistent=False)  # is made again, with memory

    save_tensors(tmp_path / "model.safetensors", {"weight": torch.zeros(3)})
    with pytest.raises(CheckpointError, match=r"weight has shape \[3\], expected \[4\]"):
        load_module(tmp_path, Wide)
    assert len(made) == 1
    save_tensors(tmp_path / "model.safetensors", {"weight": torch.zeros(4)})
    assert load_module(tmp_path, Wide).weight.tolist() == [0] * 4 and len(made) == 3
