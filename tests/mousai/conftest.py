"""A whole model in miniature, with random weights: every path of the real one, in milliseconds."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

CAPTIONS = [
    "calm piano pop, 100 bpm",
    "fast metal in A minor with distorted guitars and drums",
    "slow jazz trio at 72 bpm in F major",
    "hip hop beat with deep bass, 90 bpm",
    "electronic dance music, 128 bpm, E minor, bright synthesizers",
]


@pytest.fixture(scope="session")
def captions() -> list[str]:
    return CAPTIONS


@pytest.fixture(scope="session")
def saved_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A model folder: 48 kHz stereo, latents of 8 channels and 1024 samples a frame; not to be changed."""
    import torch

    from benchmarks.reliability.miniature import save_miniature

    folder = tmp_path_factory.mktemp("models") / "miniature"
    save_miniature(folder, CAPTIONS)
    # Threads that wait for each other cost such small tensors twenty times what they compute.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield folder
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def controlled_model(saved_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with tempo, key and lead, and with chords, melody and section; not to be changed."""
    from benchmarks.reliability.miniature import save_controlled

    folder = tmp_path_factory.mktemp("models") / "controlled"
    save_controlled(folder, saved_model)
    return folder


@pytest.fixture
def model_copy(saved_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of that folder to break."""
    folder = tmp_path_factory.mktemp("copies") / "model"
    shutil.copytree(saved_model, folder)
    return folder
