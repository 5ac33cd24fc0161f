"""The table, the file and the plot."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.peers.models import MODELS
from benchmarks.peers.parts import Timed

LIMITS = (
    "These figures say what a piece costs, and nothing of how it sounds: all weights but those of our bundled model "
    "are random, and the other released models, 26 to 60 times its size, were trained on far more and other music."
)


@dataclass(frozen=True, kw_only=True)
class Result:
    """What was measured of a model.

    Args:
        name: which of `MODELS`.
        music: seconds of music that the figures are for.
        threads: threads of torch. With one, seconds are those of the CPU, which neighbours disturb least; with more,
            those of the clock.
        parameters: by part.
        parts: what was timed.
        peak: the most memory of the process, in MiB, libraries included.
        sample_rate: of the music, in Hz.
        channels: of the music.
    """

    name: str
    music: float
    threads: int
    parameters: dict[str, int]
    parts: Sequence[Timed]
    peak: float
    sample_rate: int
    channels: int

    def seconds_of(self, part: Timed) -> float:
        """Seconds of a part in the whole piece."""
        return part.units * (part.cpu if self.threads == 1 else part.wall)

    @property
    def seconds(self) -> float:
        """Seconds that the whole piece takes."""
        return sum(map(self.seconds_of, self.parts))

    @property
    def speed(self) -> float:
        """Real-time factor: seconds of music in a second."""
        return self.music / self.seconds

    @classmethod
    def of(cls, name: str, told: Mapping[str, Any], *, music: float, threads: int) -> "Result":
        """What a child told."""
        kept = {key: told[key] for key in ("parameters", "peak", "sample_rate", "channels")}
        parts = [Timed(**part) for part in told["parts"]]
        return cls(name=name, music=music, threads=threads, parts=parts, **kept)


def figure(value: float) -> str:
    """Three digits."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def table(results: Sequence[Result]) -> str:
    """Markdown: a line for each model, the fastest first."""
    lines = [
        "| model | how | parameters | seconds | of which | times real time | peak memory | sound |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in sorted(results, key=lambda one: one.seconds):
        entry = MODELS[one.name]
        parts = [f"{part.name} {figure(one.seconds_of(part))}" for part in one.parts]
        cells = [
            entry.title,
            entry.how,
            f"{sum(one.parameters.values()) / 1e6:.0f} M",
            f"{figure(one.seconds)} s",
            ", ".join(parts) if len(parts) > 1 else "",
            figure(one.speed),
            f"{one.peak / 1024:.2g} GiB",
            f"{one.sample_rate / 1000:g} kHz {'stereo' if one.channels == 2 else 'mono'}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def units(results: Sequence[Result]) -> str:
    """Markdown: what was run and timed of each model, and how often it counts."""
    lines = ["| model | part | timed | seconds | times |", "|---|---|---|---|---|"]
    for one in sorted(results, key=lambda one: one.seconds):
        for part in one.parts:
            seconds = figure(part.cpu if one.threads == 1 else part.wall)
            lines.append(
                f"| {MODELS[one.name].title} | {part.name} | {part.unit} | {seconds} s | {figure(part.units)} |"
            )
    return "\n".join(lines)


def write(path: Path, results: Sequence[Result], machine: Mapping[str, Any]) -> None:
    """All results with the machine that they were taken on."""
    rows = [{**asdict(one), "seconds": one.seconds, "speed": one.speed} for one in results]
    found = {"machine": dict(machine), "limits": LIMITS, "results": rows}
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def read(path: Path, *, music: float, threads: int) -> list[Result]:
    """The results of an earlier run at the same length and with as many threads; none where there was none."""
    if not path.exists():
        return []
    rows = json.loads(path.read_text(encoding="utf-8"))["results"]
    found = [Result.of(row["name"], row, music=row["music"], threads=row["threads"]) for row in rows]
    return [one for one in found if (one.music, one.threads) == (music, threads)]


def plot(results: Sequence[Result], path: Path) -> None:
    """Seconds of each model, peak memory beside it."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    ordered = sorted(results, key=lambda one: -one.seconds)
    names = [MODELS[one.name].title for one in ordered]
    pictured, (time, memory) = pyplot.subplots(1, 2, figsize=(11, 1.2 + 0.5 * len(ordered)), layout="constrained")
    colors = ["C0" if one.name in ("bundled", "paper") else "C7" for one in ordered]
    time.barh(names, [one.seconds for one in ordered], color=colors)
    memory.barh(names, [one.peak / 1024 for one in ordered], color=colors)
    for row, one in enumerate(ordered):
        time.annotate(f" {figure(one.speed)}x real time", (one.seconds, row), va="center", fontsize=8)
        size = sum(one.parameters.values()) / 1e6
        memory.annotate(f" {size:.0f} M parameters", (one.peak / 1024, row), va="center", fontsize=8)
    time.set_xscale("log")
    time.set_xmargin(0.45)
    memory.set_xmargin(0.35)
    memory.set_yticks([])
    music = ordered[0].music
    time.set_xlabel(f"seconds for {music:g} s of music (blue: ours)")
    memory.set_xlabel("peak memory, GiB")
    time.axvline(music, color="black", linewidth=0.8)
    pictured.savefig(path, dpi=120)
    pyplot.close(pictured)
