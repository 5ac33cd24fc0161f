"""Shapes and keys that no model of theirs has: the line names the key and what was expected."""

import json
import types
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from dmae import mel_filters
from mousai.convert.adp_layout import recognise
from mousai.convert.exporting import export_model
from mousai.convert.importing import import_model
from mousai.convert.prefixes import strip
from mousai.convert.rules import LayoutError, Rule, read_state
from mousai.convert.settings import Settings
from mousai.convert.sources import read_source
from mousai.convert.unet_layout import UNetPlace, unet_rules
from mousai.errors import UserError
from mousai.storage.weights import CheckpointError
from tests.mousai.convert.comparing import copies
from unet1d import Level, UNet1dConfig

Authors = types.SimpleNamespace
State = dict[str, Tensor]
Change = Callable[[State], State]

NET = "net.blocks.2.blocks.2.net.block.blocks."  # of the autoencoder
PROJECT = "blocks.0.block1.project.weight"
DOWN, TO_IN = "encoder.downsamples.0.downsample.weight", "encoder.to_in.block.block1.project.weight"
FILTERS, WINDOW = "encoder.mel.to_mel_scale.fb", "encoder.mel.to_spectrogram.window"
NULL = "net.blocks.2.blocks.0.blocks.0.weight"  # of the latent diffusion
SETTINGS = {"bottleneck": "tanh"}


def put(key: str, *shape: int) -> Change:
    """Another shape under a key."""
    return lambda state: {**state, key: torch.ones(shape)}


def without(*keys: str) -> Change:
    return lambda state: {key: tensor for key, tensor in state.items() if not key.startswith(keys)}


def with_injection_at(*indices: int) -> Change:
    """An injection in the place of the modulation of some items."""

    def apply(state: State) -> State:
        for index in indices:
            state = without(f"{NET}{index}.")(state) | {f"{NET}{index}.block.blocks.0.weight": torch.ones(16, 20, 1)}
        return state

    return apply


@pytest.fixture(scope="module")
def theirs(autoencoder: nn.Module) -> State:
    return strip(copies(autoencoder)).state


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("encoder."), "is a DiffusionModel on a learned transform; only a DiffusionAE with one"),
        (put("net.blocks.0.weight", 16, 8), "lacks net.blocks.0.weight of the learned transform"),
        (put("encoder.to_out.weight", 5, 16, 1), "the encoder gives 5 channels, the U-Net takes in 4"),
        (put(DOWN, 16, 16, 7), "one position at depth 1 is 32 samples, which is no multiple of the encoder's 3 frames"),
        (put(DOWN, 16, 16, 8), f"{DOWN} has 8 taps, expected 2 * factor + 1"),
        (put(DOWN, 16, 16), f"{DOWN} has shape [16, 16], expected 3 dimensions"),
        (without(DOWN), f"lacks {DOWN}"),
        (without(f"encoder.downsamples.0.{PROJECT}"), f"lacks encoder.downsamples.0.{PROJECT}: a stage without blocks"),
        (without(TO_IN), f"lacks {TO_IN}"),
        (put(TO_IN, 15, 32, 3), "encoder.to_in writes 15 channels per patch, its stages read 16"),
        (put(TO_IN, 16, 33, 3), "the encoder reads 33 channels, no multiple of the 2 audio channels"),
        (
            lambda state: put(FILTERS, 16, 15)(put(WINDOW, 31)(state)),
            f"{FILTERS} has shape [16, 15], expected [bins, 16]",
        ),
        (lambda state: put(FILTERS, 16, 16)(put(WINDOW, 31)(state)), f"{FILTERS} is not the mel filters of 48000 Hz"),
        (without(f"{NET}6."), f"lacks {NET}6.block.1.weight: a level must end with its upsampling"),
        (with_injection_at(5), f"{NET}1 to 5: items down and up must be alike, found residual, modulation, residual"),
        (with_injection_at(2, 5), f"{NET}1 to 2 are residual, injection; a UNetV0 with time conditioning has"),
        (put(f"{NET}3.block.blocks.0.block.weight", 24, 17, 8), "0.block.weight reads 17 channels, expected 16"),
        (without("net.blocks.2.blocks.0.to_out.weight"), "lacks net.blocks.2.blocks.0.to_out.weight"),
        (put("net.blocks.2.blocks.0.to_out.weight", 16), "to_out.weight has shape [16], expected 2 dimensions"),
    ],
)
def test_an_autoencoder_that_they_do_not_build(theirs: State, change: Change, message: str):
    with pytest.raises(LayoutError) as caught:
        recognise(change(theirs), Settings(SETTINGS))
    assert message in str(caught.value)


def test_mel_filters_under_another_window_than_hanns(theirs: State):
    state = {**theirs, FILTERS: mel_filters(16, 16, 48000), WINDOW: torch.ones(31)}
    with pytest.raises(LayoutError, match=r"to_spectrogram\.window is not Hann's window, which is the only one"):
        recognise(state, Settings(SETTINGS))


def test_numbers_that_are_none():
    """Whatever they were read by."""
    for bad in (float("nan"), float("inf")):
        with pytest.raises(LayoutError, match="theirs holds NaN or infinity"):
            read_state({"theirs": torch.tensor([1.0, bad])}, {"ours": torch.ones(2)}, [Rule("theirs", "ours")])


def test_a_transform_that_its_bins_are_not_of(theirs: State):
    with pytest.raises(LayoutError, match=r"stft_num_fft=29: 16 bins are those of 30 or 31"):
        recognise(theirs, Settings({**SETTINGS, "stft_num_fft": "29"}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put("encoder.to_out.weight", 4, 16, 1), "has an encoder and a text embedding; a DiffusionAE with text"),
        (put(NULL, 64, 40), r"cross-attention reads [32, 40] features; one width is expected"),
    ],
)
def test_a_latent_diffusion_that_they_do_not_build(generator: nn.Module, change: Change, message: str):
    with pytest.raises(LayoutError) as caught:
        recognise(change(strip(copies(generator)).state), Settings({"attention_heads": "2"}))
    assert message in str(caught.value)


def test_an_autoencoder_that_takes_no_latent_in(authors: Authors, theirs: State):
    d = authors.diffusion
    sizes = {"in_channels": 2, "channels": [16], "factors": [8], "items": [1], "modulation_features": 16}
    plain = strip(copies(d.DiffusionModel(net_t=d.UNetV0, **sizes))).state
    plain |= {key: tensor for key, tensor in theirs.items() if key.startswith("encoder.")}
    with pytest.raises(LayoutError, match="takes a latent in at 0 depths; a DiffusionAE has one"):
        recognise(plain, Settings(SETTINGS))


def test_keys_outside_of_the_model(theirs: State):
    state = {f"model.{key}": tensor for key, tensor in theirs.items()}
    with pytest.raises(LayoutError, match=r"holds loss outside of the model under 'model\.'; give --prefix 'model\.'"):
        strip({**state, "loss": torch.ones(1)})


def test_what_their_layouts_have_no_place_for(theirs: State, tmp_path: Path):
    with pytest.raises(LayoutError, match="this layout has no place for extra, which the model here has"):
        read_state({}, {"extra": torch.ones(1)}, [])
    net = UNet1dConfig(in_channels=4, levels=(Level(channels=8),), groups=8, kernel_size=5)
    with pytest.raises(LayoutError, match="UNetV0 has no kernel_size=5; only kernel_size=3 can be written"):
        list(unet_rules(net, UNetPlace("net.", "net.blocks.2.net."), "net."))
    save_file(theirs, tmp_path / "a.safetensors")
    with pytest.raises(UserError, match="text_encoder='t5': this is an autoencoder, which needs none"):
        import_model(str(tmp_path / "a.safetensors"), tmp_path / "m", settings=SETTINGS, text_encoder="t5")
    import_model(str(tmp_path / "a.safetensors"), tmp_path / "m", settings=SETTINGS)
    with pytest.raises(UserError, match=r"part='latent_diffusion': .* holds autoencoder"):
        export_model(tmp_path / "m", tmp_path / "out.safetensors", part="latent_diffusion")
    assert not (tmp_path / "out.safetensors").exists()


def test_a_text_encoder_without_its_tokenizer(generator: nn.Module, tmp_path: Path):
    state = strip(copies(generator)).state
    inner = "net.blocks.2."
    moved = {key.replace(inner, f"{inner}blocks.1."): tensor for key, tensor in state.items() if key.startswith(inner)}
    moved |= {key: tensor for key, tensor in state.items() if not key.startswith(inner)}
    moved[f"{inner}blocks.0.transformer.shared.weight"] = torch.ones(9, 32)
    save_file(moved, tmp_path / "a.safetensors")
    with pytest.raises(UserError, match="holds a T5 text encoder but not its tokenizer; give --text-encoder"):
        import_model(str(tmp_path / "a.safetensors"), tmp_path / "m", settings={"attention_heads": "2"})


# ---- folders


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ({"weight_map": {"a": "../a.safetensors"}}, "a file outside of the folder, or no safetensors"),
        ({"weight_map": {"a": "a.bin"}}, "a file outside of the folder, or no safetensors"),
        ({"weight_map": ["a.safetensors"]}, "is no index of a sharded checkpoint"),
        ({}, r"is no index of a sharded checkpoint \(KeyError"),
        ({"weight_map": {"b": "a.safetensors"}}, r"names b, which a\.safetensors does not hold"),
    ],
)
def test_an_index_that_names_what_is_not_there(tmp_path: Path, index: object, message: str):
    for path in (tmp_path / "a.safetensors", tmp_path / "in" / "a.safetensors"):
        path.parent.mkdir(exist_ok=True)
        save_file({"a": torch.ones(1)}, path)
    (tmp_path / "in" / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(CheckpointError, match=message):
        read_source(str(tmp_path / "in"))


def test_a_folder_of_several_checkpoints(tmp_path: Path):
    for name in ("a.safetensors", "b.safetensors"):
        save_file({"a": torch.ones(1)}, tmp_path / name)
    with pytest.raises(CheckpointError, match=r"holds a\.safetensors, b\.safetensors; name the file that is meant"):
        read_source(str(tmp_path))
