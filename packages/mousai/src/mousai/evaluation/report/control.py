"""Section on control: what is asked of a model, what was measured and whether it holds; what was made, to listen to."""

from collections.abc import Mapping
from pathlib import Path

from mousai.evaluation.clips import Row
from mousai.evaluation.config import EvaluationResult
from mousai.evaluation.limits import Limit
from mousai.evaluation.metrics.catalogue import CATALOGUE
from mousai.evaluation.metrics.statistics import Measurement
from mousai.evaluation.report.html import note, player, table, text
from mousai.evaluation.report.metric_table import aligned, count_of, interval_of, shown

_LIMITS = (
    ("edit.outside", "at_least", 1.0),
    ("edit.seam", "at_most", 1.1),
    ("extend.outside", "at_least", 1.0),
    ("extend.seam", "at_most", 1.1),
    ("extend.tempo", "at_least_of_reference", 0.9),
    ("extend.beat", "at_least_of_reference", 0.9),
    ("extend.key", "at_least_of_reference", 0.9),
    ("loop.length", "at_least", 1.0),
    ("loop.seam", "at_most", 1.1),
    ("chords.recall", "at_least_of_reference", 0.8),
    ("melody.cosine", "at_least", 0.66),
    ("vary.falls", "at_least", 1.0),
    ("stream.first_sound", "at_most", 1.5),
    ("stream.speed", "at_least", 3.0),
    ("stream.memory", "at_most", 0.05),
    ("stream.seam", "at_most", 1.1),
    ("stream.change", "at_least", 0.9),
)
ASKED = {f"control.{name}": Limit(metric=f"control.{name}", kind=kind, value=value) for name, kind, value in _LIMITS}
"""What is asked, by metric; first sound and speed on two cores."""
HEAD = ("control", "asked", "measured", "95 % interval", "of", "reference", "by chance", "holds")


def asked_words(limit: Limit) -> str:
    """What a limit asks for, in words."""
    sign = "≥" if limit.kind.startswith("at_least") else "≤"
    if limit.kind.endswith("_of_reference"):
        return f"{sign} {limit.value:.0%} of the reference".replace("%", " %")
    return f"{sign} {shown(limit.value, CATALOGUE[limit.metric].unit)}"


def control_rows(metrics: Mapping[str, Measurement], unable: Mapping[str, str]) -> list[tuple[str, ...]]:
    """A row of text for each metric of control; a part that the model cannot do has one row that says so.

    Args:
        metrics: all metrics that were measured.
        unable: parts that the model cannot do, with the reason.
    """
    rows: list[tuple[str, ...]] = []
    for name, measured in metrics.items():
        if not name.startswith("control."):
            continue
        unit, limit = CATALOGUE[name].unit, ASKED.get(name)
        beside = ["" if each is None else shown(each, unit) for each in (measured.reference, measured.by_chance)]
        asked, verdict = "", ""
        if limit is not None:
            asked, verdict = asked_words(limit), "yes" if limit.failure(measured) is None else "no"
        figures = (shown(measured.value, unit), interval_of(measured, unit), count_of(measured))
        rows.append((name.removeprefix("control."), asked, *figures, *beside, verdict))
    return [*rows, *((part, "", why, "", "", "", "", "") for part, why in unable.items())]


def control_lines(result: EvaluationResult) -> list[str]:
    """The table as aligned lines of text; none where nothing of control was measured."""
    if result.control is None:
        return []
    lines = []
    rows = control_rows(result.metrics, result.control.unable)
    measured = [row for row in rows if row[0] not in result.control.unable]
    if measured:
        lines += aligned([HEAD, *measured])
    return [*lines, *(f"{part}: {why}" for part, why in result.control.unable.items())]


def section(result: EvaluationResult, out: Path) -> str:
    """The section of the page; empty where nothing of control was measured."""
    if result.control is None:
        return ""
    about = (
        "What people do with a piece, on songs and prompts that no training saw. Seams: spectral flux at a border of "
        "new music over that at the piece's own beats. The reference of tempo, beat and key is the song's own "
        "continuation, of seams, chords and melody the song itself, of likeness the autoencoder alone, of a change the "
        "style before it. By chance: what music would score that ignores what it was asked for. First sound and speed "
        "depend on the machine."
    )
    rows = [tuple(map(text, row)) for row in control_rows(result.metrics, result.control.unable)]
    parts = ["<h2>Control</h2>", note(about), table(HEAD, rows, numbers=True)]
    for name, part in result.control.parts.items():
        listed = table(("", "made", ""), [_listen(row, part.folder, out) for row in part.rows])
        parts.append(f"<details><summary>{text(name)}: {len(part.rows)} pieces</summary>{listed}</details>")
    return "\n".join(parts)


_UNSHOWN = ("file_name", "song", "other", "model", "measure", "prompt", "folder", "fast")


def _listen(row: Row, folder: Path, out: Path) -> tuple[str, str, str]:
    figures = ", ".join(f"{name} {value}" for name, value in row.items() if name not in _UNSHOWN)
    return text(row.get("prompt", "")), text(figures), player(folder / row.get("folder", "") / row["file_name"], out)
