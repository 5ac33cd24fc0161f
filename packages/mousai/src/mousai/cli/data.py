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
    encode = steps.add_parser(
        "encode",
        help="turn every song into latents once, for the training of a generator",
        description="Encode every song of a folder with a model's autoencoder. An interrupted run goes on where it "
        "stopped; bad files are listed and left out, and more than a hundredth of them stops it.",
    )
    encode.add_argument("folder", metavar="DIR", help="folder of music, as `mousai data check` reads it")
    encode.add_argument(
        "-o", "--output", required=True, metavar="LATENTS", help="folder of latents to make or go on with"
    )
    encode.add_argument("--model", metavar="DIR_OR_ID", help="whose autoencoder (default: the model that comes along)")
    encode.add_argument("--revision", metavar="R", help="commit of a model of the hub, needed for one")
    encode.add_argument(
        "--offsets",
        type=int,
        default=2,
        metavar="N",
        help="encodings of each song, a little shifted (default 2)",
    )
    encode.add_argument("--workers", type=int, default=1, metavar="N", help="processes (default 1, with all threads)")


def run(args: argparse.Namespace) -> int:
    """Do one step."""
    return _encode(args) if args.step == "encode" else _check(args)


def _encode(args: argparse.Namespace) -> int:
    from mousai.data.latent_cache import encode_songs
    from mousai.data.records import find_records
    from mousai.folders import describe, model_folder

    folder = Path(args.folder)
    records = find_records(folder, tags=False)
    model = model_folder(args.model, revision=args.revision)
    describe(model, need=["autoencoder"])
    done = encode_songs(
        model / "autoencoder",
        folder,
        records,
        Path(args.output),
        offsets=args.offsets,
        workers=args.workers,
        progress=sys.stderr.isatty(),
    )
    for name, why in done.bad.items():
        print(f"left out: {name}: {why}", file=sys.stderr)
    print(f"{args.output}: {len(done.songs)} songs, {done.new} of them new, {len(done.bad)} bad")
    return 0


def _check(args: argparse.Namespace) -> int:
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
