"""Music of half a second, a stage 1 that encodes it, and a Ray cluster of two workers that all tests share."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mousai.audio.files import write_audio
from mousai.data.workers import Pool, open_pool


def music(path: Path, *, seed: int = 0, seconds: float = 0.5) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    wave = 0.3 * np.random.default_rng(seed).uniform(-1, 1, (2, round(seconds * 48000)))
    write_audio(path, wave.astype(np.float32), 48000)
    return path


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    """Seven songs with captions, in every format and at two depths."""
    folder = tmp_path / "songs"
    for number, suffix in enumerate(("wav", "flac", "ogg", "mp3", "wav", "flac", "flac")):
        path = music(folder / ("deep" if number % 3 == 0 else ".") / f"{number}.{suffix}", seed=number)
        path.with_suffix(".txt").write_text(f"song é {number}")
    return folder


@pytest.fixture
def stage_1(saved_model: Path) -> Path:
    return saved_model / "autoencoder"


def folder_bytes(folder: Path) -> dict[str, bytes]:
    """All that a folder holds, hidden files too."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def descendants(root: int) -> set[int]:
    """Processes below one."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has just ended
    found = {root}
    while new := {child for child, parent in parents.items() if parent in found} - found:
        found |= new
    return found - {root}


def of_ray(pids: set[int]) -> dict[int, str]:
    """Those of the processes that belong to Ray, with their command lines.

    Other tests of the session start processes that live as long as it does, such as multiprocessing's resource tracker.
    """
    found = {}
    for pid in pids:
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
        if "ray" in words:
            found[pid] = words
    return found


@pytest.fixture(scope="session")
def cluster() -> Iterator[Pool]:
    """Two workers; after the last test nothing of them is left."""
    with open_pool(ray="local", workers=2) as pool:
        assert of_ray(descendants(os.getpid()))  # which is how their end is told
        yield pool
    end = time.monotonic() + 20
    while left := of_ray(descendants(os.getpid())):
        assert time.monotonic() < end, left
        time.sleep(0.1)
