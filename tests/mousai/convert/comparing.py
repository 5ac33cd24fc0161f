"""What the tests of conversions share: files of the authors' models, nearness, and the one line of a refusal."""

from pathlib import Path

import pytest
from safetensors.torch import save_file
from torch import Tensor, nn

from mousai.cli import main

State = dict[str, Tensor]


def refused(capsys: pytest.CaptureFixture[str], *words: str | Path) -> str:
    """The one line that a command line which cannot be carried out gives."""
    assert main([str(word) for word in words]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("mousai: error: ") and captured.err.count("\n") == 1
    assert not captured.out
    return captured.err


def copies(model: nn.Module) -> State:
    return {key: tensor.clone() for key, tensor in model.state_dict().items()}


def close(ours: Tensor, theirs: Tensor, *, relative: float = 1e-5) -> None:
    """Largest difference, as a share of their largest value."""
    assert ours.shape == theirs.shape
    error = float((ours - theirs).abs().max() / theirs.abs().max())
    assert error < relative, f"relative error {error:.2e}"


def saved(model: nn.Module, path: Path) -> Path:
    save_file({key: tensor.clone() for key, tensor in model.state_dict().items()}, path)
    return path
