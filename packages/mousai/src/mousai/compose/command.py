"""The command line of the composer: `add_arguments` and `run`, shared by `mousai compose` and `python -m`."""

import argparse
import sys

from ..processes import exit_code
from .production.orchestras import EXAMINATION, ORCHESTRAS, TRAINING
from .rendering.balance import LEAD_LEVEL, LOUDEST
from .styles import GENRES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the composer's options to a parser."""
    parser.add_argument("--songs", type=int, required=True, metavar="N", help="how many songs to write")
    parser.add_argument("--out", required=True, metavar="DIR", help="folder of songs and all that is known of them")
    parser.add_argument("--seed", type=int, default=0, help="another seed gives other songs (default 0)")
    parser.add_argument("--duration", type=float, default=30.0, metavar="S", help="seconds of every song (default 30)")
    parser.add_argument(
        "--palette",
        default="style",
        help="style: the instruments of each style; leads: the same, but any lead instrument has the melody; "
        "all: any of the 128 General MIDI instruments (default style)",
    )
    parser.add_argument(
        "--lead-level",
        type=float,
        default=LEAD_LEVEL,
        metavar="DB",
        help=f"how much louder the lead is than everything else together, {-LOUDEST:g} to {LOUDEST:g} dB "
        f"(default {LEAD_LEVEL:g})",
    )
    parser.add_argument(
        "--orchestra",
        default="train",
        metavar="NAME",
        help=f"the soundfonts that songs draw from: {', '.join(ORCHESTRAS)}, several with commas, train "
        f"({', '.join(TRAINING)}) or examine ({', '.join(EXAMINATION)}); $MOUSAI_SOUNDFONT forces a file "
        "(default train)",
    )
    parser.add_argument("--dry", action="store_true", help="the sound of the soundfont alone, without a production")
    parser.add_argument("--genre", default=None, help=f"only this genre or style: {', '.join(GENRES)} (default: all)")
    parser.add_argument(
        "--stems",
        action="store_true",
        help="also write drums, bass, chords and lead as files of their own",
    )
    parser.add_argument("--workers", type=int, default=None, metavar="N", help="processes (default: one per core)")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def run(args: argparse.Namespace) -> int:
    """Write the data set that the parsed options ask for; returns the exit code.

    Raises:
        UserError: an option is impossible, a program is missing, or the folder cannot be used.
    """
    from .dataset import write_dataset

    try:
        path = write_dataset(
            args.out,
            songs=args.songs,
            seed=args.seed,
            duration=args.duration,
            palette=args.palette,
            lead_level=args.lead_level,
            orchestra=args.orchestra,
            dry=args.dry,
            genre=args.genre,
            stems=args.stems,
            workers=args.workers,
            progress=not args.quiet,
        )
    except KeyboardInterrupt as stopped:
        print("mousai compose: interrupted; the same command goes on where it stopped", file=sys.stderr)
        return exit_code(stopped)
    print(path)
    return 0
