"""Songs without end for training on a GPU: all cores of the machine compose and play while it learns.

    processes ── compose_song, render_song ──> files in a folder ──> (facts, waveform), in the order in which they end

Song n is song n // len(kinds) of the data set kinds[n % len(kinds)], as `mousai compose` numbers them.
"""

import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

SAMPLE_RATE = 48000
LAST_SONG = 20.0
"""Seconds that a process may take to end the song that it plays."""


@dataclass(frozen=True)
class Kind:
    """One data set of `mousai compose`."""

    palette: str
    seed: int


@dataclass(frozen=True)
class Made:
    """A song: its number, what is known of it, and int16 [2, samples]."""

    number: int
    facts: dict[str, Any]
    wave: npt.NDArray[np.int16]


class SongStream:
    """Composes until it is closed.

    Args:
        kinds: data sets of which songs are taken in turn.
        folder: its own, where waveforms lie until they are fetched, best in memory.
        workers: processes.
        duration: seconds of each song.
    """

    def __init__(self, kinds: list[Kind], folder: Path, *, workers: int, duration: float = 30.0) -> None:
        context = multiprocessing.get_context("spawn")
        self._queue: Any = context.Queue()
        self._stop: Event = context.Event()
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._processes = [
            context.Process(
                target=_compose,
                args=(kinds, worker, workers, duration, str(folder), self._queue, self._stop),
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

    def fetch(self) -> Iterator[Made]:
        """The songs that have been finished since the last call; RuntimeError where a process has failed or is gone."""
        while not self._queue.empty():
            number, facts = self._queue.get()
            if number < 0:
                raise RuntimeError(facts["error"])
            path = self._folder / f"{number}.npy"
            wave = np.load(path)
            path.unlink()
            yield Made(number, facts, wave)
        for process in self._processes:
            if not process.is_alive():
                raise RuntimeError(f"a process that composes has ended with exit code {process.exitcode}")

    def close(self) -> None:
        """End the processes, after the songs that they play, and remove what they left."""
        self._stop.set()
        for process in self._processes:
            process.join(LAST_SONG)
            process.kill()
            process.join()
        self._queue.close()
        shutil.rmtree(self._folder)


def _compose(kinds: list[Kind], first: int, step: int, duration: float, folder: str, queue: Any, stop: Event) -> None:
    from mousai.compose import compose_song, render_song, song_facts
    from mousai.compose.dataset import song_genre, song_seed

    tempfile.tempdir = folder  # what the rendering leaves goes with the folder
    number = first
    try:
        while not stop.is_set():
            index, kind = number // len(kinds), kinds[number % len(kinds)]
            song = compose_song(
                song_seed(kind.seed, index), genre=song_genre(kind.seed, index), duration=duration, palette=kind.palette
            )
            wave = np.round(render_song(song).mix * 32767).astype(np.int16)
            np.save(Path(folder, f"{number}.npy"), wave)
            queue.put((number, song_facts(song)))
            number += step
    except Exception as error:
        queue.put((-1, {"error": f"song {number}: {error!r}"}))
        raise
