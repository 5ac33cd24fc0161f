"""Scores of composed songs with the judges of `mousai evaluate`, by styles that the judges know and by new ones.

    mousai compose --songs 200 --seed 4242 --duration 20 --out songs
    python benchmarks/composer.py songs [--out FILE]

The judges learned from songs of composer 2: FluidR3 without any production, and no style of `NEW_STYLES`. What they
score on songs of composer 3 tells how far these are from what the judges know. Songs that change their tempo or key do
not count for it. Prints a table in Markdown; `--out` writes every song's verdict as JSON.
"""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mousai.evaluation.judges.panel import JudgePanel
from mousai.evaluation.metrics.verdicts import judge_clips

ATTRIBUTES = ("genre", "tempo", "key", "lead")
NEW_STYLES = (
    *("deep house", "drum and bass", "dubstep", "synthwave", "lo-fi", "funk", "soul", "disco", "hard rock"),
    *("blues", "film score", "country", "reggaeton"),
)
"""Styles that composer 2 did not have."""


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Shares that the judges name right, as Markdown: all songs, old and new styles, each orchestra, each style."""
    orchestras = sorted({row["orchestra"] for row in rows})
    groups = {
        "all": rows,
        "styles of composer 2": [row for row in rows if row["style"] not in NEW_STYLES],
        "new styles": [row for row in rows if row["style"] in NEW_STYLES],
        **{f"orchestra {name}": [row for row in rows if row["orchestra"] == name] for name in orchestras},
        **{
            f"styles of composer 2, {name}": [
                row for row in rows if row["orchestra"] == name and row["style"] not in NEW_STYLES
            ]
            for name in orchestras
        },
        **{style: [row for row in rows if row["style"] == style] for style in sorted({row["style"] for row in rows})},
    }
    lines = ["| songs | number | style | tempo | key | lead | taken for |", "|---|---|---|---|---|---|---|"]
    for name, group in groups.items():
        shares = [share(group, attribute) for attribute in ATTRIBUTES]
        wrong = Counter(row["predicted_genre"] for row in group if not row["genre_right"])
        taken = ", ".join(f"{count} {genre}" for genre, count in wrong.most_common(3))
        lines.append(f"| {name} | {len(group)} | {' | '.join(shares)} | {taken} |")
    return "\n".join(lines)


def share(rows: Sequence[dict[str, Any]], attribute: str) -> str:
    """The share of songs of which an attribute is named right, in percent; a dash where none has it."""
    verdicts = [row[f"{attribute}_right"] for row in rows if row[f"{attribute}_right"] is not None]
    return f"{100 * sum(verdicts) / len(verdicts):.1f}" if verdicts else "-"


def main() -> None:
    """Judge a folder of songs and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="SONGS", help="a folder that mousai compose wrote")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the verdicts are written, as JSON")
    args = parser.parse_args()
    text = (args.folder / "metadata.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    judged = judge_clips(args.folder, rows, JudgePanel.load()).rows
    if args.out is not None:
        kept = ("file_name", "style", "orchestra", *(f"{name}_right" for name in ATTRIBUTES), "predicted_genre")
        args.out.write_text(json.dumps([{name: row[name] for name in kept} for row in judged], indent=1) + "\n")
    print(table(judged))


if __name__ == "__main__":
    main()
