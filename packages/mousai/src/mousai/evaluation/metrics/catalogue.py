"""The catalogue: every metric by the name that the report and a file of limits use.

A metric of the clips also exists as `reference.NAME`, that of the reference renders.
"""

from collections.abc import Mapping
from typing import Any

from mousai.evaluation.config import REFERENCE, EvaluationConfig, EvaluationResult
from mousai.evaluation.metrics.autoencoder import LATENT_ROUTE, METRICS
from mousai.evaluation.metrics.control_metrics import CONTROL_METRICS
from mousai.evaluation.metrics.metric import Metric, number, share
from mousai.evaluation.metrics.prompt_robustness import NO_PROMPT, VARIATIONS
from mousai.evaluation.metrics.repetition import BARS
from mousai.evaluation.metrics.statistics import Measurement
from mousai.evaluation.metrics.verdicts import ATTRIBUTES

REFERENCE_PREFIX = "reference."


CLIP_METRICS: Mapping[str, Metric] = {
    "genre": share("clips with the genre asked for", "genre"),
    "tempo": share("clips with the tempo asked for", "tempo"),
    "key": share("clips with the key asked for", "key"),
    "lead": share("clips with the lead instrument asked for", "lead"),
    "both_clips": share("prompts of which both clips have the genre and tempo asked for", "both_clips"),
    "clipped": share("clips with more than 1 sample in 10,000 at full scale", "levels", "clipped"),
    "silent": share("clips of which more than half is below -60 dB", "levels", "silent"),
    "loudness": number("loudness, median", "levels", "loudness", unit="LUFS"),
    "width": number("level of the side less that of the middle, median", "levels", "width", unit="dB"),
    "alike": share("pairs of clips of one prompt that are alike", "diversity", "same_prompt", "alike"),
    "prompt_distance": number("distance between clips of one prompt, median", "diversity", "same_prompt", "distance"),
    "distance": number("distance between any two clips, median", "diversity", "all", "distance"),
    "frechet_distance": number(
        "Fréchet distance to the reference renders",
        "frechet_distance",
        requires="reference_renders",
        reference="its floor, between halves of the reference renders",
    ),
    **{
        f"repetition.{view}_{bars}": number(
            f"correlation of the {view} with themselves {bars} bar{'s' * (bars > 1)} later, median".replace(
                "spectrum with themselves", "spectrum with itself"
            ),
            "repetition",
            f"{view}_{bars}",
        )
        for view in ("notes", "spectrum")
        for bars in BARS
    },
    "memorization.copies": share(
        "clips that are copies of training songs", "memorization", "copies", requires="training_songs"
    ),
    "memorization.distance": number(
        "distance to the nearest training song, median", "memorization", "distance", requires="training_songs"
    ),
}
"""Metrics of a set of clips; `path` leads through its summary."""

MODEL_METRICS: Mapping[str, Metric] = {
    "cpu_seconds": number(
        "CPU time for 20 s of music, median", "cpu_seconds", unit="s", requires="model", reference=""
    ),
    **{
        f"long_pieces.{name}": share(
            f"long pieces with the {name} asked for at the start and at the end", name, requires="long"
        )
        for name in ("tempo", "key")
    },
    **{
        f"prompt_robustness.{variation.replace(' ', '_')}.{attribute}": share(
            f"clips with the {attribute} asked for, prompt with {what}",
            variation,
            attribute,
            requires="prompt_robustness",
            reference="the original prompts",
        )
        for variation, what in zip(VARIATIONS, ("its clauses in another order", "meaningless words"), strict=True)
        for attribute in ATTRIBUTES
    },
    "prompt_robustness.no_prompt.silent": share(
        "silent clips without a prompt", NO_PROMPT, "silent", requires="prompt_robustness", reference=""
    ),
    **{
        f"autoencoder.{kind}.{metric}": number(
            f"autoencoder, {what}: {metric.replace('_', ' ')}, median",
            kind,
            metric,
            unit="dB" if metric in ("log_mel_distance", "width_change", "attack_distance") else "",
            requires=kind,
            reference="Griffin-Lim from the same latent",
        )
        for kind, what in (("songs", "composed songs"), ("files", "recordings"))
        for metric in METRICS
    },
    "two_sample_test": share(
        "excerpts of songs that a net tells apart, decoded ones from true ones; 50 % if it cannot",
        requires="two_sample_test",
        reference="Griffin-Lim from the same latent",
    ),
}
"""Metrics of a model beyond its clips; `path` leads through the part of the results named by the first word."""

CATALOGUE: Mapping[str, Metric] = {
    **CLIP_METRICS,
    **MODEL_METRICS,
    **CONTROL_METRICS,
    **{
        f"{REFERENCE_PREFIX}{name}": Metric(
            description=f"{REFERENCE}: {metric.description}",
            unit=metric.unit,
            path=metric.path,
            requires=metric.requires or "reference_renders",
            reference="",
        )
        for name, metric in CLIP_METRICS.items()
        if name != "frechet_distance"
    },
}
"""All metrics by name."""


def measurements(result: EvaluationResult, config: EvaluationConfig) -> dict[str, Measurement]:
    """The catalogue's metrics of the evaluated set, as far as they were measured."""
    found: dict[str, Measurement] = {}
    if config.subject is None:
        return found
    summary, reference = result.summaries.get(config.subject, {}), result.summaries.get(REFERENCE, {})
    for name, metric in CLIP_METRICS.items():
        _add(found, name, _at(summary, metric.path), reference=_at(reference, metric.path))
        if name != "frechet_distance":
            _add(found, REFERENCE_PREFIX + name, _at(reference, metric.path))
    for name, metric in MODEL_METRICS.items():
        part = name.split(".")[0]
        if part == "cpu_seconds":
            _add(found, name, _at(summary, metric.path))
        elif part == "long_pieces":
            own, other = (_at(result.long_pieces, (each, *metric.path)) for each in (config.subject, REFERENCE))
            _add(found, name, own, reference=other)
        elif part == "prompt_robustness":
            _add(found, name, _at(result.prompt_robustness, metric.path))
        elif part == "two_sample_test":
            _add(found, name, _at(result.two_sample_test, ("figure",)))
        elif result.autoencoder:
            kind, figure = metric.path
            routes = result.autoencoder["medians"].get(kind, {})
            own, other = (_at(routes, (way, figure)) for way in (result.autoencoder["default"], LATENT_ROUTE))
            _add(found, name, own, reference=other)
    for part_name, measured in ({} if result.control is None else result.control.parts).items():
        for name, measured_figure in measured.metrics.items():
            _add(found, f"control.{part_name}.{name}", measured_figure)
    return found


def _at(tree: Mapping[str, Any], path: tuple[str, ...]) -> Mapping[str, Any] | None:
    found: Any = tree
    for key in path:
        found = found.get(key)
        if found is None:
            return None
    return found if "value" in found else None


def _add(
    found: dict[str, Measurement],
    name: str,
    figure: Mapping[str, Any] | None,
    *,
    reference: Mapping[str, Any] | None = None,
) -> None:
    """Add a figure; its reference is the other one's value, or stands in it as `reference`, `floor` or `original`."""
    if figure is None:
        return
    own = figure.get("reference", figure.get("floor", figure.get("original")))
    low, high = figure["interval"]
    found[name] = Measurement(
        value=figure["value"],
        interval=(low, high),
        total=figure["total"],
        count=figure.get("count"),
        reference=own if reference is None else reference["value"],
        by_chance=figure.get("by_chance"),
    )
