"""What is learned, and how it is averaged, shared and shown."""

import csv
import json
import math
import os
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from mousai import read_audio
from mousai.data.latent_cache.encode import encode_songs, encoder_fingerprint
from mousai.data.records import find_records
from mousai.data.shards.pack import shard_songs
from mousai.errors import UserError
from mousai.storage.folders import load_autoencoder, load_latent_diffusion
from mousai.storage.weights import save_module
from mousai.training.callbacks.ema import EMA
from mousai.training.checkpoint_files import read_checkpoint, saved_checkpoints
from mousai.training.export import export_run
from mousai.training.run import train
from mousai.training.stages.build import build


def table(run: Path) -> list[dict[str, str]]:
    (path,) = sorted((run / "log").rglob("metrics.csv"))
    with path.open() as file:
        return list(csv.DictReader(file))


def losses(run: Path) -> list[float]:
    return [float(row["loss"]) for row in table(run) if row.get("loss")]


def many_songs(songs: Path, folder: Path) -> None:
    """Enough of them for some to be held out."""
    folder.mkdir()
    for number in range(20):
        for suffix in (".wav", ".txt"):
            (folder / f"{number}{suffix}").write_bytes((songs / f"{number % 6}{suffix}").read_bytes())


def test_the_average_follows_its_formula():
    module = nn.Linear(2, 1)
    module.bias.requires_grad_(False)
    ema = EMA(beta=0.9, power=0.7)
    ema.on_train_start(None, module)
    expected = module.weight.detach().clone()
    for step in range(1, 60):
        with torch.no_grad():
            module.weight.add_(step)
        ema.update(module)
        decay = min(0.9, 1 - (1 + step) ** -0.7)
        expected = decay * expected + (1 - decay) * module.weight.detach()
    assert ema.average.keys() == {"weight"}  # what is not trained is not averaged
    torch.testing.assert_close(ema.average["weight"], expected)
    own = module.weight.detach().clone()
    with ema.averaged(module):
        assert torch.equal(module.weight, ema.average["weight"])
    assert torch.equal(module.weight, own)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.mark.slow
def test_two_processes_learn_what_one_does_with_twice_the_batch(tmp_path, songs, saved_model, by_heart, make_settings):
    # Begun once for both, since a tokenizer never comes out the same twice.
    train(
        make_settings(
            "latent-diffusion", tmp_path / "begin", **{**by_heart["latent-diffusion"], "max_steps": 30, "frames": 16}
        )
    )
    export_run(tmp_path / "begin", tmp_path / "model")
    many_songs(songs, tmp_path / "songs")
    found, latents = find_records(tmp_path / "songs"), tmp_path / "latents"
    encode_songs(saved_model / "autoencoder", tmp_path / "songs", found, latents, offsets=2, progress=False)
    assert shard_songs(tmp_path / "latents", tmp_path / "shards", songs_per_shard=5).shards > 2
    command = [sys.executable, "-m", "mousai", "train", "latent-diffusion"]
    command += ["--autoencoder", str(saved_model), "--from", str(tmp_path / "model"), "--crops.frames", "16"]
    command += ["--device", "cpu", "--loop.workers", "0", "--loop.max_steps", "10", "--loop.accumulate", "2"]
    command += ["--logging.logger", "csv", "--logging.log_every", "1", "--optimizer.learning_rate", "0.0005"]
    command += ["--logging.validate_every", "3", "--logging.validation_share", "0.1"]  # which swaps the weights
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MASTER_ADDR": "127.0.0.1"}
    for name, more in (
        ("one", ["4"]),
        ("two", ["2", "--loop.devices", "2", "--loop.strategy", "ddp"]),
        ("split", ["2", "--loop.devices", "2", "--loop.strategy", "fsdp"]),
    ):
        data = ["--data", str(tmp_path / "songs")]
        arguments = [*command, *data, "--out", str(tmp_path / name), "--loop.batch", *more]
        done = subprocess.run(arguments, capture_output=True, text=True, env=environment, timeout=180, check=False)
        assert done.returncode == 0, done.stderr
    # Two machines, which share a disk and read shards; the first is told of no error by the second.
    arguments = [*command, "--data", str(tmp_path / "shards"), "--out", str(tmp_path / "machines"), "--loop.batch", "2"]
    arguments += ["--loop.nodes", "2", "--loop.devices", "1", "--loop.strategy", "ddp"]
    environment |= {"MASTER_PORT": str(free_port())}
    machines = [
        subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, env={**environment, "NODE_RANK": str(rank)})
        for rank in range(2)
    ]
    try:
        told = [machine.communicate(timeout=180)[1] for machine in machines]
    finally:
        for machine in machines:
            machine.kill()
    assert [machine.returncode for machine in machines] == [0, 0], told
    one, two, split, apart = (losses(tmp_path / name) for name in ("one", "two", "split", "machines"))
    assert two == pytest.approx(one, abs=1e-5) and split == pytest.approx(one, abs=1e-5)
    assert apart == pytest.approx(one, abs=1e-5)
    assert len(one) == 10 and len(set(one)) == 10
    validations = [
        [float(row["validation loss"]) for row in table(tmp_path / name) if row.get("validation loss")]
        for name in ("one", "two", "split")
    ]
    assert len(validations[0]) == 3
    assert validations[2] == pytest.approx(validations[0], abs=1e-5)


def test_the_log_tells_what_happens(tmp_path, make_settings, songs):
    many_songs(songs, tmp_path / "songs")
    run = tmp_path / "run"
    settings = {"validate_every": 2, "listen_every": 2, "listen_seconds": 0.5, "validation_share": 0.1}
    train(make_settings("latent-diffusion", run, data=str(tmp_path / "songs"), batch=8, **settings))
    rows = table(run)
    told = {key for row in rows for key, value in row.items() if value}
    assert {"loss", "gradient norm", "samples per second", "waiting for data", "validation loss"} <= told
    bins = {key for key in told if key.startswith("loss by t/")}
    assert {f"loss by t/{n / 10:.1f}" for n in range(10)} >= bins and len(bins) >= 5
    assert all(0 <= float(row["waiting for data"]) <= 1 for row in rows if row["waiting for data"])
    wave, rate = read_audio(next((run / "samples" / "step-000000004").glob("00-*.wav"))), 48000
    assert wave.shape == (2, rate // 2)
    picture = next((run / "samples" / "step-000000004").glob("00-*.png")).read_bytes()
    assert picture.startswith(b"\x89PNG")


@pytest.mark.slow
def test_reconstructions_are_heard_beside_their_originals(tmp_path, make_settings):
    train(make_settings("autoencoder", tmp_path, max_steps=2, listen_every=2, listen_count=2, listen_seconds=0.5))
    names = sorted(path.stem for path in (tmp_path / "samples" / "step-000000002").glob("*.wav"))
    assert names == ["00-0-original", "01-0-decoded", "02-1-original", "03-1-decoded"]


def test_tensorboard_is_told_too(tmp_path, make_settings):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(
        make_settings(
            "latent-diffusion", tmp_path, logger="tensorboard", listen_every=4, listen_count=1, listen_seconds=0.3
        )
    )
    found = EventAccumulator(str(tmp_path / "log"))
    found.Reload()
    assert {"loss", "gradient norm"} <= set(found.Tags()["scalars"])
    assert len(found.Scalars("loss")) == 4
    assert found.Tags()["audio"] == found.Tags()["images"] != []


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["autoencoder", "latent-diffusion"])
def test_four_clips_are_learned_by_heart(stage, tmp_path, make_settings, four_clips, by_heart):
    train(make_settings(stage, tmp_path / "run", data=str(four_clips[stage]), **by_heart[stage]))
    curve = losses(tmp_path / "run")
    start, end = (sum(part) / len(part) for part in (curve[:5], curve[-20:]))
    assert math.isfinite(start) and end < start / 10


def test_the_exported_model_has_the_averaged_weights(tmp_path, make_settings):
    from mousai.cli import main
    from mousai.pipeline import Mousai

    train(make_settings("latent-diffusion", tmp_path / "run", max_steps=3))
    assert main(["export", str(tmp_path / "run"), "-o", str(tmp_path / "model")]) == 0
    held = read_checkpoint(saved_checkpoints(tmp_path / "run" / "checkpoints")[-1])
    average = held["callbacks"]["EMA"]["average"]
    pipeline = Mousai.from_pretrained(tmp_path / "model", dtype="float32")
    for name, weight in pipeline.latent_diffusion.named_parameters():
        assert torch.equal(weight, average[f"model.{name}"])
        assert weight.numel() == 1 or not torch.equal(weight, held["state_dict"][f"model.{name}"]) or not weight.any()
    for name, weight in pipeline.text_encoder.named_parameters():
        assert torch.equal(weight, average[f"text.{name}"])
    assert pipeline("calm piano", duration=0.2, seed=1).audios.shape == (1, 2, 9600)
    card = (tmp_path / "model" / "README.md").read_text()
    assert "3 steps, 6 items" in card and "6 files from a folder named" in card and "loss: " in card
    assert "beta 0.995, power 0.7" in card
    index = json.loads((tmp_path / "model" / "model_index.json").read_text())
    assert index["defaults"]["num_inference_steps"] == 3  # those of the model that it started from
    again = ["export", str(tmp_path / "run"), "-o", str(tmp_path / "model"), "--overwrite", "--about", "of six songs"]
    assert main([*again, "--set", "guidance_scale=4.5", "--set", "num_inference_steps=7"]) == 0
    index = json.loads((tmp_path / "model" / "model_index.json").read_text())
    assert index["about"] == "of six songs"
    assert index["defaults"]["num_inference_steps"] == 7 and index["defaults"]["guidance_scale"] == 4.5


def test_attacks_weigh_what_they_are_told_to(tmp_path, make_settings):
    settings = make_settings("autoencoder", tmp_path, phase="latent", attack_weight=0.5)
    experiment = build(settings, fresh=False)
    batch = {key: value[None] for key, value in experiment.train[0].items() if isinstance(value, torch.Tensor)}
    loss, figures = experiment.stage.step_loss(batch)
    plain, _ = build(replace(settings, attack_weight=0.0), fresh=False).stage.step_loss(batch)
    assert figures["loss/attack"].item() > 0.01
    assert (loss - plain).item() == pytest.approx(0.5 * figures["loss/attack"].item(), rel=1e-4)


def test_magnitudes_are_learned_beside_a_latent_that_stays(tmp_path, make_settings, saved_model):
    before = load_autoencoder(saved_model)
    settings = make_settings("autoencoder", tmp_path / "run", phase="magnitudes", max_steps=60, learning_rate=3e-3)
    assert train(settings) == 0
    assert export_run(tmp_path / "run", tmp_path / "model") == ("text_encoder", "latent_diffusion", "autoencoder")
    after = load_autoencoder(tmp_path / "model")
    changed = {name for name, weight in after.named_parameters() if not torch.equal(weight, before.get_parameter(name))}
    assert changed == {f"prior.net.{name}" for name, _ in before.prior.net.named_parameters()}
    assert encoder_fingerprint(after.state_dict()) == encoder_fingerprint(
        before.state_dict()
    )  # latents encoded before can be used
    batch = build(settings, fresh=False).train[10**6]["wave"][None]
    with torch.no_grad():
        worse, better = (model.losses(batch, diffusion=False).magnitude for model in (before, after))
    assert better < 0.9 * worse
    own, kept = (load_latent_diffusion(folder).state_dict() for folder in (saved_model, tmp_path / "model"))
    assert all(torch.equal(own[key], kept[key]) for key in own)


def test_a_new_decoder_takes_the_generator_along_if_it_is_still_that_of_its_latent(
    tmp_path, make_settings, saved_model
):
    begun = tmp_path / "begun"
    shutil.copytree(saved_model, begun)
    train(make_settings("autoencoder", tmp_path / "run", phase="decoder", max_steps=1, start_from=str(begun)))
    assert export_run(tmp_path / "run", tmp_path / "model") == ("text_encoder", "latent_diffusion", "autoencoder")
    other = load_autoencoder(begun)
    with torch.no_grad():
        other.encoder.net.linear.bias.add_(1.0)
    save_module(begun / "autoencoder", other, other.config.to_dict())
    with pytest.raises(UserError, match=r"begun: has another encoder than when .*run began with it"):
        export_run(tmp_path / "run", tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_a_new_latent_goes_alone(tmp_path, make_settings):
    train(make_settings("autoencoder", tmp_path / "run", phase="latent", max_steps=1))
    assert export_run(tmp_path / "run", tmp_path / "model") == ("autoencoder",)


def test_principal_components_are_changed_slowly(tmp_path, make_settings):
    settings = make_settings("autoencoder", tmp_path, phase="latent", learning_rate=0.1)
    stage = build(settings, fresh=False).stage
    fast, slow = stage.configure_optimizers()["optimizer"].param_groups
    names = {id(weight): name for name, weight in stage.named_parameters()}
    assert slow["initial_lr"] == pytest.approx(0.002) and fast["initial_lr"] == pytest.approx(0.1)
    assert {names[id(weight)] for weight in slow["params"]} == {
        f"model.{part}.net.linear.{kind}" for part in ("encoder", "prior") for kind in ("weight", "bias")
    }
    trained = {name for name, weight in stage.named_parameters() if weight.requires_grad}
    assert {names[id(weight)] for weight in fast["params"]} == {name for name in trained if "net.linear" not in name}
