"""Tensors and configs on their own, without a module."""

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from mousai.storage.weights import (
    CheckpointError,
    load_config,
    load_some_tensors,
    load_tensors,
    save_config,
    save_tensors,
)
from tests.mousai.storage.small_module import CONFIG


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


def test_some_tensors_are_read_alone_and_checked(tmp_path: Path):
    path = tmp_path / "a.safetensors"
    save_file({"a": torch.ones(2), "b": torch.tensor([1.0, float("inf")])}, path)
    (found,) = load_some_tensors(path, ["a"])
    assert torch.equal(found, torch.ones(2))
    with pytest.raises(CheckpointError, match=r"a\.safetensors: lacks c, d$"):
        load_some_tensors(path, ["a", "c", "d"])
    with pytest.raises(CheckpointError, match="b holds NaN or infinity"):
        load_some_tensors(path, ["a", "b"])


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
