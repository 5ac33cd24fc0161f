"""What a set of judged clips comes to, and how it stands to the targets."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mousai.evaluation.clips import Row
from mousai.evaluation.diversity import frechet_of_halves, within_prompts
from mousai.evaluation.judges import Judges
from mousai.evaluation.judging import MOSTLY, WISHES, Judged, by_chance
from mousai.evaluation.reworded import NO_PROMPT

CLIPPED = 1e-4
"""Share of samples at full scale above which a clip counts as clipped."""


def summary(judged: Judged, *, judges: Judges, true: Judged | None = None) -> dict[str, Any]:
    """Shares that are right, by chance and beside the true renders; diversity, levels, structure, Fréchet distance."""
    rows = judged.rows
    found: dict[str, Any] = {"clips": len(rows)}
    for wish in WISHES:
        right = [row[f"{wish}_right"] for row in rows if row[f"{wish}_right"] is not None]
        if not right:
            continue
        low, high = interval(sum(right), len(right))
        part = {"right": sum(right), "asked": len(right), "share": sum(right) / len(right), "interval": [low, high]}
        part["by_chance"] = by_chance(rows, wish)
        if true is not None:
            own = [row[f"{wish}_right"] for row in true.rows if row[f"{wish}_right"] is not None]
            if own and sum(own):
                part["judge"] = sum(own) / len(own)
                part["ratio"] = part["share"] / part["judge"]
        found[wish] = part
    kin = Counter(row["key_kinship"] for row in rows if row["key_kinship"])
    if kin:
        found["key_kinship"] = dict(kin.most_common())
    found["levels"] = _levels(rows)
    found["structure"] = _medians([row["structure"] for row in rows])
    found["diversity"] = within_prompts(judged.distances, [row["prompt"] for row in rows], judged.notes)
    both = both_right(rows)
    if both:
        found["two_seeds"] = both
    if true is not None and true is not judged and min(len(rows), len(true.rows)) >= 16:
        pieces, others = (judges.style.embedded(each.style) for each in (judged, true))
        distance, floor = frechet_of_halves(pieces, others)
        found["frechet"] = {"distance": distance, "floor": floor, "clips": min(len(rows), len(true.rows)) // 2}
    cpu = [row["cpu"] for row in rows if "cpu" in row]
    if cpu:
        found["cpu_of_20_s"] = round(20 * float(np.median(cpu)), 2)
    return found


def interval(right: int, asked: int) -> tuple[float, float]:
    """Wilson's interval of 95 % for a share."""
    z, share = 1.96, right / asked
    middle = (share + z**2 / (2 * asked)) / (1 + z**2 / asked)
    reach = z * math.sqrt(share * (1 - share) / asked + z**2 / (4 * asked**2)) / (1 + z**2 / asked)
    return max(middle - reach, 0.0), min(middle + reach, 1.0)


def both_right(rows: Sequence[Row]) -> dict[str, int]:
    """Of the prompts with two pieces, how many have the right style (and tempo, if asked) in both."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row["prompt"], []).append(row)
    pairs = [group for group in groups.values() if len(group) > 1]
    wished = ("style_right", "tempo_right")
    kept = sum(all(row[name] is not False for row in group for name in wished) for group in pairs)
    return {"prompts": len(pairs), "both_right": kept} if pairs else {}


def _levels(rows: Sequence[Row]) -> dict[str, Any]:
    measured = [row["levels"] for row in rows]
    found: dict[str, Any] = {
        "clipped": sum(each["clipped"] > CLIPPED for each in measured),
        "silent": sum(each["silent"] > MOSTLY for each in measured),
    }
    for name in ("rms", "loudness", "peak", "width"):
        values = [each[name] for each in measured]
        found[name] = {
            "least": round(min(values), 2),
            "median": round(float(np.median(values)), 2),
            "most": round(max(values), 2),
        }
    return found


def _medians(each: Sequence[dict[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for one in each for name in one)
    return {name: round(float(np.median([one[name] for one in each if name in one])), 3) for name in names}


@dataclass(frozen=True)
class Target:
    """A figure beside what it should be.

    Args:
        name: of the figure.
        value: that was measured; `None` where it was not.
        limit: the target; `None` = the figure is for information.
        least: whether the figure should be at least the limit, and not at most.
        shown: the value in words.
        wanted: the target in words.
    """

    name: str
    value: float | None
    limit: float | None
    least: bool
    shown: str
    wanted: str

    @property
    def verdict(self) -> str:
        """held, MISSED or not measured; nothing where there is no target."""
        if self.limit is None:
            return ""
        if self.value is None or not math.isfinite(self.value):
            return "not measured"
        return "held" if (self.value >= self.limit if self.least else self.value <= self.limit) else "MISSED"


def targets(model: dict[str, Any], true: dict[str, Any] | None) -> list[Target]:
    """The targets for what a model plays."""
    found: list[Target] = []
    for wish, limit in (("style", 0.90), ("tempo", 0.80), ("key", 0.80), ("lead", 0.75)):
        part = model.get(wish)
        if part is None:
            continue
        name = {"lead": "lead instrument"}.get(wish, wish)
        right = f"{part['right']} of {part['asked']} ({part['by_chance']:.0%} by chance)"
        own = part.get("judge")
        if wish == "style":
            found.append(Target(name, part["share"], limit, True, f"{part['share']:.1%}: {right}", "≥ 90 %"))
        else:
            ratio = part.get("ratio")
            shown = right if ratio is None else f"{ratio:.1%} of the judge's own: {right}"
            found.append(Target(name, ratio, limit, True, shown, f"≥ {limit:.0%} of the judge's own"))
        wanted = {"style": 0.97, "key": 0.85}.get(wish)
        if own is not None and true is not None:
            shown = f"{own:.1%}: {true[wish]['right']} of {true[wish]['asked']} true renders"
            words = "" if wanted is None else f"≥ {wanted:.0%}"
            found.append(Target(f"{name}: the judge itself", own, wanted, True, shown, words))
    levels = model["levels"]
    for name in ("clipped", "silent"):
        found.append(Target(f"{name} pieces", levels[name], 0, False, str(levels[name]), "none"))
    same = model["diversity"].get("same_prompt")
    if same:
        near = f"{same['near']} near in sound; notes in common {same['notes_median']:.2f}"
        near += f", at most {same['notes_most']:.2f}"
        shown = f"{same['alike']} of {same['pairs']} ({near})"
        found.append(Target("pairs of one prompt that are alike", same["alike"], 0, False, shown, "none"))
    nearest = model.get("nearest_training_song")
    if nearest:
        apart = f"least distance {nearest['least']:.2f}"
        if "least_true" in nearest:
            apart += f", of true renders {nearest['least_true']:.2f}"
        shown = f"{nearest['copies']} ({apart})"
        found.append(Target("copies of training songs", nearest["copies"], 0, False, shown, "none"))
    cpu = model.get("cpu_of_20_s")
    if cpu is not None:
        found.append(Target("CPU for 20 s of music", cpu, 20, False, f"{cpu:.1f} s", "≤ 20 s"))
    return found


def more_targets(more: dict[str, Any], *, model: str) -> list[Target]:
    """The targets for whole songs, for prompts in other words and for the autoencoder, as far as they were measured."""
    found: list[Target] = []
    whole = more.get("whole_songs")
    if whole:
        each = whole["sets"][model]
        for what in ("tempo", "key"):
            count, total = each["kept"][what], len(each["pieces"])
            own = whole["sets"].get("true renders", {}).get("kept", {}).get(what)
            shown = f"{count} of {total}" + ("" if own is None else f" (true renders {own})")
            name = f"{what} right in the first and the last 20 s of {whole['seconds']:g} s"
            found.append(Target(name, count, own if own is not None else total, True, shown, "as true renders"))
    for form, each in more.get("reworded", {}).items():
        if form == NO_PROMPT:
            shown = f"{each['silent']} of {each['pieces']}"
            found.append(Target("silent pieces without a prompt", each["silent"], 0, False, shown, "none"))
            continue
        told = [f"{wish} {part['right']} of {part['asked']} ({part['as_written']})" for wish, part in each.items()]
        found.append(Target(f"{form} (as written)", None, None, True, ", ".join(told), "as written"))
    medians = more.get("autoencoder", {}).get("medians", {})
    for kind, correlation, chroma in (("songs", 0.93, 0.8), ("files", 0.87, 0.6)):
        if kind not in medians:
            continue
        ways, usual = medians[kind], more["autoencoder"]["default"]
        if "Griffin-Lim, latent" in ways:
            for figure, name in (("log_mel_distance", "log-mel distance"), ("stft_distance", "STFT distance")):
                value, other = ways[usual][figure], ways["Griffin-Lim, latent"][figure]
                shown, wanted = f"{value:.3f}", f"≤ {other:.3f}, Griffin-Lim from the same latent"
                found.append(Target(f"autoencoder, {kind}: {name}", value, other, False, shown, wanted))
        for figure, name, limit in (
            ("log_mel_correlation", "log-mel correlation", correlation),
            ("chroma_cosine", "chroma cosine", chroma),
        ):
            value = ways[usual][figure]
            found.append(Target(f"autoencoder, {kind}: {name}", value, limit, True, f"{value:.3f}", f"≥ {limit}"))
    return found
