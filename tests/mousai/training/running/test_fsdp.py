"""`loop.strategy=fsdp`: two processes that hold half of everything each. What it learns is in test_learning."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mousai.training.checkpoint_files import read_checkpoint, saved_checkpoints


def run(stage: str, out: Path, steps: int, *more: str, refused: str = "") -> dict:
    """Train in two processes, return what the last checkpoint holds; or see it refused."""
    command = [sys.executable, "-m", "mousai", "train", stage, "--out", str(out), "--loop.max_steps", str(steps)]
    command += ["--device", "cpu", "--loop.devices", "2", "--loop.strategy", "fsdp", "--loop.workers", "0"]
    command += ["--loop.batch", "2", "--logging.logger", "csv", *more]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MASTER_ADDR": "127.0.0.1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=180, check=False)
    if refused:
        assert done.returncode == 2 and refused in done.stderr and "Traceback" not in done.stderr, done.stderr
        return {}
    assert done.returncode == 0, done.stderr
    return read_checkpoint(saved_checkpoints(out / "checkpoints")[-1])


def leaves(value: object, path: str = "") -> dict[str, object]:
    """A nested dict or list, flat."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else None
    if parts is None:
        return {path: value}
    return {key: leaf for name, part in parts for key, leaf in leaves(part, f"{path}/{name}").items()}


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["autoencoder", "latent-diffusion"])
def test_a_run_whose_weights_are_split_goes_on_exactly(stage, tmp_path, songs, saved_model):
    more = ["--data", str(songs), "--logging.listen_every", "4", "--logging.listen_seconds", "0.3"]
    more += ["--from", str(saved_model), "--logging.listen_count", "1", "--logging.validation_share", "0"]
    if stage == "latent-diffusion":
        more += ["--autoencoder", str(saved_model), "--crops.frames", "16", "--crops.offsets", "1"]
    else:
        more += ["--phase", "decoder", "--crops.samples", "16384"]
    straight = run(stage, tmp_path / "straight", 5, *more)
    run(stage, tmp_path / "halves", 3, *more)
    one = ["--loop.devices", "1", "--loop.strategy", "auto"]
    run(stage, tmp_path / "halves", 5, *more, *one, refused="loop.fsdp")
    halves = run(stage, tmp_path / "halves", 5, *more)
    for part in ("state_dict", "optimizer_states"):
        ours, theirs = leaves(halves[part]), leaves(straight[part])
        assert ours.keys() == theirs.keys() and ours
        for name, value in ours.items():
            same = torch.equal(value, theirs[name]) if isinstance(value, torch.Tensor) else value == theirs[name]
            assert same, name
    average = [held["callbacks"]["EMA"]["average"] for held in (halves, straight)]
    assert all(torch.equal(average[0][name], average[1][name]) for name in average[1])
    assert not all(torch.equal(value, halves["state_dict"][name]) for name, value in average[0].items())
    for name, value in average[0].items():  # whole, not a shard
        assert type(value) is torch.Tensor and value.shape == halves["state_dict"][name].shape
    assert len(list((tmp_path / "straight" / "samples" / "step-000000004").glob("*.wav"))) == (
        2 if stage == "autoencoder" else 1
    )
