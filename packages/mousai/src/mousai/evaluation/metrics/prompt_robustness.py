"""Prompt robustness: the same request in other words must not give worse music.

The clauses of a prompt in another order, meaningless words added, and no words at all.
"""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from mousai.evaluation.clips import Row
from mousai.evaluation.metrics.statistics import share_of
from mousai.evaluation.metrics.verdicts import ATTRIBUTES, is_silent

PROMPT_COUNT = 10
"""Number of prompts that are varied; the first ten have every genre once."""
NO_PROMPT = "no prompt"
NO_PROMPT_COUNT = 4
_MEANINGLESS = ("plumquat", "brindlewick", "vexlorn", "quazzle", "snorvid", "thrumble", "ogglewip", "mirrish")


def reorder_clauses(text: str, rng: Random) -> str:
    """`techno, 134 bpm, E minor` -> `134 bpm, E minor, techno`: never the original order, if there are two clauses."""
    clauses = [clause.strip() for clause in text.split(",")]
    found = list(clauses)
    while len(set(clauses)) > 1 and found == clauses:
        rng.shuffle(found)
    return ", ".join(found)


def add_meaningless_words(text: str, rng: Random) -> str:
    """`techno, 134 bpm` -> `vexlorn techno quazzle, 134 bpm ogglewip`: a word in front, one after each clause."""
    clauses = [clause.strip() for clause in text.split(",")]
    words = rng.sample(_MEANINGLESS, min(len(clauses) + 1, len(_MEANINGLESS)))
    longer = [f"{clause} {word}" for clause, word in zip(clauses, words[1:], strict=False)]
    return f"{words[0]} {', '.join([*longer, *clauses[len(longer) :]])}"


VARIATIONS: Mapping[str, Callable[[str, Random], str]] = {
    "other order": reorder_clauses,
    "meaningless words": add_meaningless_words,
}
"""Variations by name. The name seeds the random generator, so renaming one changes its prompts."""


def vary_prompts(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Rows of clips for each variation, with the seeds of the original clips; and some without a prompt.

    Args:
        rows: rows of `plan_clips`; the first clip of each of the first `PROMPT_COUNT` prompts is varied.
    """
    first = list({row["prompt"]: row for row in reversed(rows) if row["prompt"]}.values())[::-1][:PROMPT_COUNT]
    found = {
        name: [{**row, "prompt": vary(row["prompt"], Random(f"{name}/{row['prompt']}"))} for row in first]
        for name, vary in VARIATIONS.items()
    }
    seed, duration = rows[0]["seed"], rows[0]["duration"]
    found[NO_PROMPT] = [
        {
            "file_name": f"{number:03d}-a.flac",
            "prompt": "",
            "piece": number,
            "seed": seed + number,
            "duration": duration,
        }
        for number in range(NO_PROMPT_COUNT)
    ]
    return found


def compare_with_original(judged: Mapping[str, Sequence[Row]], original: Sequence[Row]) -> dict[str, dict[str, Any]]:
    """The share of clips that have each attribute, by variation, beside that of the same clips as originally prompted.

    Args:
        judged: judged rows of each variation, and of `NO_PROMPT`.
        original: judged rows of the original prompts.

    Returns:
        Of each variation its attributes that were asked for, each a share with the original's under `original`; of
        `NO_PROMPT` the share of silent clips, `silent`.
    """
    by_seed = {row["seed"]: row for row in original}
    found: dict[str, dict[str, Any]] = {}
    for name, rows in judged.items():
        if name == NO_PROMPT:
            found[name] = {"silent": share_of(sum(map(is_silent, rows)), len(rows))}
            continue
        pairs = [(row, by_seed[row["seed"]]) for row in rows]
        found[name] = {}
        for attribute in ATTRIBUTES:
            right = f"{attribute}_right"
            asked = [(row[right], other[right]) for row, other in pairs if row[right] is not None]
            if asked:
                share = share_of(sum(one for one, _ in asked), len(asked))
                share["original"] = sum(other for _, other in asked) / len(asked)
                found[name][attribute] = share
    return found
