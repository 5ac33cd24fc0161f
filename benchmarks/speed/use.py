"""As it is used: how time and memory grow with the length of the music, and how long it takes to start."""

import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.speed.children import Done, run, run_child
from benchmarks.speed.measure import Figure, Settings

LONG_SONG = 600.0
SHORT_SONG = 22.0


def growth(settings: Settings) -> Iterator[Figure]:
    """The bundled model decodes pieces of many lengths, each in a process of its own; a long one among short ones."""
    lengths = [1.0, 3.0] if settings.quick else [5.0, SHORT_SONG, 60.0, LONG_SONG]
    rounds = 1 if settings.quick else 3
    found: dict[float, list[dict[str, float]]] = {length: [] for length in lengths}
    for done in range(rounds):
        for length in lengths:
            if done == 0 or length <= SHORT_SONG:
                found[length].append(run_child("decode", seconds=length))
    short = 1.0 if settings.quick else SHORT_SONG
    per_second = {length: statistics.median(one["seconds"] for one in some) / length for length, some in found.items()}
    peaks = {length: statistics.median(one["peak"] for one in some) for length, some in found.items()}
    for length in lengths:
        first = found[length][0]
        yield Figure(
            section="growth",
            name=f"decode {length:g} s: seconds per second",
            ours=per_second[length],
            unit="s/s",
            ratio=per_second[length] / per_second[short],
            most=1.1 if length == LONG_SONG else None,
            note=f"bundled model; the ratio is to {short:g} s",
        )
        yield Figure(
            section="growth",
            name=f"decode {length:g} s: peak memory",
            ours=peaks[length],
            unit="MiB",
            ratio=(peaks[length] - first["wave"]) / peaks[short],
            most=1.3 if length == LONG_SONG else None,
            note=f"{first['before']:.0f} MiB before; the ratio is to {short:g} s, without the waveform itself "
            f"({first['wave']:.0f} MiB)",
        )


def startup(settings: Settings) -> Iterator[Figure]:
    """`mousai --help`, loading the bundled model, and 20 s of music from the command line."""
    rounds = 1 if settings.quick else 5
    helps = [run([sys.executable, "-c", "from mousai.cli import main; main(['--help'])"]) for _ in range(rounds)]
    code = (
        "import sys; from mousai.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print('torch' in sys.modules)"
    )
    imports_torch = run([sys.executable, "-c", code]).output.strip().endswith("True")
    note = "imports torch" if imports_torch else "does not import torch"
    yield _cpu_seconds("mousai --help", [one.cpu for one in helps], most=0.5, note=note)
    yield _first_second(rounds)
    loads = [run_child("load") for _ in range(rounds)]
    yield Figure(
        section="startup",
        name="load the bundled model",
        ours=statistics.median(one["again"] for one in loads),
        note=f"{statistics.median(one['first'] for one in loads):.1f} s the first time, with what it imports",
    )
    seconds = 1.0 if settings.quick else 20.0
    made = [_generate(seconds) for _ in range(1 if settings.quick else 3)]
    yield _cpu_seconds(
        f"mousai generate, {seconds:g} s of music",
        [one.cpu for one in made],
        most=None if settings.quick else 5.0,
        note=f"bundled model, its own settings, imports and load included; {made[0].wall:.1f} s by the clock",
    )


def _cpu_seconds(name: str, runs: Sequence[float], *, most: float | None, note: str) -> Figure:
    """Median of the CPU seconds of some runs, beside which there is no other side; the bound is on the seconds."""
    cpu = statistics.median(runs)
    name = f"{name}: CPU seconds"
    return Figure(section="startup", name=name, ours=cpu, ratio=cpu, shown_ratio="", most=most, note=note)


def _first_second(rounds: int) -> Figure:
    """From nothing to a model that can be asked, beside PyTorch's own import, in turns."""
    ours, torch = [], []
    for _ in range(rounds):
        torch.append(run([sys.executable, "-c", "import torch"]).cpu)
        ours.append(run([sys.executable, "-c", "import mousai; mousai.Mousai.from_pretrained()"]).cpu)
    ratio = statistics.median(one / other for one, other in zip(ours, torch, strict=True))
    note = f"{ratio:.2f} times the {statistics.median(torch):.2f} s of import torch alone"
    return _cpu_seconds("import mousai; Mousai.from_pretrained()", ours, most=1.5, note=note)


def _generate(seconds: float) -> Done:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "song.wav"
        words = ["generate", "calm piano pop, 100 bpm", "--seed", "0", "--duration", f"{seconds:g}", "-o", str(path)]
        return run([sys.executable, "-m", "mousai", *words])
