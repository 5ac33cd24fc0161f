"""What ends a run, and what it leaves behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from mousai import UserError
from mousai.training.checkpoint_files import read_checkpoint, saved_checkpoints
from mousai.training.run import train
from mousai.training.run_lock import run_lock
from mousai.training.stages.latent_diffusion.module import LatentDiffusionStage


def start(songs: Path, model: Path, out: Path, *more: str) -> "subprocess.Popen[str]":
    """The command line, in a process of its own."""
    command = [sys.executable, "-W", "error", "-m", "mousai", "train", "latent-diffusion", "--data", str(songs)]
    command += ["--out", str(out), "--from", str(model), "--autoencoder", str(model), "--crops.frames", "16"]
    command += ["--device", "cpu", "--loop.workers", "0", "--logging.logger", "csv", *more]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def wait_for(condition, process, *, seconds=60.0):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_saves_and_ends(number, code, songs, saved_model, tmp_path):
    out = tmp_path / "run"
    process = start(songs, saved_model, out, "--loop.max_steps", "1000000", "--checkpointing.every_steps", "5")
    wait_for(lambda: saved_checkpoints(out / "checkpoints"), process)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == code, said
    assert "stopping after this step" in said and "the same command goes on from here" in said
    assert "Traceback" not in said
    newest = saved_checkpoints(out / "checkpoints")[-1]
    assert read_checkpoint(newest)["global_step"] == int(newest.stem.removeprefix("step-")) >= 5
    assert not list(out.rglob("*.partial"))


@pytest.mark.slow
def test_a_second_trainer_in_the_folder_is_refused(songs, saved_model, tmp_path):
    out = tmp_path / "run"
    first = start(songs, saved_model, out, "--loop.max_steps", "1000000")
    try:
        wait_for(lambda: (out / "config.json").exists(), first)
        second = start(songs, saved_model, out, "--loop.max_steps", "1000000")
        _, said = second.communicate(timeout=60)
        assert second.returncode == 2
        assert f"{out}: process {first.pid} on " in said and "trains into it; wait for it" in said
    finally:
        first.kill()
        first.communicate()
    # What a killed process held is free again.
    with run_lock(out):
        pass


@pytest.mark.parametrize("what", ["loss", "gradient norm"])
def test_what_is_no_number_stops_before_the_step(what, tmp_path, make_settings, monkeypatch):
    train(make_settings("latent-diffusion", tmp_path, max_steps=2))
    before = read_checkpoint(saved_checkpoints(tmp_path / "checkpoints")[-1])
    step_loss = LatentDiffusionStage.step_loss

    def broken(self, batch):
        loss, figures = step_loss(self, batch)
        if self.trainer.global_step < 3:
            return loss, figures
        return (loss * float("nan") if what == "loss" else (loss - loss.detach()).sqrt() + loss.detach()), figures

    monkeypatch.setattr(LatentDiffusionStage, "step_loss", broken)
    with pytest.raises(UserError, match=rf"step 3: {what} is (nan|inf), .* before it took effect; files: .*\.wav"):
        train(make_settings("latent-diffusion", tmp_path, max_steps=5))
    found = saved_checkpoints(tmp_path / "checkpoints")
    assert len(found) == 1
    after = read_checkpoint(found[0])
    assert all(torch.equal(after["state_dict"][key], before["state_dict"][key]) for key in before["state_dict"])


def test_the_time_counts_over_all_runs(tmp_path, make_settings):
    settings = {"max_steps": None, "max_time": "00:00:00:02"}
    began = time.monotonic()
    assert train(make_settings("latent-diffusion", tmp_path, **settings)) == 0
    assert time.monotonic() - began >= 2
    steps = read_checkpoint(saved_checkpoints(tmp_path / "checkpoints")[-1])["global_step"]
    assert steps > 1
    train(make_settings("latent-diffusion", tmp_path, **settings))  # the time is over: one step shows it
    assert read_checkpoint(saved_checkpoints(tmp_path / "checkpoints")[-1])["global_step"] <= steps + 1
