"""Nothing outside of a model folder is read as a part of it; the hub's cache, which is made of links, still loads."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mousai import Mousai, UserError
from mousai.cli import main
from mousai.codec import Codec
from mousai.conditioning.text import T5TextEncoder
from mousai.convert.importing import import_model
from mousai.storage.configs import CheckpointError
from mousai.storage.folder_contents import check_contents
from mousai.storage.folders import describe, load_autoencoder, model_folder
from tests.mousai.refusing import refused

COMMIT, HASH = "0123456789" * 4, "c0ffee" + "0" * 58
FILES = (
    "model_index.json",
    "README.md",
    "autoencoder/config.json",
    "autoencoder/model.safetensors",
    "latent_diffusion/model.safetensors",
    "text_encoder/config.json",
    "text_encoder/vocabulary.json",
    "tokenizer/tokenizer.json",
    "tokenizer/tokenizer_config.json",
)
LOADERS: dict[str, Callable[[Path], object]] = {
    "Mousai": Mousai.from_pretrained,
    "Codec": Codec.from_pretrained,
    "describe": describe,
    "load_autoencoder": load_autoencoder,
    "model_folder": model_folder,
}


def move_out(folder: Path, name: str) -> None:
    """Put a part of a folder beside it, and a link in its place."""
    outside = folder.parent / "outside" / name
    outside.parent.mkdir(parents=True)
    if (folder / name).exists():
        (folder / name).rename(outside)
    else:
        outside.write_text("{}")
    (folder / name).symlink_to(outside)


@pytest.mark.parametrize("name", [*FILES, "autoencoder", "tokenizer"])
def test_a_link_out_of_the_folder_is_refused_and_named(model_copy: Path, name: str):
    move_out(model_copy, name)
    message = refused(describe, model_copy)
    assert message.startswith(f"{model_copy / name}: is a link out of the model folder") and "copy the file" in message


@pytest.mark.parametrize("loader", LOADERS)
def test_every_way_to_load_a_model_looks_first(model_copy: Path, loader: str):
    move_out(model_copy, "autoencoder/model.safetensors")
    assert "autoencoder/model.safetensors: is a link out" in refused(LOADERS[loader], model_copy)


def test_a_model_of_the_hub_is_looked_at_too(model_copy: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mousai.storage.folders.download", lambda name, **_: model_copy)
    assert model_folder("owner/name", revision=COMMIT) == model_copy
    move_out(model_copy, "autoencoder/model.safetensors")
    message = refused(model_folder, "owner/name", revision=COMMIT)
    assert "autoencoder/model.safetensors: is a link out" in message


@pytest.mark.parametrize("words", [["info"], ["generate", "piano", "-o", "a.wav", "--model"]], ids=["info", "generate"])
def test_the_command_line_says_so_in_one_line(model_copy: Path, words: list[str], tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    move_out(model_copy, "text_encoder/config.json")
    assert main([*words, str(model_copy)]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and f"{model_copy}/text_encoder/config.json: is a link out of the model folder" in told
    assert not list(tmp_path.glob("*.wav"))


@pytest.mark.parametrize(
    "target", ["/etc/hostname", "../../nothing", "../model-of-another/x", "/dev/zero", "/proc/self/mem"]
)
def test_wherever_it_leads(model_copy: Path, target: str):
    # The last beside the folder, with a name that begins like the folder's.
    (model_copy.parent / "model-of-another").mkdir()
    (model_copy / "autoencoder" / "config.json").unlink()
    (model_copy / "autoencoder" / "config.json").symlink_to(target if target.startswith("/") else f"../{target}")
    assert "autoencoder/config.json: is a link out" in refused(describe, model_copy)


def test_a_link_to_a_link_that_leads_out(model_copy: Path, tmp_path: Path):
    (model_copy / "autoencoder" / "config.json").rename(tmp_path / "config.json")
    (model_copy / "notes").symlink_to(tmp_path / "config.json")
    (model_copy / "autoencoder" / "config.json").symlink_to("../notes")
    assert "autoencoder/config.json: is a link out" in refused(describe, model_copy)


@pytest.mark.parametrize("name", ["autoencoder/config.json", "tokenizer/more", "latent_diffusion/model.safetensors"])
def test_pipes_and_devices(model_copy: Path, name: str):
    (model_copy / name).unlink(missing_ok=True)
    os.mkfifo(model_copy / name)
    assert f"{name}: is a pipe or a device" in refused(describe, model_copy)


def test_links_inside_and_a_link_to_the_folder_are_followed(model_copy: Path, tmp_path: Path):
    (model_copy / "autoencoder").rename(model_copy / "stage-1")
    (model_copy / "autoencoder").symlink_to("stage-1")
    (model_copy / "tokenizer" / "tokenizer.json").rename(model_copy / "words.json")
    (model_copy / "tokenizer" / "tokenizer.json").symlink_to(model_copy / "words.json")
    (tmp_path / "link").symlink_to(model_copy)
    assert Mousai.from_pretrained(tmp_path / "link").sample_rate == 48000


def test_what_else_lies_beside_the_model_is_not_looked_at(model_copy: Path):
    (model_copy / "songs").symlink_to("/etc")
    os.mkfifo(model_copy / "pipe")
    describe(model_copy)


# ---- the hub's cache


def as_cached(model: Path, cache: Path, *, shared: bool = False) -> Path:
    """The snapshot of a model in a cache of the hub, as huggingface_hub lays it out."""
    repository = cache / "models--owner--name"
    snapshot = repository / "snapshots" / COMMIT
    (repository / "blobs").mkdir(parents=True)
    for number, file in enumerate(sorted(path for path in model.rglob("*") if path.is_file())):
        place, etag = snapshot / file.relative_to(model), f"{number:064x}"
        place.parent.mkdir(parents=True, exist_ok=True)
        blob = repository / "blobs" / etag
        place.symlink_to(os.path.relpath(blob, place.parent))
        if shared and file.suffix == ".safetensors":
            store = cache / "blobs" / etag[:2] / etag
            store.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, store)
            blob.symlink_to(os.path.relpath(store, blob.parent))
        else:
            shutil.copy(file, blob)
    return snapshot


@pytest.mark.parametrize("shared", [False, True], ids=["its own blobs", "blobs that models share"])
def test_a_snapshot_of_the_hub_loads(saved_model: Path, tmp_path: Path, shared: bool):
    snapshot = as_cached(saved_model, tmp_path / "hub", shared=shared)
    assert Mousai.from_pretrained(snapshot).sample_rate == 48000
    (tmp_path / "elsewhere").symlink_to(tmp_path / "hub")
    check_contents(tmp_path / "elsewhere" / "models--owner--name" / "snapshots" / COMMIT)
    check_contents(snapshot / "text_encoder")  # a folder in a snapshot


@pytest.mark.parametrize(
    "target",
    [
        "../../../secret.json",
        "../../refs/main",
        "../../blobs/../../../secret.json",
        "../../../models--owner--other/blobs/" + HASH,
        "../../../blobs/" + HASH,
        "../../../blobs/c0/../../../secret.json",
    ],
)
def test_a_snapshot_links_to_blobs_alone(saved_model: Path, tmp_path: Path, target: str):
    snapshot = as_cached(saved_model, tmp_path / "hub")
    (snapshot / "model_index.json").unlink()
    (snapshot / "model_index.json").symlink_to(target)
    assert "model_index.json: is a link out" in refused(describe, snapshot)


@pytest.mark.parametrize("blobs", ["../..", "/"])
def test_blobs_that_are_a_link_themselves_lead_out(saved_model: Path, tmp_path: Path, blobs: str):
    (tmp_path / "secret.json").write_text("{}")
    snapshot = as_cached(saved_model, tmp_path / "hub")
    shutil.rmtree(tmp_path / "hub" / "models--owner--name" / "blobs")
    (tmp_path / "hub" / "models--owner--name" / "blobs").symlink_to(blobs)
    (snapshot / "model_index.json").unlink()
    name = "secret.json" if blobs == "../.." else "etc/hostname"
    (snapshot / "model_index.json").symlink_to(f"../../blobs/{name}")
    assert "is a link out" in refused(describe, snapshot)


@pytest.mark.parametrize(
    "name", ["models--owner--name/snapshots/main", "models--o/other/" + COMMIT, "o/snapshots/" + COMMIT]
)
def test_a_folder_that_only_looks_like_the_cache_has_no_blobs(model_copy: Path, tmp_path: Path, name: str):
    folder = tmp_path / name
    folder.parent.mkdir(parents=True)
    model_copy.rename(folder)
    blobs = folder.parents[1] / "blobs"
    blobs.mkdir()
    (folder / "model_index.json").rename(blobs / HASH)
    (folder / "model_index.json").symlink_to(blobs / HASH)
    assert "model_index.json: is a link out" in refused(describe, folder)


# ---- folders of others' layouts


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json", "model.safetensors"])
def test_a_text_encoder_in_the_hubs_layout(model_copy: Path, name: str):
    folder = model_copy / "text_encoder"
    if name != "tokenizer_config.json":
        (folder / name).rename(model_copy / name)
    (folder / name).symlink_to(model_copy / name)
    assert f"{name}: is a link out" in refused(T5TextEncoder.from_hub, str(folder))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("adapter_config.json", '{"base_model_name_or_path": "owner/name"}', "is an adapter"),
        ("tokenizer_config.json", '{"vocab_file": "/etc/passwd"}', "names a file of its own"),
        ("model.safetensors.index.json", '{"weight_map": {"a": "../x.safetensors"}}', "outside of the folder"),
        ("model.safetensors.index.json", '{"weight_map": {"a": "/x.safetensors"}}', "outside of the folder"),
        ("model.safetensors.index.json", '{"weight_map": {"a": "x.bin"}}', "outside of the folder"),
        ("model.safetensors.index.json", '{"weight_map": ["a"]}', "outside of the folder"),
    ],
)
def test_a_text_encoder_that_names_other_files_is_refused_unread(
    model_copy: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str, message: str
):
    import transformers

    monkeypatch.setattr(transformers.T5EncoderModel, "from_pretrained", lambda *_, **__: pytest.fail("was asked"))
    (model_copy / "text_encoder" / name).write_text(text)
    told = refused(T5TextEncoder.from_hub, str(model_copy / "text_encoder"))
    assert f"{model_copy / 'text_encoder' / name}: " in told and message in told


def test_a_checkpoint_to_import(tmp_path: Path, saved_model: Path):
    folder = tmp_path / "theirs"
    folder.mkdir()
    (folder / "model.safetensors").symlink_to(saved_model / "autoencoder" / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"theirs/model\.safetensors: is a link out of the model folder"):
        import_model(str(folder), tmp_path / "ours")
    assert not (tmp_path / "ours").exists()


def test_a_folder_that_is_missing_is_left_to_the_reader(tmp_path: Path):
    check_contents(tmp_path / "nowhere")
    with pytest.raises(UserError, match="does not exist"):
        describe(tmp_path / "nowhere")
