"""Summary of a set of judged clips: shares and medians with their intervals."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from mousai.evaluation.clips import Row
from mousai.evaluation.judges.linear import LinearJudge
from mousai.evaluation.metrics.diversity import pairwise_diversity, split_frechet_distance
from mousai.evaluation.metrics.statistics import median_of, share_of
from mousai.evaluation.metrics.verdicts import ATTRIBUTES, JudgedClips, chance_accuracy, is_silent

MAX_CLIPPED = 1e-4
"""Share of samples at full scale above which a clip counts as clipped."""
MIN_FRECHET_CLIPS = 16


def summarize(judged: JudgedClips, *, judge: LinearJudge, reference: JudgedClips | None = None) -> dict[str, Any]:
    """Summarize a set of clips.

    Args:
        judged: the judged clips.
        judge: the genre judge, in whose embedding the Fréchet distance is taken.
        reference: judged reference renders, for the Fréchet distance.

    Returns:
        `clips`; of each attribute asked for its share right, with `by_chance`; `both_clips`, the share of prompts whose
        clips all have the right genre and tempo; `key_relation`; `levels`; `repetition`; `diversity`;
        `frechet_distance` and `cpu_seconds` where they can be measured.
    """
    rows = judged.rows
    found: dict[str, Any] = {"clips": len(rows)}
    for attribute in ATTRIBUTES:
        right = [row[f"{attribute}_right"] for row in rows if row[f"{attribute}_right"] is not None]
        if right:
            found[attribute] = {**share_of(sum(right), len(right)), "by_chance": chance_accuracy(rows, attribute)}
    if both := both_clips_right(rows):
        found["both_clips"] = both
    relations = Counter(row["key_relation"] for row in rows if row["key_relation"])
    if relations:
        found["key_relation"] = dict(relations.most_common())
    found["levels"] = _levels(rows)
    found["repetition"] = _repetition([row["repetition"] for row in rows])
    found["diversity"] = pairwise_diversity(judged.distances, [row["prompt"] for row in rows], judged.notes)
    if reference is not None and reference is not judged and min(len(rows), len(reference.rows)) >= MIN_FRECHET_CLIPS:
        clips, others = (judge.embed(each.genre_features) for each in (judged, reference))
        found["frechet_distance"] = split_frechet_distance(clips, others)
    cpu = [20 * row["cpu"] for row in rows if "cpu" in row]
    if cpu:
        found["cpu_seconds"] = median_of(cpu, digits=2)
    return found


def both_clips_right(rows: Sequence[Row]) -> dict[str, Any]:
    """The share of prompts with several clips of which all have the right genre, and tempo if asked for."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row["prompt"], []).append(row)
    several = [group for group in groups.values() if len(group) > 1]
    names = ("genre_right", "tempo_right")
    right = sum(all(row[name] is not False for row in group for name in names) for group in several)
    return share_of(right, len(several)) if several else {}


def _levels(rows: Sequence[Row]) -> dict[str, Any]:
    measured = [row["levels"] for row in rows]
    return {
        "clipped": share_of(sum(each["clipped"] > MAX_CLIPPED for each in measured), len(rows)),
        "silent": share_of(sum(map(is_silent, rows)), len(rows)),
        **{
            name: median_of([each[name] for each in measured], digits=2)
            for name in ("rms", "loudness", "peak", "width")
        },
    }


def _repetition(each: Sequence[dict[str, float]]) -> dict[str, Any]:
    names = dict.fromkeys(name for one in each for name in one)
    return {name: median_of([one[name] for one in each if name in one]) for name in names}
