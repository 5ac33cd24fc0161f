"""The table of metrics, for the terminal and for the page: value, interval of 95 %, number, reference."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from mousai.evaluation.metrics.catalogue import CATALOGUE, REFERENCE_PREFIX
from mousai.evaluation.metrics.statistics import Measurement
from mousai.evaluation.metrics.verdicts import ATTRIBUTES

CONTROL_PREFIX = "control."
"""Metrics that have a table of their own (`report.control`)."""
HEAD = ("metric", "value", "95 % interval", "of", "reference")


def metric_rows(metrics: Mapping[str, Measurement]) -> list[tuple[str, ...]]:
    """A row of text for each metric of the evaluated set but those of control; the references stand beside them."""
    rows: list[tuple[str, ...]] = []
    for name, measured in metrics.items():
        if name.startswith((REFERENCE_PREFIX, CONTROL_PREFIX)):
            continue
        unit = CATALOGUE[name].unit
        reference = "" if measured.reference is None else shown(measured.reference, unit)
        rows.append((name, shown(measured.value, unit), interval_of(measured, unit), count_of(measured), reference))
    return rows


def interval_of(measured: Measurement, unit: str) -> str:
    """The interval as text."""
    low, high = (shown(each, unit) for each in measured.interval)
    return f"{low} to {high}"


def count_of(measured: Measurement) -> str:
    """What a metric is taken over, as text: "3 of 4", or only "4" where it is no share."""
    return str(measured.total) if measured.count is None else f"{measured.count} of {measured.total}"


def metric_lines(metrics: Mapping[str, Measurement]) -> list[str]:
    """The table as aligned lines of text."""
    return aligned([HEAD, *metric_rows(metrics)])


def shown(value: float, unit: str) -> str:
    """A value with its unit; a dash where it is not finite."""
    if not math.isfinite(value):
        return "–"
    if unit == "share":
        return f"{value:.1%}".replace("%", " %")
    return f"{value:.3g} {unit}".rstrip() if unit in ("s", "LUFS") else f"{value:.3f} {unit}".rstrip()


def comparison_lines(summaries: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A column for each set of clips: attributes, clipping, silence and Fréchet distance, as aligned lines of text."""
    rows: list[tuple[str, ...]] = [("", *summaries)]
    for title, path in (
        *((attribute, (attribute,)) for attribute in ATTRIBUTES),
        ("clipped", ("levels", "clipped")),
        ("silent", ("levels", "silent")),
        ("Fréchet distance", ("frechet_distance",)),
    ):
        figures = [_figure(summary, path) for summary in summaries.values()]
        if any(figures):
            unit = "share" if title != "Fréchet distance" else ""
            rows.append((title, *("" if each is None else shown(each["value"], unit) for each in figures)))
    return aligned(rows)


def _figure(summary: Mapping[str, Any], path: tuple[str, ...]) -> Mapping[str, Any] | None:
    found: Any = summary
    for key in path:
        found = None if found is None else found.get(key)
    return None if found is None else dict(found)


def aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Rows of text as lines with aligned columns."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
