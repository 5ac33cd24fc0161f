"""`mousai data annotate`: tempo, first downbeat, key, chords and loudness of a folder of real music."""

import argparse
import sys
from pathlib import Path
from typing import Any

from mousai.errors import UserError, install_hint
from mousai.storage.system import is_terminal


def add_annotate(steps: Any) -> None:
    """Add the step to the parsers of `mousai data`."""
    parser: argparse.ArgumentParser = steps.add_parser(
        "annotate",
        help="estimate tempo, downbeat, key, chords and loudness of every song that lacks them",
        description="Listen to every song of a folder, and write what its metadata lacks of bpm, first_downbeat, key, "
        "chords and loudness to annotations.jsonl in that folder, each with a confidence. Check, encode, shard and "
        "train read it beside the metadata, which counts for more and is never changed. Bars of four beats are "
        "assumed. An interrupted run goes on where it stopped; bad files are listed and left out.",
    )
    parser.add_argument("folder", metavar="DIR", help="folder of music, as `mousai data check` reads it")
    parser.add_argument(
        "--min-confidence",
        type=float,
        default=0.5,
        metavar="X",
        help="leave out what is less certain, 0 (nothing) to 1 (all that is not certain); default 0.5",
    )
    parser.add_argument("--overwrite", action="store_true", help="annotate anew what was annotated before")


def run_annotate(args: argparse.Namespace) -> int:
    """Annotate a folder and say what was found."""
    try:
        import librosa  # noqa: F401
    except ImportError:
        raise UserError(f"listening to music needs librosa; {install_hint('evaluate')}") from None
    from tqdm import tqdm

    from mousai.evaluation.annotate import annotate_folder

    with tqdm(desc="annotating", unit="song", disable=not is_terminal()) as bar:

        def each(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        found = annotate_folder(
            Path(args.folder), min_confidence=args.min_confidence, overwrite=args.overwrite, each=each
        )
    for name, why in found.bad.items():
        print(f"left out: {name}: {why}", file=sys.stderr)
    for field, count in found.counts.items():
        unsure = found.unsure[field]
        print(f"{field + ':':<16}{count} songs" + (f", {unsure} too uncertain" if unsure else ""))
    if found.already:
        print(f"before:         {len(found.already)} songs")
    print(found.table)
    return 0
