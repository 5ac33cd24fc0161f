"""Model folders that are broken: one line that names the file and the key."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from mousai.pipeline import Mousai

from .helpers import generate


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def edited(name: str, change: Callable[[dict], object]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        values = json.loads((folder / name).read_text())
        change(values)
        (folder / name).write_text(json.dumps(values))

    return edit


def reweighted(part: str, change: Callable[[dict], object]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        path = folder / part / "model.safetensors"
        tensors = load_file(path)
        change(tensors)
        save_file(tensors, path)

    return edit


def overwritten(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


def halved(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(
        (folder / name).read_bytes()[: (folder / name).stat().st_size // 2]
    )


FILES = [
    "model_index.json",
    *(
        f"{part}/{file}"
        for part in ("autoencoder", "latent_diffusion", "text_encoder")
        for file in ("config.json", "model.safetensors")
    ),
    "tokenizer/tokenizer.json",
    "tokenizer/tokenizer_config.json",
]
KEYS = {
    "autoencoder": "prior.log_gain",
    "latent_diffusion": "null_embedding",
    "text_encoder": "encoder.final_layer_norm.weight",
}
BROKEN_MODELS: dict[str, tuple[Callable[[Path], object], tuple[str, ...]]] = {
    **{f"without {name}": (without(name), (name,)) for name in FILES},
    **{f"half of {name}": (halved(name), (name,)) for name in FILES if name != "tokenizer/tokenizer_config.json"},
    **{
        f"{part}: missing key": (reweighted(part, lambda t, key=key: t.pop(key)), (f"{part}/model.safetensors", key))
        for part, key in KEYS.items()
    },
    **{
        f"{part}: extra key": (
            reweighted(part, lambda t: t.update(extra=torch.zeros(2))),
            (f"{part}/model.safetensors", "extra"),
        )
        for part in KEYS
    },
    **{
        f"{part}: wrong shape": (
            reweighted(part, lambda t, key=key: t.update({key: torch.zeros(3, 5)})),
            (f"{part}/model.safetensors", key, "[3, 5]"),
        )
        for part, key in KEYS.items()
    },
    **{
        f"{part}: NaN": (
            reweighted(part, lambda t, key=key: t[key].fill_(float("nan"))),
            (f"{part}/model.safetensors", key, "NaN"),
        )
        for part, key in KEYS.items()
    },
    **{
        f"{name}: unknown key": (edited(name, lambda v: v.update(chanels=3)), (name, "chanels"))
        for name in ("model_index.json", "autoencoder/config.json", "latent_diffusion/config.json")
    },
    "autoencoder: unknown key inside": (
        edited("autoencoder/config.json", lambda v: v["decoder"].update(chanels=3)),
        ("autoencoder/config.json", "chanels"),
    ),
    "autoencoder: impossible value": (
        edited("autoencoder/config.json", lambda v: v.update(sample_rate=0)),
        ("autoencoder/config.json", "sample_rate"),
    ),
    "latent diffusion: impossible value": (
        edited("latent_diffusion/config.json", lambda v: v.update(latent_std="wide")),
        ("latent_diffusion/config.json", "latent_std"),
    ),
    "latent diffusion: value of another kind": (
        edited("latent_diffusion/config.json", lambda v: v.update(net=3)),
        ("latent_diffusion/config.json", "3"),
    ),
    "text encoder: another kind": (
        edited("text_encoder/config.json", lambda v: v.update(model_type="bert")),
        ("text_encoder/config.json", "bert"),
    ),
    "index: unknown default": (
        edited("model_index.json", lambda v: v["defaults"].update(stepps=3)),
        ("model_index.json", "stepps"),
    ),
    "index: impossible default": (
        edited("model_index.json", lambda v: v["defaults"].update(decoder_steps=0)),
        ("model_index.json", "decoder_steps=0"),
    ),
    "index: default of another kind": (
        edited("model_index.json", lambda v: v["defaults"].update(decoder_steps="many")),
        ("model_index.json", "decoder_steps", "many"),
    ),
    "index: unknown sampler": (
        edited("model_index.json", lambda v: v["defaults"].update(sampler="plms")),
        ("model_index.json", "sampler='plms'", "dpmpp_2m"),
    ),
    "index: sampler of another kind": (
        edited("model_index.json", lambda v: v["defaults"].update(time_grid=3)),
        ("model_index.json", "time_grid", "3"),
    ),
    "index: defaults of another kind": (
        edited("model_index.json", lambda v: v.update(defaults=[1])),
        ("model_index.json", "defaults"),
    ),
    "index: another format": (
        edited("model_index.json", lambda v: v.update(format="x")),
        ("model_index.json", "format"),
    ),
    "index: a later version": (
        edited("model_index.json", lambda v: v.update(version=2)),
        ("model_index.json", "version"),
    ),
    "index: no object": (overwritten("model_index.json", b"[1, 2]"), ("model_index.json", "object")),
    "a pickle for weights": (
        overwritten("latent_diffusion/model.safetensors", b"\x80\x04."),
        ("latent_diffusion/model.safetensors",),
    ),
    "parts that do not fit": (
        lambda folder: shutil.rmtree(folder / "latent_diffusion") or _other_generator(folder),
        ("9", "8", "different models"),
    ),
}


def _other_generator(folder: Path) -> None:
    """A generator of 9 latent channels in a model of 8."""
    from mousai.diffusion.config import LatentDiffusionConfig
    from mousai.diffusion.latent_diffusion import LatentDiffusion
    from mousai.storage.weights import save_module
    from unet1d import Level, UNet1dConfig

    net = UNet1dConfig(in_channels=9, levels=(Level(channels=8, cross_attention=True),), context_features=32)
    config = LatentDiffusionConfig(net=net)
    save_module(folder / "latent_diffusion", LatentDiffusion(config), config.to_dict())


@pytest.mark.parametrize("name", BROKEN_MODELS)
def test_a_broken_model(mousai, work: Path, model_copy: Path, monkeypatch: pytest.MonkeyPatch, name: str):
    def sample(*args: object, **settings: object) -> None:
        raise AssertionError("the slow part has begun")

    monkeypatch.setattr(Mousai, "__call__", sample)
    breaking, shown = BROKEN_MODELS[name]
    breaking(model_copy)
    error = mousai(*generate(model_copy, "-o", "out.wav")).error()
    assert all(words in error for words in shown)
    assert not list(work.iterdir())
