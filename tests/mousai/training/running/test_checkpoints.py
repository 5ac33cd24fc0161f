"""A checkpoint is whole or not there."""

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import torch

from mousai import UserError
from mousai.training.checkpoint_files import StraightToFile, newest_loadable, read_checkpoint, saved_checkpoints

# Children of one process save as fast as they can and are killed at random times; it imports PyTorch only once.
KILLING = """
import os, random, signal, sys, time, types
from pathlib import Path
import torch
from mousai.training.callbacks.checkpointing import SaveCheckpoints
from mousai.training.checkpoint_files import read_checkpoint, saved_checkpoints

torch.set_num_threads(1)
folder, rng, seen = Path(sys.argv[1]), random.Random(0), 0
for kill in range(20):
    child = os.fork()
    if child == 0:
        trainer = types.SimpleNamespace(global_step=0, is_global_zero=True)
        trainer.strategy = types.SimpleNamespace(barrier=lambda: None)
        trainer.save_checkpoint = lambda path: torch.save(
            {"global_step": trainer.global_step, "weights": torch.full((500_000,), float(trainer.global_step))}, path
        )
        saver = SaveCheckpoints(folder)
        saver.on_fit_start(trainer, None)
        found = saved_checkpoints(folder)
        trainer.global_step = read_checkpoint(found[-1])["global_step"] if found else 0
        while True:
            trainer.global_step += 1
            saver.save(trainer)
    time.sleep(rng.uniform(0.02, 0.12))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    for path in saved_checkpoints(folder):
        held = read_checkpoint(path)
        assert path.name == f"step-{held['global_step']:09d}.ckpt"
        assert bool((held["weights"] == held["global_step"]).all())
        seen += 1
    partial = list(folder.glob("*.partial"))
print(seen, held["global_step"])
"""


@pytest.mark.slow
def test_twenty_kills_while_saving_leave_every_checkpoint_loadable(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", KILLING, str(tmp_path)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    seen, last = map(int, done.stdout.split())
    assert seen >= 20 and last >= 20  # it did save between the kills


def test_a_checkpoint_goes_straight_into_its_file_and_a_full_disk_is_an_error(tmp_path, monkeypatch):
    path = tmp_path / "a.ckpt"
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")  # nothing goes through the system's temporary folder
    StraightToFile().save_checkpoint({"global_step": 3, "weights": torch.zeros(100_000)}, path)
    assert read_checkpoint(path)["global_step"] == 3
    _, hard = before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
        with pytest.raises((OSError, RuntimeError)):
            StraightToFile().save_checkpoint({"global_step": 4, "weights": torch.zeros(100_000)}, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_reads_no_code(tmp_path):
    import pickle

    class Evil:
        def __reduce__(self):
            return print, ("ran",)

    path = tmp_path / "step-000000001.ckpt"
    torch.save({"global_step": 1, "evil": Evil()}, path)
    with pytest.raises(pickle.UnpicklingError):
        read_checkpoint(path)
    with pytest.raises(UserError, match="none of its 1 checkpoints can be read"):
        newest_loadable(tmp_path)


def test_a_full_disk_is_said_and_the_older_checkpoint_stays(tmp_path, make_settings, monkeypatch):
    from lightning.pytorch import Trainer

    from mousai.training.run import train

    run = tmp_path / "run"
    train(make_settings("latent-diffusion", run, max_steps=1))

    def full(self: Trainer, path: Path) -> None:
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Trainer, "save_checkpoint", full)
    with pytest.raises(UserError, match=r"step-000000002\.ckpt: cannot be written: .*No space left .* before it stay"):
        train(make_settings("latent-diffusion", run, max_steps=2))
    assert [path.name for path in (run / "checkpoints").iterdir()] == ["step-000000001.ckpt"]


def test_the_newest_few_are_kept(tmp_path, make_settings):
    from mousai.training.run import train

    train(make_settings("latent-diffusion", tmp_path, max_steps=5, every_steps=1, keep=3))
    assert [path.stem for path in saved_checkpoints(tmp_path / "checkpoints")] == [f"step-{n:09d}" for n in (3, 4, 5)]
