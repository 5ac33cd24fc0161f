"""What is a mistake, what a fault, and what Ctrl-C leaves behind."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mousai.pipeline import Mousai

from .helpers import PROMPT, generate, tone


def test_compose_is_handed_on(mousai, work: Path, monkeypatch: pytest.MonkeyPatch):
    asked = []
    monkeypatch.setattr(
        import_module("mousai.compose.dataset"),
        "write_dataset",
        lambda out, **settings: asked.append((out, settings)) or Path(out),
    )
    assert mousai("compose", "--songs", "2", "--out", "songs", "--seed", "3").code == 0
    assert asked[0][0] == "songs" and asked[0][1]["songs"] == 2 and asked[0][1]["seed"] == 3


def test_ctrl_c_while_composing(mousai, work: Path, saved_model: Path, monkeypatch: pytest.MonkeyPatch):
    def interrupted(self: Mousai, *args: object, **settings: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Mousai, "__call__", interrupted)
    done = mousai(*generate(saved_model, "-o", "a.wav"))
    assert done.code == 130 and done.out == ""
    assert done.err.splitlines()[-1].startswith("mousai: stopped") and "Traceback" not in done.err
    assert not list(work.iterdir())


def test_ctrl_c_while_writing_keeps_the_finished_and_no_halves(
    mousai, work: Path, saved_model: Path, monkeypatch: pytest.MonkeyPatch
):
    write = soundfile.SoundFile.write

    def interrupted(self: soundfile.SoundFile, data: np.ndarray) -> None:
        write(self, data)
        if (work / "a-1.wav").exists():
            raise KeyboardInterrupt

    monkeypatch.setattr(soundfile.SoundFile, "write", interrupted)
    done = mousai(*generate(saved_model, "-o", "a.wav", "--count", "3", "--seed", "1"))
    assert done.code == 130 and done.out == "a-1.wav: 0.10 s, seed 1\n"
    assert [path.name for path in work.iterdir()] == ["a-1.wav"]


@pytest.mark.parametrize("fault", [RuntimeError("fault"), ValueError("fault"), KeyError("fault"), OSError("fault")])
def test_a_fault_keeps_its_traceback(
    mousai, work: Path, saved_model: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception
):
    def failing(*args: object, **settings: object) -> None:
        raise fault

    monkeypatch.setattr(Mousai, "__call__", failing)
    with pytest.raises(type(fault), match="fault"):
        mousai(*generate(saved_model, "-o", "a.wav"))
    assert not list(work.iterdir())


def test_a_check_of_a_package_below_is_a_fault_where_nothing_names_it(
    mousai, work: Path, saved_model: Path, monkeypatch: pytest.MonkeyPatch
):
    from vdiffusion import time_grid

    monkeypatch.setattr(Mousai, "__call__", lambda *args, **settings: time_grid(0))
    with pytest.raises(ValueError, match="steps=0"):
        mousai(*generate(saved_model, "-o", "a.wav"))


def test_a_number_that_only_the_samplers_know_to_be_too_small_is_named(mousai, work: Path, saved_model: Path):
    tone(work / "in.wav")
    words = ["vary", "in.wav", PROMPT, "--model", saved_model, "-o", "a.wav"]
    done = mousai(*words, "--strength", "1e-45")
    assert done.code == 2 and done.err.splitlines()[-1].startswith("mousai: error: --strength 1e-45: is too little")


# ---- a torchaudio that cannot be loaded


@pytest.fixture
def broken_torchaudio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a torchaudio that is to Python what PyPI's wheel is beside a PyTorch without CUDA."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "torchaudio").mkdir()
    (folder / "torchaudio" / "__init__.py").write_text("from torchaudio import _extension\n")
    (folder / "torchaudio" / "_extension.py").write_text(
        'raise OSError("Could not load this library: /torchaudio/lib/_torchaudio.so")\n'
    )
    (folder / "torchaudio-2.11.1.dist-info").mkdir()
    (folder / "torchaudio-2.11.1.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: torchaudio\nVersion: 2.11.1\n"
    )
    return folder


def beside_torchaudio(torchaudio: Path, *words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mousai", *map(str, words)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{torchaudio}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"},
    )


def test_music_is_made_beside_a_broken_torchaudio(broken_torchaudio: Path, saved_model: Path, tmp_path: Path):
    done = beside_torchaudio(broken_torchaudio, *generate(saved_model, "-o", tmp_path / "a.wav"))
    assert done.returncode == 0 and (tmp_path / "a.wav").is_file()


def test_a_broken_torchaudio_is_named_in_one_line(broken_torchaudio: Path, saved_model: Path, tmp_path: Path):
    # Training makes its text encoder with transformers, which looks for torchaudio.
    data = tmp_path / "songs"
    data.mkdir()
    soundfile.write(data / "a.wav", np.random.default_rng(0).uniform(-0.1, 0.1, (96000, 2)), 48000)
    (data / "a.txt").write_text("calm piano")
    words = ("train", "latent-diffusion", "--config", "tiny", "--data", data, "--out", tmp_path / "run")
    done = beside_torchaudio(broken_torchaudio, *words)
    assert done.returncode == 2 and done.stdout == ""
    last = done.stderr.splitlines()[-1]
    assert last.startswith("mousai: error: torchaudio ") and "pip uninstall torchaudio" in last
    assert "Traceback" not in done.stderr


def test_an_error_of_the_same_kind_from_elsewhere_is_a_fault(
    mousai, work: Path, saved_model: Path, broken_torchaudio: Path, monkeypatch: pytest.MonkeyPatch
):
    def failing(*args: object, **settings: object) -> None:
        raise OSError("Could not load this library: /torchaudio/lib/_torchaudio.so")

    monkeypatch.setattr(Mousai, "__call__", failing)
    with pytest.raises(OSError, match="Could not load"):
        mousai(*generate(saved_model, "-o", "a.wav"))


def test_a_late_import_that_fails_for_it_is_named_too(mousai, broken_torchaudio: Path, monkeypatch: pytest.MonkeyPatch):
    def failing(args: object) -> int:  # as transformers does with what it imports late
        try:
            import torchaudio  # noqa: F401
        except OSError as error:
            raise RuntimeError("Failed to import transformers.something") from error
        return 0

    monkeypatch.syspath_prepend(broken_torchaudio)
    monkeypatch.delitem(sys.modules, "torchaudio", raising=False)
    monkeypatch.setattr("mousai.cli.info.run", failing)
    assert "torchaudio is installed and cannot be loaded" in mousai("info").error()


def test_the_end_of_a_command_looks_at_no_object_again():
    code = (
        "import atexit, gc; atexit.register(lambda: print(gc.get_freeze_count() > 1000));"
        "from mousai.cli import main; main([]); main([])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "True\n"
