"""Where the figures of a run go if nothing else is said: beside the benchmarks, in a folder that git passes over."""

import argparse
import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def add_out(parser: argparse.ArgumentParser, name: str) -> None:
    """Add `--out`.

    Args:
        parser: of the benchmark.
        name: of its file in `RESULTS`.
    """
    parser.add_argument(
        "--out",
        type=Path,
        default=RESULTS / name,
        metavar="FILE",
        help=f"where the figures are written, as JSON (default: benchmarks/results/{name})",
    )


def write_figures(path: Path, figures: Any) -> None:
    """Write figures as JSON, in a folder that is made if it is missing; a long run does so after each of them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
