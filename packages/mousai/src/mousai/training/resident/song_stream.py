"""Songs without end: worker processes compose and render them while a model learns.

    processes ── compose_song, render_song ──> files in a folder ──> (facts, waveform), in the order in which they end

Song n is song n // len(palettes) of the data set that `mousai compose` makes of palette n % len(palettes). Which songs
are there at some step depends on how fast they are composed, so a run on them is not repeated exactly.
"""

import multiprocessing
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from mousai.processes import follow_parent
from mousai.storage.leftovers import sweep, temporary_name
from mousai.storage.system import temporary_root
from mousai.training.config import ComposerConfig

SAMPLE_RATE = 48000
"""Sample rate of composed songs, Hz."""
LAST_SONG = 20.0
"""Seconds that a process may take to end the song that it renders."""


@dataclass(frozen=True)
class ComposedSong:
    """One song of a stream.

    Args:
        number: number of the song.
        fields: metadata of the song.
        wave: waveform int16 [2, samples].
    """

    number: int
    fields: dict[str, Any]
    wave: npt.NDArray[np.int16]


class SongStream:
    """Composes until it is closed.

    Args:
        config: which songs, and how many processes.
        folder: folder of its own, where waveforms lie until they are fetched; by default one in memory.
    """

    def __init__(self, config: ComposerConfig, folder: Path | None = None) -> None:
        context = multiprocessing.get_context("spawn")
        self._queue: Any = context.Queue()
        self._stop: Event = context.Event()
        memory = Path("/dev/shm" if Path("/dev/shm").is_dir() else temporary_root())
        sweep(memory, again=True)
        self._folder = folder or memory / temporary_name(".songs")
        self._folder.mkdir(parents=True, exist_ok=True)
        workers = config.workers or max(1, (os.cpu_count() or 2) - 1)
        self._processes = [
            context.Process(
                target=_compose,
                args=(config, worker, workers, str(self._folder), self._queue, self._stop),
                daemon=True,
            )
            for worker in range(workers)
        ]
        before = os.environ.get("OMP_NUM_THREADS")
        os.environ["OMP_NUM_THREADS"] = "1"  # of each process, which reads it when it starts
        for process in self._processes:
            process.start()
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before

    def __enter__(self) -> Self:
        """Itself, to be closed at the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def fetch(self) -> Iterator[ComposedSong]:
        """The songs that have been finished since the last call.

        Raises:
            RuntimeError: a process has failed or is gone.
        """
        while not self._queue.empty():
            number, fields = self._queue.get()
            if number < 0:
                raise RuntimeError(fields["error"])
            path = self._folder / f"{number}.npy"
            wave = np.load(path)
            path.unlink()
            yield ComposedSong(number, fields, wave)
        for process in self._processes:
            if not process.is_alive():
                raise RuntimeError(f"a process that composes has ended with exit code {process.exitcode}")

    def close(self) -> None:
        """End the processes, after the songs that they render, and remove the waveforms that they left."""
        self._stop.set()
        for process in self._processes:
            process.join(LAST_SONG)
            process.kill()
            process.join()
        self._queue.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def wait_for_songs(fetch: Callable[[], None], count: Callable[[], int], first: int) -> None:
    """Fetch until `first` songs are there."""
    with tqdm(total=first, desc="composing", unit="song") as bar:
        while count() < first:
            time.sleep(0.1)
            fetch()
            bar.update(min(count(), first) - bar.n)


def _compose(config: ComposerConfig, first: int, step: int, folder: str, queue: Any, stop: Event) -> None:
    from mousai.compose import compose_song, render_song, song_facts
    from mousai.compose.annotations.files import melody_notes
    from mousai.compose.dataset import song_genre, song_seed

    follow_parent()
    tempfile.tempdir = folder  # what the rendering leaves goes with the folder
    number, palettes = first, config.palettes
    try:
        while not stop.is_set():
            index, palette = divmod(number, len(palettes))
            seed = config.seed + palette
            song = compose_song(
                song_seed(seed, index),
                genre=song_genre(seed, index),
                duration=config.duration,
                palette=palettes[palette],
            )
            wave = np.round(render_song(song).mix * 32767).astype(np.int16)
            np.save(Path(folder, f"{number}.npy"), wave)
            queue.put((number, {**song_facts(song), "melody": melody_notes(song)}))
            number += step
    except Exception as error:
        queue.put((-1, {"error": f"song {number}: {error!r}"}))
        raise
