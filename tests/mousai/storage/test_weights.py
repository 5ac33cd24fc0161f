import copy
import json
import pickle
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

import mousai.storage.weights
from mousai.storage.weights import (
    CheckpointError,
    load_config,
    load_state,
    load_tensors,
    save_config,
    save_module,
    save_tensors,
)

CONFIG = {"channels": 3, "levels": [{"factor": 2}], "name": "Moûsai", "rate": 0.5, "context": None}


class Small(nn.Module):
    """Weights, tied weights, a float and an integer buffer, and one that is not saved."""

    def __init__(self, width: int = 3):
        super().__init__()
        self.first = nn.Linear(width, width)
        self.norm = nn.BatchNorm1d(width)
        self.last = nn.Linear(width, width, bias=False)
        self.last.weight = self.first.weight
        self.register_buffer("window", torch.hann_window(5))
        self.register_buffer("cache", torch.zeros(2), persistent=False)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.randn_like(parameter))
        self.norm.num_batches_tracked.fill_(2**40 + 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.norm(self.first(x)))


def seeded(seed: int = 0) -> Small:
    torch.manual_seed(seed)
    return Small()


def same(one: nn.Module, other: nn.Module) -> bool:
    states = one.state_dict(), other.state_dict()
    return states[0].keys() == states[1].keys() and all(
        torch.equal(states[0][key], states[1][key]) for key in states[0]
    )


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    save_module(tmp_path / "model", seeded(), CONFIG)
    return tmp_path / "model"


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


# ---- what cannot be loaded


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


# ---- what cannot be saved


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


# ---- tensors and configs on their own


@given(
    shape=st.lists(st.integers(0, 4), max_size=3),
    kind=st.sampled_from([torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.bool]),
    transposed=st.booleans(),
)
def test_tensors_come_back(
    tmp_path_factory: pytest.TempPathFactory, shape: list[int], kind: torch.dtype, transposed: bool
):
    path = tmp_path_factory.mktemp("tensors") / "a.safetensors"
    tensor = (torch.randn(shape) * 3).to(kind)
    tensor = tensor.mT if transposed and tensor.ndim > 1 else tensor
    save_tensors(path, {"latent": tensor}, metadata={"prompt": "música", "seed": "1"})
    tensors, metadata = load_tensors(path)
    assert metadata == {"prompt": "música", "seed": "1"}
    assert tensors.keys() == {"latent"} and tensors["latent"].dtype == kind
    assert torch.equal(tensors["latent"], tensor)


def test_tensors_without_metadata_or_with_nan(tmp_path: Path):
    path = tmp_path / "a.safetensors"
    save_tensors(path, {"a": torch.ones(2, requires_grad=True)})
    assert load_tensors(path)[1] == {}
    save_file({"a": torch.tensor([1.0, float("nan")])}, path)
    with pytest.raises(CheckpointError, match="a holds NaN"):
        load_tensors(path)


def test_configs_come_back(tmp_path: Path):
    save_config(tmp_path / "new" / "model_index.json", CONFIG)
    assert load_config(tmp_path / "new" / "model_index.json") == CONFIG
    assert "Moûsai" in (tmp_path / "new" / "model_index.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("content", [b"", b"{", b"{'a': 1}", b"\xff\xfe", b'{"a": 1} x', b"[" * 100_000])
def test_a_config_that_is_not_json(tmp_path: Path, content: bytes):
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"config\.json: is no(t JSON| text in UTF-8)") as caught:
        load_config(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [[1], "text", 3, None])
def test_a_config_that_is_no_object(tmp_path: Path, content: object):
    (tmp_path / "config.json").write_text(json.dumps(content))
    with pytest.raises(CheckpointError, match="must hold a JSON object"):
        load_config(tmp_path)


def test_a_config_that_is_missing(tmp_path: Path):
    for path in (tmp_path, tmp_path / "config.json", tmp_path / "nowhere" / "config.json"):
        with pytest.raises(CheckpointError, match=r"config\.json: does not exist"):
            load_config(path)
