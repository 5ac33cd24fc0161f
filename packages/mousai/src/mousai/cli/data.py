"""`mousai data`: a folder of music as training data."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mousai.cli.common.shared import say
from mousai.cli.data_annotate import add_annotate, run_annotate
from mousai.storage.system import is_terminal

if TYPE_CHECKING:
    from mousai.data.workers import Pool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `data` takes."""
    steps = parser.add_subparsers(metavar="STEP", required=True, dest="step")
    check = steps.add_parser(
        "check",
        help="read every file to its end; say what is there and what is wrong",
        description="Read every file below a folder to its end: durations, rates, captions, and every bad file. The "
        "exit code is 1 where more than a hundredth of the files is bad.",
    )
    check.add_argument(
        "folder", metavar="DIR", help="folder of audio files (.wav, .flac, .ogg, .mp3, ...), at any depth; or shards"
    )
    check.add_argument(
        "--report", metavar="FILE", help="write all of it as JSON too; an interrupted check then goes on with it"
    )
    _add_pool(check)
    check.add_argument("--overwrite", action="store_true", help="replace the report if it exists")
    encode = steps.add_parser(
        "encode",
        help="turn every song into latents once, for the training of stage 2",
        description="Encode every song of a folder with a model's autoencoder. An interrupted run goes on where it "
        "stopped; bad files are listed and left out, and more than a hundredth of them stops it.",
    )
    encode.add_argument("folder", metavar="DIR", help="folder of music, as `mousai data check` reads it, or shards")
    encode.add_argument(
        "-o", "--output", required=True, metavar="LATENTS", help="folder of latents to make or go on with"
    )
    encode.add_argument("--model", metavar="DIR_OR_ID", help="whose autoencoder (default: bundled, which comes along)")
    encode.add_argument("--revision", metavar="R", help="commit of a model of the hub, needed for one")
    encode.add_argument(
        "--offsets",
        type=int,
        default=2,
        metavar="N",
        help="encodings of each song, a little shifted (default 2)",
    )
    _add_pool(encode)
    shard = steps.add_parser(
        "shard",
        help="pack songs or latents into WebDataset files, to train from a disk or from object storage",
        description="Pack a folder of music (for stage 1), or the latents that `mousai data encode` made (for stage "
        "2), into WebDataset tar files. An interrupted run goes on where it stopped; bad files are listed and left "
        "out, and more than a hundredth of them stops it.",
    )
    shard.add_argument("folder", metavar="DIR", help="folder of music, or of latents")
    shard.add_argument("-o", "--output", required=True, metavar="SHARDS", help="folder to make or go on with")
    shard.add_argument(
        "--songs-per-shard", type=int, default=1000, metavar="N", help="songs in a file at most (default 1000)"
    )
    shard.add_argument(
        "--max-megabytes", type=int, default=1000, metavar="N", help="size of a file at most (default 1000)"
    )
    _add_pool(shard)
    add_annotate(steps)


def _add_pool(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--workers", type=int, metavar="N", help="processes (default: one for each core, or as the cluster has)"
    )
    parser.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="work on the Ray cluster at HOST:PORT instead, whose machines see the same files under the same paths; "
        "auto: the one of this machine, local: one that is started for this",
    )


def run(args: argparse.Namespace) -> int:
    """Do one step."""
    if args.step == "annotate":
        return run_annotate(args)
    from mousai.data.shards import is_elsewhere
    from mousai.data.workers import open_pool

    if args.ray is not None and not is_elsewhere(args.folder):
        args.folder = str(Path(args.folder).absolute())  # other machines and processes stand in other folders
    with open_pool(workers=args.workers, ray=args.ray) as pool:
        return {"check": _check, "encode": _encode, "shard": _shard}[args.step](args, pool)


def _shard(args: argparse.Namespace, pool: "Pool") -> int:
    from mousai.data.shards.pack import shard_songs

    done = shard_songs(
        Path(args.folder),
        Path(args.output).absolute(),
        songs_per_shard=args.songs_per_shard,
        max_megabytes=args.max_megabytes,
        pool=pool,
        progress=is_terminal(),
    )
    for name, why in done.bad.items():
        say([f"left out: {name}: {why}"], to=sys.stderr)
    print(f"{args.output}: {done.songs} songs in {done.shards} shards, {done.new} of them new, {len(done.bad)} bad")
    return 0


def _encode(args: argparse.Namespace, pool: "Pool") -> int:
    from mousai.data.latent_cache import encode_songs
    from mousai.data.melodies import with_melodies
    from mousai.data.shards import is_shards, records_of
    from mousai.data.skipped import say_skipped
    from mousai.storage.folders import describe, model_folder

    records = records_of(args.folder)
    if not is_shards(args.folder):
        say_skipped(Path(args.folder), records)
        records = with_melodies(records)
    model = model_folder(args.model, revision=args.revision)
    describe(model, need=["autoencoder"])
    done = encode_songs(
        model.absolute() / "autoencoder",
        Path(args.folder),
        records,
        Path(args.output).absolute(),
        offsets=args.offsets,
        pool=pool,
        progress=is_terminal(),
    )
    for line in done.lines():
        say([line], to=sys.stderr)
    print(f"{args.output}: {len(done.songs)} songs, {done.new} of them new, {len(done.bad)} bad")
    return 0


def _check(args: argparse.Namespace, pool: "Pool") -> int:
    from mousai.audio.outputs import check_output
    from mousai.data.check import check_records
    from mousai.data.shards import is_shards, records_of
    from mousai.data.skipped import skipped
    from mousai.storage.files import write_text

    path = None if args.report is None else check_output(args.report, args.overwrite, suffixes=(".json",))
    journal = None if path is None else path.with_name(f".{path.name}.files")
    records = records_of(args.folder)
    report = check_records(records, pool=pool, journal=journal, progress=is_terminal())
    if not is_shards(args.folder):
        report.skipped = skipped(Path(args.folder), records)
    say(report.lines())
    if path is not None:
        write_text(path, json.dumps(report.to_dict(), indent=2, ensure_ascii=False) + "\n")
    if journal is not None:
        journal.unlink(missing_ok=True)
    return 0 if report.is_usable else 1
