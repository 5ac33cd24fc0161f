"""Plots of the report as PNG in base64, so that they are part of the page."""

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mousai.evaluation.clips import Row
from mousai.evaluation.features.waveform import Array

_INK, _BLUE, _ORANGE, _GREY = "#1d2733", "#2f6f9f", "#d9822b", "#b8c2cc"
COLOURS = (_BLUE, _ORANGE, "#5a8f3c", "#8a5a9e", "#c0504d")


def _figure(width: float, height: float) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _png(figure: Any) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return base64.b64encode(buffer.getvalue()).decode()


def confusions(sets: Mapping[str, Sequence[tuple[str, str]]], *, what: str) -> str:
    """Confusion matrices side by side: asked for (rows) against predicted (columns), from pairs of names."""
    names = sorted({name for pairs in sets.values() for pair in pairs for name in pair})
    size = 2.2 + 0.3 * len(names)
    figure = _figure(size * len(sets) + 0.6, size)
    for axes, (title, pairs) in zip(figure.subplots(1, len(sets), squeeze=False)[0], sets.items(), strict=True):
        counts = np.zeros((len(names), len(names)))
        for asked, predicted in pairs:
            counts[names.index(asked), names.index(predicted)] += 1
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for row, column in zip(*np.nonzero(counts), strict=True):
            colour = "white" if shares[row, column] > 0.55 else _INK
            text = f"{int(counts[row, column])}"
            axes.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)
        axes.set_xticks(range(len(names)), names, rotation=60, ha="right", fontsize=8)
        axes.set_yticks(range(len(names)), names, fontsize=8)
        axes.set(title=title, xlabel=f"{what} predicted", ylabel=f"{what} asked for")
    return _png(figure)


def tempos(sets: Mapping[str, Sequence[Row]]) -> str:
    """Tempo asked for against tempo estimated, with the bands that count as right."""
    figure = _figure(4.4 * len(sets), 4.2)
    for axes, (title, rows) in zip(figure.subplots(1, len(sets), squeeze=False)[0], sets.items(), strict=True):
        asked = np.linspace(50, 205, 2)
        for factor in (0.5, 1.0, 2.0):
            axes.fill_between(asked, 0.96 * factor * asked, 1.04 * factor * asked, color=_GREY, alpha=0.5, lw=0)
        for right, colour in ((True, _BLUE), (False, _ORANGE)):
            chosen = [row for row in rows if row["tempo_right"] is right]
            axes.scatter([row["bpm"] for row in chosen], [row["predicted_bpm"] for row in chosen], s=14, color=colour)
        axes.set(title=title, xlabel="bpm asked for", ylabel="bpm estimated", xlim=(50, 205), ylim=(20, 260))
    return _png(figure)


def key_relations(sets: Mapping[str, Mapping[str, int]], order: Sequence[str]) -> str:
    """Relations of predicted keys to the keys asked for, a bar for each set."""
    figure = _figure(7.5, 0.9 + 0.42 * len(sets))
    axes = figure.subplots()
    colours = (_BLUE, "#7fb0d3", "#c9dced", "#f2c38f", _ORANGE)
    for place, counts in enumerate(sets.values()):
        left, total = 0.0, max(sum(counts.values()), 1)
        for name, colour in zip(order, colours, strict=True):
            width = counts.get(name, 0) / total
            axes.barh(place, width, left=left, color=colour, label=name if place == 0 else None)
            if width > 0.04:
                axes.text(left + width / 2, place, f"{counts[name]}", ha="center", va="center", fontsize=8)
            left += width
    axes.set_yticks(range(len(sets)), sets)
    axes.invert_yaxis()
    axes.set(xlim=(0, 1))
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1.0], ["0", "25 %", "50 %", "75 %", "100 %"])
    axes.legend(ncols=5, loc="lower center", bbox_to_anchor=(0.5, 1.0), fontsize=8, frameon=False)
    return _png(figure)


def self_similarities(pictures: Mapping[str, Array], *, seconds: float) -> str:
    """Self-similarity matrices of pieces, side by side."""
    columns = min(len(pictures), 4)
    rows = -(-len(pictures) // columns)
    figure = _figure(2.9 * columns, 3.0 * rows)
    spots = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, (title, square) in zip(spots, pictures.items(), strict=False):
        axes.imshow(square, cmap="magma", vmin=-0.5, vmax=1, origin="lower", extent=(0, seconds, 0, seconds))
        axes.set_title(title, fontsize=8)
        axes.tick_params(labelsize=7)
    for axes in spots[len(pictures) :]:
        axes.set_visible(False)
    return _png(figure)


def over_steps(medians: Mapping[str, Mapping[str, Any]], routes: Mapping[str, int], *, figures: Sequence[str]) -> str:
    """Metrics of the autoencoder against decoder steps; the other routes are horizontal lines."""
    drawn = _figure(3.3 * len(figures), 3.4)
    others = [way for way in medians if way not in routes]
    for place, (axes, figure) in enumerate(zip(drawn.subplots(1, len(figures)), figures, strict=True)):
        steps = sorted(routes, key=lambda way: routes[way])
        axes.plot([routes[way] for way in steps], [medians[way][figure]["value"] for way in steps], "o-", color=_BLUE)
        for way, colour in zip(others, COLOURS[1:], strict=False):
            label = way if place == 0 else None
            axes.axhline(medians[way][figure]["value"], color=colour, ls="--", lw=1.2, label=label)
        axes.set(title=figure.replace("_", " "), xlabel="decoder steps")
    drawn.legend(loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    return _png(drawn)
