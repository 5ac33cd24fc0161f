"""The table, the file and the plot."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.speed.measure import Figure


def number(value: float | None, unit: str = "") -> str:
    """Three figures; nothing for None."""
    if value is None:
        return ""
    digits = f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{digits} {unit}".strip()


def ratio(figure: Figure, value: float | None) -> str:
    """A ratio as its figure shows it."""
    if value is None:
        return ""
    if figure.shown_ratio == "%":
        return f"{100 * value:.0f} %"
    if figure.shown_ratio == "":
        return number(value, figure.unit)
    return f"{value:.2f}x"


def target(figure: Figure) -> str:
    """Limit, and whether it holds."""
    if figure.holds is None:
        return ""
    wanted = f"≥ {ratio(figure, figure.least)}" if figure.least is not None else f"≤ {ratio(figure, figure.most)}"
    return f"{wanted}: {'holds' if figure.holds else 'MISSED'}"


def table(figures: Sequence[Figure]) -> str:
    """Markdown: a line for each figure."""
    lines = ["| what | ours | theirs | ratio | target | |", "|---|---|---|---|---|---|"]
    for figure in figures:
        ours, theirs = number(figure.ours, figure.unit), number(figure.theirs, figure.unit)
        cells = [figure.name, ours, theirs, ratio(figure, figure.ratio), target(figure), figure.note]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def read(path: Path) -> list[Figure]:
    """The figures of an earlier run; none where there was none."""
    if not path.exists():
        return []
    return [Figure(**row) for row in json.loads(path.read_text(encoding="utf-8"))["figures"]]


def write(path: Path, figures: Sequence[Figure], machine: Mapping[str, Any]) -> None:
    """All figures with the machine that they were taken on."""
    found = {"machine": dict(machine), "figures": [asdict(figure) for figure in figures]}
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def plot(figures: Sequence[Figure], path: Path) -> None:
    """Above: how many times as fast, with the targets. Below: seconds per second and memory over the length."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    compared = [one for one in figures if one.theirs is not None and one.shown_ratio == "x" and one.ratio is not None]
    lengths = [one for one in figures if one.section == "growth"]
    height = 0.32 * len(compared) + 4
    figure, (bars, time) = pyplot.subplots(
        2, 1, figsize=(10, height), height_ratios=[max(1, height - 3.5), 3], layout="constrained"
    )
    for row, one in enumerate(reversed(compared)):
        assert one.ratio is not None
        bars.barh(row, one.ratio, color="C0" if one.holds in (True, None) else "C3")
        bars.annotate(f" {one.ratio:.2f}x", (one.ratio, row), va="center", fontsize=8)
        if one.least is not None:
            bars.plot([one.least, one.least], [row - 0.45, row + 0.45], color="black")
    bars.set_yticks(range(len(compared)), [one.name for one in reversed(compared)], fontsize=8)
    bars.axvline(1, color="grey", linewidth=0.8)
    bars.set_xlabel("times as fast as the authors' library (black: target)")
    for unit, axes, color in (("s/s", time, "C0"), ("MiB", time.twinx(), "C1")):
        mine = [one for one in lengths if one.unit == unit]
        seconds = [float(one.name.split()[1]) for one in mine]
        axes.plot(seconds, [one.ours for one in mine], marker="o", color=color)
        axes.set_ylabel("seconds per second of music" if unit == "s/s" else "peak memory, MiB", color=color)
        axes.set_ylim(bottom=0)
    if lengths:
        time.set_xscale("log")
    time.set_xlabel("seconds of music decoded with the bundled model")
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
