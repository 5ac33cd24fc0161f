"""`mousai import` and every checkpoint that is not as it should be: one line names the key, setting or file."""

import types
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from tests.mousai.convert.comparing import copies, refused

Authors = types.SimpleNamespace
State = dict[str, Tensor]


def changed(key: str, change: Callable[[Tensor], Tensor]) -> Callable[[State], State]:
    """A state dict with another tensor under a key, and its copies."""

    def apply(state: State) -> State:
        alike = [name for name in state if name.endswith(key)]
        assert alike
        return {**state, **{name: change(state[name]) for name in alike}}

    return apply


def without(key: str) -> Callable[[State], State]:
    return lambda state: {name: tensor for name, tensor in state.items() if not name.endswith(key)}


DOWN = "net.blocks.2.blocks.2.net.block.blocks.0.block.weight"
RESIDUAL = "net.blocks.2.blocks.2.net.block.blocks.1.block.blocks.0.blocks.0.2.weight"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: {}, "is not of audio-diffusion-pytorch 0.1.x"),
        (lambda state: {"unet.conv.weight": torch.ones(2)}, "no time conditioning of a UNetV0, but unet.conv.weight"),
        (lambda state: {**state, "net.extra": torch.ones(2)}, "holds net.extra, which this layout does not have"),
        (lambda state: {**state, "loss.weight": torch.ones(2)}, "holds loss.weight, which this layout does not have"),
        (without("encoder.to_out.bias"), "lacks encoder.to_out.bias"),
        (without(RESIDUAL), f"lacks {RESIDUAL}"),
        (without(DOWN), f"lacks {DOWN}, where the U-Net of audio-diffusion-pytorch 0.1.x begins"),
        (without("encoder.stft.window"), "lacks encoder.stft.window or encoder.mel.to_mel_scale.fb"),
        (changed(RESIDUAL, lambda x: torch.ones(16, 17, 3)), "has shape [16, 17, 3], expected [16, 16, 3]"),
        (changed(RESIDUAL, lambda x: torch.ones(16, 16)), "has shape [16, 16], expected [16, 16, 3]"),
        (changed(RESIDUAL, lambda x: x * float("nan")), "holds NaN or infinity"),
        (changed(RESIDUAL, lambda x: x.long()), "holds int64, expected floats"),
        (changed("encoder.stft.window", torch.ones_like), "encoder.stft.window is not Hann's window"),
        (
            lambda state: {**state, f"diffusion.{RESIDUAL}": state[f"diffusion.{RESIDUAL}"] + 1},
            f"diffusion.{RESIDUAL} differs from {RESIDUAL}; in this layout the two are one tensor",
        ),
        (
            changed("net.blocks.2.blocks.1.blocks.1.0.weight", lambda x: x + 1),
            "blocks.1.blocks.1.0.weight differs from net.blocks.2.blocks.1.blocks.0.0.weight",
        ),
    ],
)
def test_another_layout_names_the_key(
    state: State, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Callable[[State], State], message: str
):
    path = tmp_path / "theirs.safetensors"
    save_file({key: tensor.contiguous() for key, tensor in change(state).items()}, path)
    told = refused(capsys, "import", path, "-o", tmp_path / "m", "--set", "bottleneck=tanh")
    assert message in told and str(path) in told
    assert [p.name for p in tmp_path.iterdir()] == ["theirs.safetensors"]  # nothing is left behind


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ([], "bottleneck (tanh or none) is not in the file; give --set bottleneck=tanh or none"),
        (["bottleneck=relu"], "--set bottleneck=relu: must be tanh or none"),
        (["bottleneck"], "--set bottleneck: must be NAME=VALUE"),
        (["heads=3"], "--set heads: no such setting; known: attention_heads"),
        (["bottleneck=tanh", "resnet_groups=7"], "is not a multiple of groups=7"),
        (["bottleneck=tanh", "resnet_groups=0"], "--set resnet_groups=0: must be a whole number of 1 or more"),
        (["bottleneck=tanh", "transform_stride=3"], "must be that or an even number less"),
        (["bottleneck=tanh", "attention_heads=8"], "--set attention_heads=8: this model has none; leave it out"),
        (["bottleneck=tanh", "use_log=maybe"], "--set use_log=maybe: must be true or false"),
    ],
)
def test_settings(state: State, tmp_path: Path, capsys: pytest.CaptureFixture[str], settings: list[str], message: str):
    save_file(state, tmp_path / "theirs.safetensors")
    words = [word for text in settings for word in ("--set", text)]
    told = refused(capsys, "import", tmp_path / "theirs.safetensors", "-o", tmp_path / "m", *words)
    assert message in told
    assert not (tmp_path / "m").exists()


def test_heads_are_asked_for(generator: nn.Module, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    save_file(copies(generator), tmp_path / "a.safetensors")
    words = ["import", tmp_path / "a.safetensors", "-o", tmp_path / "m"]
    assert "attention_heads (heads of every attention) is not in the file; give --set attention_heads=N" in refused(
        capsys, *words
    )
    told = refused(capsys, *words, "--set", "attention_heads=3")
    assert "attention of [16] features does not divide into attention_heads=3" in told
    told = refused(capsys, *words, "--set", "attention_heads=2", "--text-encoder", "nobody/none")
    assert "give its commit too" in told
    (tmp_path / "other").mkdir()
    told = refused(capsys, *words, "--set", "attention_heads=2", "--autoencoder", tmp_path / "other")
    assert "model_index.json: does not exist" in told
    assert not (tmp_path / "m").exists()


def test_where_nothing_is_or_something_else(tmp_path: Path, state: State, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "m"
    told = refused(capsys, "import", tmp_path / "none.safetensors", "-o", out)
    assert "no such file or folder" in told and "hub" not in told  # whose models no such name has
    assert "give its commit as --revision" in refused(capsys, "import", "nobody/none", "-o", out)
    (tmp_path / "empty").mkdir()
    assert "holds no checkpoint" in refused(capsys, "import", tmp_path / "empty", "-o", out)
    (tmp_path / "text.safetensors").write_text("not a checkpoint")
    assert "is not a whole safetensors file" in refused(capsys, "import", tmp_path / "text.safetensors", "-o", out)
    (tmp_path / "notes.txt").write_text("x")
    assert "is no checkpoint" in refused(capsys, "import", tmp_path / "notes.txt", "-o", out)
    save_file(state, tmp_path / "whole.safetensors")
    data = (tmp_path / "whole.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(data[: len(data) // 2])
    assert "is not a whole safetensors file" in refused(capsys, "import", tmp_path / "cut.safetensors", "-o", out)
    assert not out.exists()
    out.mkdir()
    assert "exists; give a folder that does not" in refused(capsys, "import", tmp_path / "whole.safetensors", "-o", out)
    told = refused(capsys, "import", tmp_path / "whole.safetensors", "-o", tmp_path / "n", "--revision", "main")
    assert "is on this machine, not on the hub" in told
