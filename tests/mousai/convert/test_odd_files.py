"""Files that hold a model of theirs in an unusual way, and imports that do not come to their end."""

import stat
import types
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from mousai import load_autoencoder
from mousai.cli import main
from mousai.convert import importing
from mousai.convert.importing import import_model
from mousai.convert.prefixes import strip
from mousai.convert.rules import LayoutError

Authors = types.SimpleNamespace
State = dict[str, Tensor]
SETTINGS = {"bottleneck": "tanh"}


@pytest.fixture(scope="module")
def theirs(authors: Authors) -> nn.Module:
    d, e = authors.diffusion, authors.encoders
    torch.manual_seed(1)
    return d.DiffusionAE(
        net_t=d.LTPlugin(d.UNetV0, num_filters=8, window_length=4, stride=4),
        in_channels=1,
        channels=[16],
        factors=[8],
        items=[1],
        inject_depth=0,
        modulation_features=16,
        encoder=e.MelE1d(
            in_channels=1,
            channels=16,
            multipliers=[1, 1],
            factors=[4],
            num_blocks=[1],
            mel_channels=6,
            mel_n_fft=32,
            mel_hop_length=8,
            mel_win_length=32,
            out_channels=4,
            bottleneck=e.TanhBottleneck(),
        ),
    )


@pytest.fixture
def state(theirs: nn.Module) -> State:
    return {key: tensor.clone() for key, tensor in theirs.state_dict().items()}


def saved(state: State, folder: Path) -> str:
    save_file(state, folder / "theirs.safetensors")
    return str(folder / "theirs.safetensors")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64], ids=str)
def test_other_number_formats(state: State, tmp_path: Path, dtype: torch.dtype):
    """Half precision stays so on the disk, the window and the filters rounded with all the rest."""
    source = saved({key: tensor.to(dtype) for key, tensor in state.items()}, tmp_path)
    import_model(source, tmp_path / "m", settings=SETTINGS)
    stored = load_file(tmp_path / "m" / "autoencoder" / "model.safetensors")
    assert {tensor.dtype for tensor in stored.values()} == {torch.float32 if dtype == torch.float64 else dtype}
    weight = load_autoencoder(tmp_path / "m").transform.encode.weight  # type: ignore[union-attr]
    assert torch.equal(weight, state["net.blocks.0.weight"].to(dtype).float().flatten(1))


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.int8, torch.complex64], ids=str)
def test_formats_that_are_no_weights(state: State, tmp_path: Path, dtype: torch.dtype):
    key = "encoder.to_out.bias"
    with pytest.raises(LayoutError, match=f"{key} holds .*, expected floats of 16 bits or more"):
        import_model(saved({**state, key: state[key].to(dtype)}, tmp_path), tmp_path / "m", settings=SETTINGS)


@pytest.mark.parametrize("shape", [[], [0], [16, 0, 4]], ids=str)
@pytest.mark.parametrize("key", ["net.blocks.0.weight", "encoder.mel.to_mel_scale.fb", "encoder.to_out.bias"])
def test_a_tensor_of_nothing(state: State, tmp_path: Path, key: str, shape: list[int]):
    state = {name: tensor for name, tensor in state.items() if not name.startswith(("diffusion.", "sampler."))}
    with pytest.raises(LayoutError, match=f"{key} has shape .*, expected a tensor with numbers"):
        import_model(saved({**state, key: torch.ones(shape)}, tmp_path), tmp_path / "m", settings=SETTINGS)


@pytest.mark.parametrize("prefix", ["diffusion.", "sampler.", "net.", "model.diffusion.", "m\u00f6del."])
def test_wrappers_whose_attribute_has_a_name_of_theirs(state: State, tmp_path: Path, prefix: str):
    source = saved({prefix + key: tensor for key, tensor in state.items()}, tmp_path)
    assert import_model(source, tmp_path / "m", settings=SETTINGS).prefix == prefix


def test_the_tokens_of_a_text_encoder_under_their_second_name_alone():
    state = {"net.blocks.0.weights": torch.ones(2)}
    tokens = "net.blocks.2.blocks.0.transformer.encoder.embed_tokens.weight"
    found = strip({**state, tokens: torch.ones(3)}).state
    assert torch.equal(found["net.blocks.2.blocks.0.transformer.shared.weight"], torch.ones(3))


def test_another_model_of_their_library(authors: Authors, tmp_path: Path):
    d = authors.diffusion
    sizes = {"channels": [8], "factors": [2], "items": [1], "modulation_features": 8}
    upsampler = d.DiffusionUpsampler(net_t=d.UNetV0, in_channels=1, upsample_factor=2, **sizes)
    source = saved({key: tensor.clone() for key, tensor in upsampler.state_dict().items()}, tmp_path)
    with pytest.raises(LayoutError, match="is a DiffusionUpsampler or a DiffusionVocoder; only DiffusionAE and"):
        import_model(source, tmp_path / "m")


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"state_dict": {}, "hyper_parameters": Path("x")}, r"holds more than tensors \(pathlib\.\w+\), which is not"),
        ({"model": {"a": torch.ones(1)}, "step": 3}, "holds no tensors by name, nor a state_dict, but model, step"),
        ([1, 2], "is a pickled list, not a state dict"),
        (None, "is not a whole pickle of tensors"),
    ],
    ids=["more", "elsewhere", "list", "empty"],
)
def test_pickles_of_something_else(tmp_path: Path, capsys: pytest.CaptureFixture[str], found: object, message: str):
    """The line never recommends what PyTorch's does: to open it with weights_only=False."""
    path = tmp_path / "last.ckpt"
    path.touch() if found is None else torch.save(found, path)
    with pytest.raises(LayoutError, match=message) as caught:
        import_model(str(path), tmp_path / "m", allow_pickle=True)
    assert "False" not in str(caught.value) and "\n" not in str(caught.value)


def test_a_hub_model_of_pickles_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    (tmp_path / "hub").mkdir()
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: str(tmp_path / "hub"))
    assert main(["import", "some/model", "--revision", "ab" * 20, "-o", str(tmp_path / "m")]) == 2
    assert "from the hub these are fetched only with --allow-pickle" in capsys.readouterr().err


# ---- where it goes


def test_an_interrupted_import_leaves_nothing(
    state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    source = saved(state, tmp_path)
    save_parts = importing.save_parts

    def interrupted(folder: Path, *arguments: object, **options: object) -> None:
        save_parts(folder, *arguments, **options)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(importing, "save_parts", interrupted)
    assert main(["import", source, "-o", str(tmp_path / "m"), "--set", "bottleneck=tanh"]) == 130
    assert [path.name for path in tmp_path.iterdir()] == ["theirs.safetensors"]


def test_a_folder_that_comes_to_be_meanwhile(state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    source = saved(state, tmp_path)
    describe = importing.describe

    def slow(folder: Path) -> object:
        (tmp_path / "m").mkdir()
        (tmp_path / "m" / "mine.txt").touch()
        return describe(folder)

    monkeypatch.setattr(importing, "describe", slow)
    with pytest.raises(ValueError, match="m: cannot be made: Directory not empty"):
        import_model(source, tmp_path / "m", settings=SETTINGS)
    assert [path.name for path in (tmp_path / "m").iterdir()] == ["mine.txt"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m", "theirs.safetensors"]


def test_the_folder_has_the_usual_permissions(state: State, tmp_path: Path):
    import_model(saved(state, tmp_path), tmp_path / "new" / ("n" * 250), settings=SETTINGS)
    (tmp_path / "plain").mkdir()
    made, plain = ((tmp_path / name).stat().st_mode for name in (f"new/{'n' * 250}", "plain"))
    assert stat.S_IMODE(made) == stat.S_IMODE(plain)


def test_numbers_that_half_precision_cannot_hold(state: State, tmp_path: Path):
    key = "encoder.to_out.bias"
    source = saved({**state, key: state[key] + 1e6}, tmp_path)
    with pytest.raises(ValueError, match=f"{key} holds NaN or infinity as float16; nothing was written"):
        import_model(source, tmp_path / "m", settings=SETTINGS, dtype=torch.float16)
    assert [path.name for path in tmp_path.iterdir()] == ["theirs.safetensors"]
