"""Weights that are not loaded: broken files, pickles, other keys, shapes, types and values."""

import copy
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from mousai.storage.weights import CheckpointError, load_state, load_tensors, save_tensors
from tests.mousai.storage.small_module import same, seeded


def failing_load(folder: Path, module: nn.Module) -> str:
    """The message of a load that must fail and must leave the module as it was."""
    before = copy.deepcopy(module)
    with pytest.raises(CheckpointError) as caught:
        load_state(folder, module)
    assert same(before, module)
    message = str(caught.value)
    assert "\n" not in message and str(folder / "model.safetensors") in message
    return message


def rewritten(folder: Path, **changes: torch.Tensor | None) -> None:
    """Set tensors of a saved model (with `__` for a dot), or remove them with None."""
    tensors, _ = load_tensors(folder / "model.safetensors")
    for name, tensor in changes.items():
        key = name.replace("__", ".")
        if tensor is None:
            del tensors[key]
        else:
            tensors[key] = tensor
    save_file(tensors, folder / "model.safetensors")


def test_missing_files(tmp_path: Path, saved: Path):
    assert "does not exist" in failing_load(tmp_path / "nowhere", seeded())
    (saved / "model.safetensors").unlink()
    assert "does not exist" in failing_load(saved, seeded())
    (saved / "model.safetensors").mkdir()
    assert "not a file" in failing_load(saved, seeded())


def test_a_pickle_is_never_loaded(tmp_path: Path):
    class Trap:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "executed",))

    content = pickle.dumps(Trap())
    (tmp_path / "pytorch_model.bin").write_bytes(content)
    message = failing_load(tmp_path, seeded())
    assert "pytorch_model.bin" in message and "safetensors" in message
    (tmp_path / "model.safetensors").write_bytes(content)
    failing_load(tmp_path, seeded())
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.7, 0.99])
def test_a_file_cut_short(saved: Path, share: float):
    path = saved / "model.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    assert "not a whole safetensors file" in failing_load(saved, seeded())
    with pytest.raises(CheckpointError, match="not a whole"):
        load_tensors(path)


@pytest.mark.parametrize("content", [b"a text\n" * 100, b"\0" * 100, b"\xff" * 100, b"\x02\0\0\0\0\0\0\0{}"])
def test_a_file_of_another_kind(saved: Path, content: bytes):
    (saved / "model.safetensors").write_bytes(content)
    failing_load(saved, seeded())


def test_keys_are_strict(saved: Path):
    rewritten(saved, first__bias=None)
    message = failing_load(saved, seeded())
    assert "lacks first.bias" in message and "Small" in message
    rewritten(saved, first__bias=torch.zeros(3), extra__weight=torch.zeros(1))
    assert "extra.weight" in failing_load(saved, seeded())
    save_file({f"other.{n}": torch.zeros(1) for n in range(9)}, saved / "model.safetensors")
    assert "more" in failing_load(saved, seeded())  # still one readable line


def test_a_tied_key_may_be_stored_but_another_may_not_be_left_out(saved: Path):
    rewritten(saved, last__weight=seeded().first.weight.detach().clone())
    module = seeded(1)
    load_state(saved, module)
    assert same(module, seeded())
    rewritten(saved, first__weight=None)
    assert "first.weight" in failing_load(saved, seeded())


def test_shapes_are_strict(saved: Path):
    rewritten(saved, first__weight=torch.zeros(3, 4))
    message = failing_load(saved, seeded())
    assert "first.weight" in message and "[3, 4]" in message and "[3, 3]" in message
    rewritten(saved, first__weight=torch.zeros(9))  # the right number of values is not enough
    assert "[9]" in failing_load(saved, seeded())


def test_kinds_of_numbers_are_strict(saved: Path):
    rewritten(saved, first__weight=torch.zeros(3, 3, dtype=torch.int32))
    message = failing_load(saved, seeded())
    assert "first.weight" in message and "int32" in message and "float32" in message
    rewritten(saved, first__weight=torch.zeros(3, 3), norm__num_batches_tracked=torch.tensor(1.5))
    assert "norm.num_batches_tracked" in failing_load(saved, seeded())


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_values_that_are_not_numbers_are_not_loaded(saved: Path, bad: float, kind: torch.dtype):
    weight = torch.zeros(3, 3, dtype=kind)
    weight[1, 2] = bad
    rewritten(saved, norm__weight=torch.ones(3), first__weight=weight)
    assert "first.weight holds NaN or infinity" in failing_load(saved, seeded())


@pytest.mark.parametrize("kind", [torch.float64, torch.float32, torch.bfloat16, torch.float16, torch.float8_e5m2])
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_one_bad_value_among_many_is_seen_wherever_it_stands(tmp_path: Path, bad: float, kind: torch.dtype):
    for size, place in ((1, 0), (63, 62), (1000, 0), (1000, 500), (1000, 999)):
        tensor = torch.randn(size, generator=torch.Generator().manual_seed(size)).to(kind)
        tensor[place] = bad
        with pytest.raises(CheckpointError, match="a holds NaN or infinity"):
            save_tensors(tmp_path / "a.safetensors", {"a": tensor})
    save_tensors(tmp_path / "a.safetensors", {"a": torch.full((9,), 300.0).to(kind), "none": torch.zeros(0).to(kind)})
