"""Do other words for the same wish do harm: its clauses in another order, words that mean nothing, no words at all?"""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from mousai.evaluation.clips import Row
from mousai.evaluation.judging import WISHES

PROMPTS = 10
"""How many prompts are put in other words; so many have every genre once."""
WITHOUT = 4
"""How many pieces are made without a prompt."""
NO_PROMPT = "no prompt"
_MEANINGLESS = ("plumquat", "brindlewick", "vexlorn", "quazzle", "snorvid", "thrumble", "ogglewip", "mirrish")


def in_another_order(text: str, rng: Random) -> str:
    """`techno, 134 bpm, E minor` -> `134 bpm, E minor, techno`: never the order that it had, if it has two clauses."""
    clauses = [clause.strip() for clause in text.split(",")]
    found = list(clauses)
    while len(set(clauses)) > 1 and found == clauses:
        rng.shuffle(found)
    return ", ".join(found)


def with_meaningless_words(text: str, rng: Random) -> str:
    """`techno, 134 bpm` -> `vexlorn techno quazzle, 134 bpm ogglewip`: a word in front, one after each clause."""
    clauses = [clause.strip() for clause in text.split(",")]
    words = rng.sample(_MEANINGLESS, min(len(clauses) + 1, len(_MEANINGLESS)))
    told = [f"{clause} {word}" for clause, word in zip(clauses, words[1:], strict=False)]
    return f"{words[0]} {', '.join([*told, *clauses[len(told) :]])}"


FORMS: Mapping[str, Callable[[str, Random], str]] = {
    "other order": in_another_order,
    "meaningless words": with_meaningless_words,
}


def reworded(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Rows of pieces for each form, with the seeds of the pieces that they stand beside, and some without a prompt.

    Args:
        rows: of `planned`, of which the first piece of each of the first prompts is taken.
    """
    first = list({row["prompt"]: row for row in reversed(rows) if row["prompt"]}.values())[::-1][:PROMPTS]
    found = {
        name: [{**row, "prompt": form(row["prompt"], Random(f"{name}/{row['prompt']}"))} for row in first]
        for name, form in FORMS.items()
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
        for number in range(WITHOUT)
    ]
    return found


def compared(played: Mapping[str, Sequence[Row]], usual: Sequence[Row]) -> dict[str, dict[str, dict[str, int]]]:
    """Of every form and wish how many pieces are right, and how many of the same pieces as the prompt was written.

    Args:
        played: judged rows of each of `FORMS`.
        usual: judged rows of the prompts as they were written.
    """
    by_seed = {row["seed"]: row for row in usual}
    found: dict[str, dict[str, dict[str, int]]] = {}
    for name, rows in played.items():
        beside = [by_seed[row["seed"]] for row in rows]
        found[name] = {wish: _counts(rows, beside, f"{wish}_right") for wish in WISHES}
    return found


def _counts(rows: Sequence[Row], beside: Sequence[Row], name: str) -> dict[str, int]:
    asked: list[tuple[Any, Any]] = [
        (row[name], other[name]) for row, other in zip(rows, beside, strict=True) if row[name] is not None
    ]
    return {"asked": len(asked), "right": sum(a for a, _ in asked), "as_written": sum(b for _, b in asked)}
