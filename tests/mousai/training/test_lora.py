"""An adapter changes the model as it did when it was trained, and nothing else."""

import numpy as np
import pytest
import torch

from mousai import UserError, read_audio, read_metadata
from mousai.cli import main
from mousai.diffusion.lora import add_lora
from mousai.storage.folders import load_latent_diffusion
from mousai.storage.weights import load_tensors, save_tensors
from mousai.training.checkpoint_files import read_checkpoint, saved_checkpoints
from mousai.training.config import AdapterConfig
from mousai.training.run import train
from mousai.training.stages.latent_diffusion.adapters import add_adapters


@pytest.fixture(scope="module")
def run(tmp_path_factory, make_settings):
    folder = tmp_path_factory.mktemp("lora") / "run"
    train(
        make_settings("latent-diffusion", folder, max_steps=5, lora=AdapterConfig(rank=3, scale=6), learning_rate=0.02)
    )
    return folder


@pytest.fixture(scope="module")
def adapter(run):
    path = run.parent / "style.safetensors"
    assert main(["export", str(run), "-o", str(path)]) == 0
    return path


def test_only_the_adapter_is_trained(run, saved_model):
    held = read_checkpoint(saved_checkpoints(run / "checkpoints")[-1])
    assert held["callbacks"]["EMA"]["average"] and all(".lora_" in key for key in held["callbacks"]["EMA"]["average"])
    before = dict(load_latent_diffusion(saved_model).state_dict())
    after = {key.removeprefix("model.").replace(".base_layer", ""): w for key, w in held["state_dict"].items()}
    assert all(torch.equal(after[key], weight) for key, weight in before.items())


def test_the_weights_with_it_compute_what_was_trained(run, adapter, saved_model):
    """A peft model with the averaged factors, and the plain model with the file added, are the same function."""
    average = read_checkpoint(saved_checkpoints(run / "checkpoints")[-1])["callbacks"]["EMA"]["average"]
    through_peft, plain, added = (load_latent_diffusion(saved_model) for _ in range(3))
    add_adapters(through_peft.net, AdapterConfig(rank=3, scale=6))
    with torch.no_grad():
        for name, weight in through_peft.named_parameters():
            weight.copy_(average.get(f"model.{name}", weight))
    generator = torch.Generator().manual_seed(0)
    x, t = torch.randn(2, 8, 24, generator=generator), torch.tensor([0.3, 0.8])
    context = torch.randn(2, 5, 32, generator=generator)
    count = add_lora(added, adapter)
    convolutions = [name for name, weight in plain.net.named_parameters() if weight.ndim == 3]
    assert count > len(convolutions) > 0
    with torch.no_grad():
        expected, without, found = (net.net(x, t, context=context) for net in (through_peft, plain, added))
    assert (found - expected).norm() < 1e-3 * expected.norm()
    assert (found - without).norm() > 0.1 * expected.norm()
    for scale in (0.0, 0.5):
        half = load_latent_diffusion(saved_model)
        add_lora(half, adapter, scale=scale)
        for one, two, three in zip(plain.parameters(), half.parameters(), added.parameters(), strict=True):
            torch.testing.assert_close(two, one + scale * (three - one))


def test_a_resumed_adapter_is_the_same(run, tmp_path, make_settings):
    settings = {"lora": AdapterConfig(rank=3, scale=6), "learning_rate": 0.02}
    for steps in (2, 5):
        train(make_settings("latent-diffusion", tmp_path, max_steps=steps, **settings))
    one, two = (read_checkpoint(saved_checkpoints(of / "checkpoints")[-1])["state_dict"] for of in (run, tmp_path))
    assert all(torch.equal(one[key], two[key]) for key in one)


def test_generate_plays_with_it(adapter, saved_model, tmp_path, capsys):
    command = ["generate", "calm piano", "--model", str(saved_model), "--duration", "0.2", "--seed", "1"]
    assert main([*command, "-o", str(tmp_path / "plain.wav")]) == 0
    assert main([*command, "--lora", str(adapter), "-o", str(tmp_path / "lora.wav")]) == 0
    assert main([*command, "--lora", str(adapter), "--lora-scale", "0", "-o", str(tmp_path / "none.wav")]) == 0
    plain, lora, none = (read_audio(tmp_path / f"{name}.wav") for name in ("plain", "lora", "none"))
    np.testing.assert_array_equal(plain, none)
    assert np.abs(plain - lora).max() > 1e-3
    assert read_metadata(tmp_path / "lora.wav")["lora"] == str(adapter)
    capsys.readouterr()
    assert main(["info", str(tmp_path / "none.wav")]) == 0
    assert f"--lora {adapter} --lora-scale 0" in capsys.readouterr().out


def test_it_is_small_and_says_of_what_it_is(adapter, saved_model):
    tensors, about = load_tensors(adapter)
    assert about == {"format": "mousai lora", "version": "1", "rank": "3", "alpha": "6", "base": saved_model.name}
    size = sum(weight.numel() for weight in tensors.values())
    assert size < sum(weight.numel() for weight in load_latent_diffusion(saved_model).parameters())


def test_mistakes(adapter, run, saved_model, tmp_path, capsys):
    generate = ["generate", "x", "-o", str(tmp_path / "x.wav"), "--model", str(saved_model)]
    for more, message in (
        (["--lora", "nowhere.safetensors"], "--lora nowhere.safetensors: no such file"),
        (["--lora-scale", "2"], "says how much of an adapter is added; give --lora too"),
        (["--lora", str(adapter), "--lora-scale", "-1"], "--lora-scale -1: must be 0 to 10"),
        (
            ["--lora", str(saved_model / "latent_diffusion" / "model.safetensors")],
            "is no adapter; give the .safetensors",
        ),
    ):
        assert main([*generate, *more]) == 2
        assert message in capsys.readouterr().err
    assert main(["export", str(run), "-o", str(tmp_path / "folder")]) == 2
    assert "trained an adapter (lora.rank); export it as a file" in capsys.readouterr().err
    tensors, about = load_tensors(adapter)
    key = next(key for key in tensors if key.endswith("lora_B"))
    save_tensors(tmp_path / "other.safetensors", {**tensors, key: tensors[key][:-1]}, metadata=about)
    model = load_latent_diffusion(saved_model)
    before = [weight.clone() for weight in model.parameters()]
    with pytest.raises(UserError, match=r"other\.safetensors: is an adapter of another model than this \(net\."):
        add_lora(model, tmp_path / "other.safetensors")
    assert all(torch.equal(one, two) for one, two in zip(before, model.parameters(), strict=True))
    assert not list(tmp_path.glob("*.wav"))


def test_an_adapter_needs_a_model(tmp_path, make_settings):
    with pytest.raises(UserError, match=r"lora\.rank=3: adds to a trained model; name it by --from"):
        make_settings("latent-diffusion", tmp_path, lora=AdapterConfig(rank=3), start_from=None)
