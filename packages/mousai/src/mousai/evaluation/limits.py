"""Limits that an evaluation has to hold, from a small YAML file.

    genre:              {at_least: 0.9}
    tempo:              {at_least_of_reference: 0.8}     # 80 % of what the reference renders score
    clipped:            {at_most: 0}

Every key is a metric of `metrics.catalogue`. What `reference` is, its entry there says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mousai.errors import UserError, is_finite
from mousai.evaluation.config import EvaluationConfig
from mousai.evaluation.metrics.catalogue import CATALOGUE
from mousai.evaluation.metrics.statistics import Measurement
from mousai.storage.json_files import read_text

KINDS = ("at_least", "at_most", "at_least_of_reference", "at_most_of_reference")


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A limit of one metric.

    Args:
        metric: name of the metric in the catalogue.
        kind: one of `KINDS`.
        value: the limit; of a kind `..._of_reference` as a multiple of the metric's reference.
    """

    metric: str
    kind: str
    value: float

    def failure(self, measured: Measurement | None) -> str | None:
        """One line that says how the limit fails; `None` where it holds.

        A metric that was not measured, and one whose reference was not, fail too.
        """
        words = f"must be {self.kind.split('_of_')[0].replace('_', ' ')}"
        if measured is None or not is_finite(measured.value):
            return f"{self.metric}: not measured; {words} {self.value:g}"
        limit, wanted = self.value, f"{words} {self.value:g}"
        if self.kind.endswith("_of_reference"):
            if measured.reference is None or not is_finite(measured.reference):
                return f"{self.metric}: {measured.value:.4g}, but its reference was not measured"
            limit = self.value * measured.reference
            wanted = f"{words} {limit:.4g} ({self.value:g} times {measured.reference:.4g} of the reference)"
        holds = measured.value >= limit if self.kind.startswith("at_least") else measured.value <= limit
        return None if holds else f"{self.metric}: {measured.value:.4g}, {wanted}"


def read_limits(path: Path) -> tuple[Limit, ...]:
    """Read a file of limits.

    Raises:
        UserError: the file is missing, is not YAML, or names an unknown metric or kind of limit.
    """
    if not path.exists():
        raise UserError("require", str(path), "no such file")
    text = read_text(path, most=2**20)
    try:
        tree = yaml.load(text, Loader=_UniqueKeys)
    except RecursionError:
        raise UserError("require", str(path), "is not YAML of limits: it lies too deep inside itself") from None
    except yaml.YAMLError as error:
        raise UserError("require", str(path), f"is not YAML: {_problem(error)}") from None
    if not isinstance(tree, dict) or not tree:
        raise UserError("require", str(path), "must hold limits, such as  genre: {at_least: 0.9}")
    return tuple(limit for metric, limits in tree.items() for limit in _limits_of(path, metric, limits))


def check_measurable(limits: Sequence[Limit], config: EvaluationConfig) -> None:
    """Refuse limits that the evaluation could not decide.

    Raises:
        UserError: a metric, or its reference, is not measured with these settings.
    """
    if limits and config.subject is None:
        raise UserError("require", None, "several folders of clips and no model; give one of them")
    for limit in limits:
        metric = CATALOGUE[limit.metric]
        needs = {metric.requires}
        if limit.kind.endswith("_of_reference") and metric.reference == "reference renders":
            needs.add("reference_renders")
        if metric.requires in ("long", "prompt_robustness", "songs", "files", "two_sample_test", "control"):
            needs.add("model")
        _check_part(limit, config)
        for field in sorted(needs - {""}):
            if not getattr(config, field):
                option = "a MODEL" if field == "model" else f"--{field.replace('_', '-')}"
                hint = f"leave --no-{field.replace('_', '-')} out" if field == "reference_renders" else f"give {option}"
                raise UserError("require", None, f"{limit.metric} is not measured with these options; {hint}")


def _check_part(limit: Limit, config: EvaluationConfig) -> None:
    """Refuse a limit on clips where there are none, and one on a part of `--control` that is left out."""
    of_control = limit.metric.startswith("control.")
    if not of_control and not config.usual:
        hint = f"{limit.metric} is measured on clips of prompts; give --control-and-clips instead of --control"
        raise UserError("require", None, hint)
    if of_control and config.control is not None and (part := limit.metric.split(".")[1]) not in config.control.parts:
        hint = f"{limit.metric} is not measured with these options; add {part} to --control-parts"
        raise UserError("require", None, hint)


def failures(limits: Sequence[Limit], metrics: Mapping[str, Measurement]) -> list[str]:
    """One line for each limit that fails."""
    lines = (limit.failure(metrics.get(limit.metric)) for limit in limits)
    return [line for line in lines if line is not None]


def _problem(error: yaml.YAMLError) -> str:
    """PyYAML's message of several lines in a few words."""
    mark = getattr(error, "problem_mark", None)
    return str(error) if mark is None else f"line {mark.line + 1}: {getattr(error, 'problem', None) or error}"


def _limits_of(path: Path, metric: Any, limits: Any) -> list[Limit]:
    if metric not in CATALOGUE:
        from difflib import get_close_matches

        near = get_close_matches(str(metric), CATALOGUE, n=1)
        hint = f"did you mean {near[0]}?" if near else "docs/evaluation.md lists them"
        raise UserError("require", str(path), f"{metric!r} is not a metric; {hint}")
    if not isinstance(limits, dict) or not limits:
        raise UserError(
            "require", str(path), f"{metric}: must be one or more of {', '.join(KINDS)}, each with a number"
        )
    found = []
    for kind, value in limits.items():
        if kind not in KINDS:
            raise UserError("require", str(path), f"{metric}: {kind!r} must be one of {', '.join(KINDS)}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not is_finite(value):
            raise UserError("require", str(path), f"{metric}: {kind} {value!r} must be a number")
        if kind.endswith("_of_reference") and not CATALOGUE[metric].reference:
            raise UserError("require", str(path), f"{metric}: has no reference; give at_least or at_most")
        found.append(Limit(metric=metric, kind=kind, value=float(value)))
    return found


class _UniqueKeys(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML has no annotations
    """PyYAML's safe loader, which refuses a key that stands twice instead of dropping the first."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for place, key in enumerate(keys):
            if key in keys[:place]:
                mark = node.value[place][0].start_mark
                raise yaml.constructor.ConstructorError(None, None, f"{key} stands twice", mark)
        found: dict[Any, Any] = super().construct_mapping(node, deep)
        return found
