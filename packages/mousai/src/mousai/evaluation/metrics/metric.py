"""A metric of the catalogue: what it is, where its figure stands, and what it is compared with."""

from dataclasses import dataclass

from mousai.evaluation.config import REFERENCE


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric.

    Args:
        description: what it is.
        unit: "share", "dB", "LUFS", "s" or "" for a plain number.
        path: keys that lead to it in a summary (or in the part of the results that it belongs to).
        requires: field of `EvaluationConfig` without which it is not measured.
        reference: what its `reference` is; "" where it has none.
    """

    description: str
    unit: str
    path: tuple[str, ...]
    requires: str = ""
    reference: str = REFERENCE


def share(description: str, *path: str, requires: str = "", reference: str = REFERENCE) -> Metric:
    """A share; `path` as for `Metric`."""
    return Metric(description=description, unit="share", path=path, requires=requires, reference=reference)


def number(description: str, *path: str, unit: str = "", requires: str = "", reference: str = REFERENCE) -> Metric:
    """A plain number, or one with a unit."""
    return Metric(description=description, unit=unit, path=path, requires=requires, reference=reference)
