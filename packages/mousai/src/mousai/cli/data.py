"""`mousai data`: a folder of music as training data."""

import argparse
import json
import sys
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `data` takes."""
    steps = parser.add_subparsers(metavar="STEP", required=True, dest="step")
    check = steps.add_parser(
        "check",
        help="read every file to its end; say what is there and what is wrong",
        description="Read every file below a folder to its end: durations, rates, captions, and every bad file. The "
        "exit code is 1 where more than a hundredth of the files is bad.",
    )
    check.add_argument("folder", metavar="DIR", help="folder of .wav, .flac, .ogg and .mp3 files, at any depth")
    check.add_argument("--report", metavar="FILE", help="write all of it as JSON too")
    check.add_argument("--workers", type=int, metavar="N", help="processes (default: one for each core)")
    check.add_argument("--overwrite", action="store_true", help="replace the report if it exists")


def run(args: argparse.Namespace) -> int:
    """Check a folder."""
    from mousai.audio import check_output
    from mousai.data.check import check_records
    from mousai.data.records import find_records
    from mousai.errors import UserError
    from mousai.files import atomic_file

    if args.workers is not None and args.workers < 1:
        raise UserError(f"--workers {args.workers}: must be 1 or more")
    path = None if args.report is None else check_output(args.report, args.overwrite, suffixes=(".json",))
    report = check_records(find_records(Path(args.folder)), workers=args.workers, progress=sys.stderr.isatty())
    print("\n".join(report.lines()))
    if path is not None:
        with atomic_file(path) as partial:
            partial.write_text(json.dumps(report.to_dict(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0 if report.is_usable else 1
