"""What the parts of an evaluation share: the model, the judges, where to write, and how a row is measured."""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mousai.evaluation.clips import Row
from mousai.evaluation.control_config import ControlConfig, Lengths
from mousai.evaluation.features.waveform import Array
from mousai.evaluation.judges.panel import JudgePanel
from mousai.evaluation.metrics.statistics import bootstrap_interval, share_of
from mousai.evaluation.rendering import quiet_prompts, render_missing

if TYPE_CHECKING:
    from mousai.pipeline import Mousai

MEASURE = 1
"""Version of the measures; raised with them, so that rows of an older one are measured again."""

Figure = dict[str, Any]
"""A metric: `value`, `interval`, `total`, and where they are known `count`, `reference` and `by_chance`."""


@dataclass(frozen=True)
class PartResult:
    """Result of one part.

    Args:
        folder: folder of what was made.
        rows: a row for each thing that was made, with what was measured.
        metrics: figures by the name after `control.PART.`.
    """

    folder: Path
    rows: list[Row]
    metrics: dict[str, Figure]


@dataclass(frozen=True, kw_only=True)
class Workplace:
    """The model and the judges of an evaluation.

    Args:
        pipeline: the model.
        panel: the judges.
        config: what is measured.
        lengths: seconds.
        folder: folder of the results.
        settings: what a row depends on beside its own plan: the model's hash, ...
        seed: seed of the first thing that is made.
        sampling: settings of sampling beside the model's own.
    """

    pipeline: "Mousai"
    panel: JudgePanel
    config: ControlConfig
    lengths: Lengths
    folder: Path
    settings: Row
    seed: int = 0
    sampling: dict[str, Any] = field(default_factory=dict)

    @property
    def rate(self) -> int:
        """Hz of the model."""
        return self.pipeline.sample_rate

    def measured(
        self, name: str, plan: Sequence[Row], measure: Callable[[Row], tuple[Array, Row]], description: str
    ) -> list[Row]:
        """Make and measure what is planned; rows that were measured the same way before are kept.

        Args:
            name: folder below that of the results.
            plan: rows that say what is made; each gets a file and a seed.
            measure: function of a row that gives the sound, at the model's rate, and the figures.
            description: what the progress bar says.
        """
        rows = [
            {"file_name": f"{number:03d}.flac", "seed": self.seed + number, **row, **self.settings}
            for number, row in enumerate(plan)
        ]
        with quiet_prompts():
            return render_missing(self.folder / name, rows, measure, description)


def rounded(value: float) -> float | None:
    """A figure of a row, to four digits; `None` where it is not finite, which JSON does not have."""
    return round(value, 4) if math.isfinite(value) else None


def share(rights: Sequence[bool], **beside: float | None) -> Figure:
    """A share with Wilson's interval, and what stands beside it: `reference`, `by_chance`."""
    return {**share_of(sum(map(bool, rights)), len(rights)), **beside}


def centre(values: Sequence[float | None], kind: Literal["median", "mean"], **beside: float | None) -> Figure:
    """The median or mean of the finite values with a bootstrap interval, and what stands beside it."""
    found = [value for value in values if value is not None and math.isfinite(value)]
    low, high = bootstrap_interval(found, None if kind == "median" else _mean)
    value = middle(found, kind) if found else float("nan")
    return {"value": value, "interval": [low, high], "total": len(found), **beside}


def middle(values: Sequence[float | None], kind: Literal["median", "mean"] = "median") -> float:
    """The median or mean of the finite values; NaN where there are none."""
    found = [value for value in values if value is not None and math.isfinite(value)]
    if not found:
        return float("nan")
    return statistics.median(found) if kind == "median" else statistics.fmean(found)


def _mean(values: Array) -> float:
    return float(values.mean())
