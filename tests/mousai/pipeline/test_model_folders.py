"""Model folders: saving, describing and loading them, by path or by a name of the hub."""

from pathlib import Path

import pytest
import torch

import mousai.storage.folders
from mousai.pipeline import Mousai
from mousai.storage.folders import describe, model_folder
from mousai.storage.weights import CheckpointError
from tests.mousai.pipeline.quick_calls import PROMPT, QUICK
from tests.mousai.refusing import refused


def test_a_saved_model_makes_the_same_music(pipeline: Mousai, tmp_path: Path):
    pipeline.save_pretrained(tmp_path / "new" / "model")
    again = Mousai.from_pretrained(tmp_path / "new" / "model", dtype="float32")
    assert again.about == pipeline.about and again.defaults == pipeline.defaults
    assert again.autoencoder.config == pipeline.autoencoder.config
    assert again.latent_diffusion.config == pipeline.latent_diffusion.config
    assert torch.equal(again(PROMPT, **QUICK, seed=1).audios, pipeline(PROMPT, **QUICK, seed=1).audios)


def test_a_folder_holds_nothing_but_json_and_safetensors(saved_model: Path):
    files = {str(path.relative_to(saved_model)) for path in saved_model.rglob("*") if path.is_file()}
    parts = {
        f"{part}/{name}"
        for part in ("autoencoder", "latent_diffusion", "text_encoder")
        for name in ("config.json", "model.safetensors")
    }
    assert files == {"model_index.json", "tokenizer/tokenizer.json", "tokenizer/tokenizer_config.json"} | parts


def test_half_the_size_in_half_precision(pipeline: Mousai, saved_model: Path, tmp_path: Path):
    pipeline.save_pretrained(tmp_path, dtype=torch.bfloat16)
    for part in ("autoencoder", "latent_diffusion", "text_encoder"):
        file = f"{part}/model.safetensors"
        assert (tmp_path / file).stat().st_size < 0.6 * (saved_model / file).stat().st_size
    again = Mousai.from_pretrained(tmp_path, dtype="float32")
    expected = pipeline.latent_diffusion.net.state_dict()
    for key, value in again.latent_diffusion.net.state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(value, expected[key].bfloat16().float())


def test_describing_reads_no_weights(model_copy: Path, pipeline: Mousai):
    for weights in model_copy.rglob("*.safetensors"):
        weights.unlink()
    found = describe(model_copy)
    assert found.autoencoder == pipeline.autoencoder.config
    assert found.latent_diffusion == pipeline.latent_diffusion.config
    assert found.defaults == pipeline.defaults and found.about == pipeline.about


def test_names_of_models(tmp_path: Path, saved_model: Path):
    assert model_folder(None) == mousai.storage.folders.BUNDLED
    assert model_folder(saved_model) == model_folder(str(saved_model)) == saved_model
    (tmp_path / "file").touch()
    assert "file" in refused(model_folder, tmp_path / "file")
    for name in ("nowhere", "./some/where", "a/b/c", "/a/b", "~/model"):
        assert refused(model_folder, name).endswith(": no such folder")


def test_a_model_of_the_hub_needs_its_commit(monkeypatch: pytest.MonkeyPatch, saved_model: Path):
    import huggingface_hub

    asked: list[tuple] = []

    commit, gone = "0123456789" * 4, "f" * 40

    def download(name, *, revision, allow_patterns):
        asked.append((name, revision))
        assert allow_patterns == ["*.json", "*.safetensors"]
        if revision == gone:
            raise huggingface_hub.errors.LocalEntryNotFoundError("no such\nrevision")
        return str(saved_model)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    assert "no such folder; for a model of the hub give its commit as revision" in refused(model_folder, "owner/name")
    assert asked == []
    for name in ("main", "v1", "refs/pr/1", "abc1234", commit.upper() + "0", "../" + commit, ""):
        assert f"40 hexadecimal digits, not {name!r}" in refused(model_folder, "owner/name", revision=name)
    assert asked == []
    assert model_folder("owner/name", revision=commit) == saved_model
    message = refused(model_folder, "owner/name", revision=gone)
    assert f"model='owner/name': cannot be had at {gone}: no such revision" in message
    assert asked == [("owner/name", commit), ("owner/name", gone)]


def test_a_folder_that_is_no_model(tmp_path: Path):
    with pytest.raises(CheckpointError, match=r"model_index\.json: does not exist"):
        Mousai.from_pretrained(tmp_path)
    with pytest.raises(ValueError, match="float16"):
        Mousai.from_pretrained(tmp_path, dtype="float16")
