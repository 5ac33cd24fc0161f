"""`mousai import` and `mousai export`: what a user sees, and every checkpoint that is not as it should be."""

import json
import pickle
import types
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from mousai.audio.files import read_audio, write_audio
from mousai.cli import main
from mousai.convert.importing import import_model
from mousai.convert.rules import Rule, read_state, write_state
from mousai.storage.folders import describe
from tests.mousai.convert.comparing import copies, refused

Authors = types.SimpleNamespace
State = dict[str, Tensor]


# ---- what comes of it


def test_an_autoencoder_is_imported_and_used(state: State, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    source, model = tmp_path / "theirs.safetensors", tmp_path / "model"
    save_file(state, source)
    assert main(["import", str(source), "-o", str(model), "--set", "bottleneck=tanh"]) == 0
    told = capsys.readouterr().out
    assert f"{model}: autoencoder, {describe_count(model):,} parameters" in told
    assert "assumed, for the file does not tell: " in told and "transform_stride=4" in told
    assert "lacks a latent diffusion and a text encoder" in told

    write_audio(tmp_path / "in.wav", 0.3 * torch.randn(2, 4801).clamp(-3, 3).numpy(), 48000)
    words = ["reconstruct", str(tmp_path / "in.wav"), "-o", str(tmp_path / "out.wav"), "--model", str(model)]
    assert main([*words, "--decoder-steps", "2"]) == 0
    assert read_audio(tmp_path / "out.wav").shape == (2, 4801)
    capsys.readouterr()
    assert main(["info", str(model)]) == 0
    told = capsys.readouterr().out
    assert "Imported from" in told and "lacks:            text encoder and latent diffusion" in told
    message = refused(capsys, "generate", "music", "-o", tmp_path / "song.wav", "--model", model)
    assert "has no text_encoder and no latent_diffusion, only autoencoder" in message
    assert not (tmp_path / "song.wav").exists()


def describe_count(model: Path) -> int:
    return sum(tensor.numel() for tensor in load_file(model / "autoencoder" / "model.safetensors").values())


def test_a_generator_becomes_a_whole_model(
    autoencoder: nn.Module, generator: nn.Module, saved_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Text encoder from a folder of the hub's layout, autoencoder from another import."""
    from transformers import T5Config, T5EncoderModel

    from mousai.conditioning.text import load_tokenizer

    tokenizer = load_tokenizer(saved_model / "tokenizer")
    torch.manual_seed(0)
    T5EncoderModel(
        T5Config(vocab_size=len(tokenizer), d_model=32, d_kv=4, d_ff=32, num_layers=1, num_heads=2)
    ).save_pretrained(tmp_path / "t5")
    tokenizer.save_pretrained(tmp_path / "t5")
    save_file(copies(autoencoder), tmp_path / "ae.safetensors")
    save_file(copies(generator), tmp_path / "gen.safetensors")
    ae, model = tmp_path / "ae", tmp_path / "model"
    assert main(["import", str(tmp_path / "ae.safetensors"), "-o", str(ae), "--set", "bottleneck=tanh"]) == 0
    words = ["import", str(tmp_path / "gen.safetensors"), "-o", str(model), "--set", "attention_heads=2"]
    assert main([*words, "--text-encoder", str(tmp_path / "t5"), "--autoencoder", str(ae)]) == 0
    assert "lacks" not in capsys.readouterr().out.splitlines()[-1]
    song = tmp_path / "song.wav"
    words = ["generate", "calm piano", "-o", str(song), "--duration", "0.1", "--steps", "2", "--decoder-steps", "2"]
    assert main([*words, "--model", str(model), "--seed", "1"]) == 0
    assert read_audio(song).shape == (2, 4800)


def test_there_and_back_by_command(state: State, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    save_file(state, tmp_path / "theirs.safetensors")
    import_model(str(tmp_path / "theirs.safetensors"), tmp_path / "model", settings={"bottleneck": "tanh"})
    words = ["export", str(tmp_path / "model"), "--layout", "audio-diffusion-pytorch", "-o"]
    assert main([*words, str(tmp_path / "back.safetensors")]) == 0
    assert "--set bottleneck=tanh" in capsys.readouterr().out
    back = load_file(tmp_path / "back.safetensors")
    assert back.keys() == state.keys()
    assert all(torch.allclose(back[key], state[key], atol=1e-6) for key in state)
    assert main([*words, str(tmp_path / "small.safetensors"), "--compact", "--dtype", "float16"]) == 0
    small = load_file(tmp_path / "small.safetensors")
    assert all(key.startswith(("net.", "encoder.")) for key in small)
    capsys.readouterr()
    assert "exists" in refused(capsys, *words, tmp_path / "small.safetensors")


def test_the_bundled_model_has_no_place_in_their_layout(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    from mousai.storage.folders import BUNDLED

    words = ("export", BUNDLED, "--layout", "audio-diffusion-pytorch", "-o", tmp_path / "out.safetensors")
    assert "give --part" in refused(capsys, *words)
    assert "bands" in refused(capsys, *words, "--part", "autoencoder")
    told = refused(capsys, *words, "--part", "latent_diffusion")
    assert "their latent diffusion has no frame_rate=" in told and "only frame_rate=0 can be written" in told
    assert not list(tmp_path.iterdir())


# ---- wrappers


@pytest.mark.parametrize("prefix", ["model.", "model_ema.ema_model.", "module.net."])
def test_a_prefix_that_all_keys_share(state: State, tmp_path: Path, prefix: str):
    save_file({prefix + key: tensor for key, tensor in state.items()}, tmp_path / "a.safetensors")
    made = import_model(str(tmp_path / "a.safetensors"), tmp_path / "m", settings={"bottleneck": "tanh"})
    assert made.prefix == prefix


def test_two_models_in_a_file(state: State, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """As a Lightning checkpoint with an average holds them."""
    both = {f"model.{key}": tensor for key, tensor in state.items()}
    both |= {f"model_ema.ema_model.{key}": 2 * tensor for key, tensor in state.items() if "window" not in key}
    both |= {f"model_ema.ema_model.{key}": tensor.clone() for key, tensor in state.items() if "window" in key}
    both["model_ema.initted"] = torch.ones(1)
    save_file(both, tmp_path / "a.safetensors")
    words = ["import", tmp_path / "a.safetensors", "-o", tmp_path / "m", "--set", "bottleneck=tanh"]
    message = refused(capsys, *words)
    assert "holds 2 models, under 'model.' and 'model_ema.ema_model.'; give --prefix" in message
    assert "no model stands there" in refused(capsys, *words, "--prefix", "ema.")
    assert main([*map(str, words), "--prefix", "model_ema.ema_model."]) == 0
    assert f"left out, outside of that: {len(state) + 1} keys" in capsys.readouterr().out


@pytest.mark.parametrize("kept", ["net.", "diffusion.net.", "sampler.net."])
def test_a_file_that_keeps_a_shared_tensor_once(state: State, tmp_path: Path, kept: str):
    names = ("net.", "diffusion.", "sampler.")
    once = {key: tensor for key, tensor in state.items() if key.startswith(kept) or not key.startswith(names)}
    once = {key: tensor for key, tensor in once.items() if ".blocks.1.blocks.0.0." not in key}
    save_file(once, tmp_path / "a.safetensors")
    import_model(str(tmp_path / "a.safetensors"), tmp_path / "m", settings={"bottleneck": "tanh"})


def test_sharded(state: State, tmp_path: Path):
    folder = tmp_path / "shards"
    folder.mkdir()
    keys = sorted(state)
    halves = {"a.safetensors": keys[: len(keys) // 2], "b.safetensors": keys[len(keys) // 2 :]}
    for name, own in halves.items():
        save_file({key: state[key] for key in own}, folder / name)
    index = {"weight_map": {key: name for name, own in halves.items() for key in own}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    import_model(str(folder), tmp_path / "m", settings={"bottleneck": "tanh"})


# ---- pickles


class Bomb:
    """Unpickled without care it would make a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, str]]:
        return open, (str(self.path), "w")


@pytest.mark.parametrize("lightning", [False, True])
def test_pickles_are_read_only_where_that_is_allowed(
    state: State, tmp_path: Path, capsys: pytest.CaptureFixture[str], lightning: bool
):
    path = tmp_path / "last.ckpt"
    torch.save({"state_dict": state, "epoch": 3} if lightning else state, path)
    words = ["import", str(path), "-o", str(tmp_path / "m"), "--set", "bottleneck=tanh"]
    message = refused(capsys, *words)
    assert "is a pickle, which is not opened: a pickle can run any program" in message and "--allow-pickle" in message
    assert main([*words, "--allow-pickle"]) == 0
    assert describe(tmp_path / "m").parts == ("autoencoder",)


def test_a_pickle_that_does_something_is_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path, trace = tmp_path / "evil.pt", tmp_path / "trace"
    path.write_bytes(pickle.dumps({"net.blocks.0.weights": Bomb(trace)}))
    message = refused(capsys, "import", path, "-o", tmp_path / "m", "--allow-pickle")
    assert str(path) in message
    assert not trace.exists() and not (tmp_path / "m").exists()


# ---- rules


def test_a_rule_goes_both_ways():
    rule = Rule("a", "b", "o i f -> o (f i)", (("f", 3),))
    theirs = torch.arange(24.0).reshape(4, 2, 3)
    assert torch.equal(rule.write(rule.read(theirs)), theirs)
    assert rule.read(theirs)[0].tolist() == [0, 3, 1, 4, 2, 5]
    rules = [rule, Rule("c", "d", also=("e",))]
    ours = {"b": rule.read(theirs), "d": torch.ones(2)}
    written = write_state(ours, rules)
    assert written.keys() == {"a", "c", "e"}
    back = read_state(written, ours, rules)
    assert back.keys() == ours.keys() and all(torch.equal(back[key], ours[key]) for key in ours)
