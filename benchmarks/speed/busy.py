"""Beside others: what a decode costs while two processes spin, and what a training run takes of the memory."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.speed.children import run_child
from benchmarks.speed.measure import Figure, Settings, peak_figure, peak_memory

SPINNING = 2
"""Processes that keep a core each busy."""
SONGS = 4


def busy(settings: Settings) -> Iterator[Figure]:
    """The bundled model decodes alone and beside spinning processes, with one thread and with two, in turns.

    Each round has a process for each number of threads, in which both are measured one after the other.
    """
    seconds, rounds = (1.0, 1) if settings.quick else (20.0, 5)
    found: dict[int, list[dict[str, float]]] = {1: [], 2: []}
    for _ in range(rounds):
        for threads, measured in found.items():
            measured.append(run_child("busy", seconds=seconds, threads=threads))
    for threads, measured in found.items():
        for clock, most in (("wall", None if settings.quick else 2.5), ("cpu", None)):
            alone = statistics.median(one[f"alone_{clock}"] for one in measured)
            yield Figure(
                section="busy",
                name=f"decode {seconds:g} s beside {SPINNING} spinning processes, threads {threads}: "
                f"{'by the clock' if clock == 'wall' else 'CPU seconds'}",
                ours=statistics.median(one[f"beside_{clock}"] for one in measured),
                ratio=statistics.median(one[f"beside_{clock}"] / one[f"alone_{clock}"] for one in measured),
                most=most,
                note=f"alone {alone:.3g} s; the ratio is to that, the median of {rounds}",
            )


def busy_child(seconds: float, threads: int) -> dict[str, float]:
    """In the child: a decode alone, and one beside spinning processes; seconds by the clock and of the CPU."""
    import torch

    from benchmarks.speed.child import noise
    from mousai.codec import Codec

    torch.set_num_threads(threads)
    codec = Codec.from_pretrained()
    latent, samples = noise(codec, seconds)
    codec.decode(latent, length=samples)  # what is made once is made
    times: dict[str, float] = {}
    for name, spinning in (("alone", 0), ("beside", SPINNING)):
        with _spinning(spinning):
            began, used = time.perf_counter(), time.process_time()
            codec.decode(latent, length=samples)
            times[f"{name}_wall"] = time.perf_counter() - began
            times[f"{name}_cpu"] = time.process_time() - used
    return times


@contextmanager
def _spinning(count: int) -> Iterator[None]:
    """So many processes that do nothing but spin; they have begun when this has."""
    with ExitStack() as stack:
        for _ in range(count):
            code = "print(flush=True)\nwhile True: pass"
            process = stack.enter_context(subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE))
            stack.callback(process.kill)
            assert process.stdout is not None
            process.stdout.readline()
        yield


def training_memory(settings: Settings) -> Iterator[Figure]:
    """`mousai train latent-diffusion --config tiny` on made-up songs, a few steps in a process of its own."""
    sizes = {"seconds": 4.0, "frames": 16, "batch": 2, "steps": 1} if settings.quick else {"seconds": 30.0, "steps": 3}
    with tempfile.TemporaryDirectory() as folder:
        told = run_child("training", folder=folder, **sizes)
    yield peak_figure(
        "training-memory",
        f"mousai train latent-diffusion --config tiny, batch {sizes.get('batch', 16):g}, {sizes['steps']:g} steps",
        told,
        most=None if settings.quick else 4.0,
        note=f"{SONGS} made-up songs of {sizes['seconds']:g} s; no workers, so that all of it is in one process, the "
        "encoding of the songs included",
    )


def training_child(
    folder: str, seconds: float, steps: int, frames: int | None = None, batch: int | None = None
) -> dict[str, float]:
    """In the child: the run, its seconds and this process's peak memory in MiB; sizes that are None are the config's.

    Raises:
        RuntimeError: the run ended otherwise than well.
    """
    import json
    from contextlib import redirect_stdout

    from benchmarks.speed.numbers import RATE, music
    from mousai.audio.files import write_audio
    from mousai.cli import main

    songs = Path(folder) / "songs"
    songs.mkdir()
    wave = music(seconds).numpy()
    for number in range(SONGS):
        write_audio(songs / f"{number}.wav", wave / (1 + number), RATE)
    rows = [{"file_name": f"{number}.wav", "caption": f"calm song {number}, 120 bpm"} for number in range(SONGS)]
    (songs / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    words = ["train", "latent-diffusion", "--config", "tiny", "--data", str(songs), "--out", str(Path(folder) / "run")]
    given = {"loop.max_steps": steps, "loop.workers": 0, "crops.frames": frames, "loop.batch": batch, "device": "cpu"}
    for name, value in given.items():
        words += [] if value is None else [f"--{name}", str(value)]
    began = time.perf_counter()
    with redirect_stdout(sys.stderr):  # what this process prints is its figures
        code = main(words)
    if code:
        raise RuntimeError(f"mousai {' '.join(words)}: ended with {code}")
    return {"seconds": time.perf_counter() - began, "peak": peak_memory()}
