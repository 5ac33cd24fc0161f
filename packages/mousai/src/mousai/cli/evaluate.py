"""`mousai evaluate`: does the music follow the prompt, and how good does it sound?"""

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING

from mousai.errors import UserError

if TYPE_CHECKING:
    from mousai.evaluation.run import Plan

_NEEDED = ("librosa", "matplotlib", "scipy")
_PROMPTS = 40


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `evaluate` takes."""
    parser.add_argument(
        "model",
        nargs="?",
        metavar="MODEL",
        help="folder of a model, its id on the Hugging Face hub, or bundled for the model that comes along (the "
        "default, unless --clips is given)",
    )
    parser.add_argument("--revision", metavar="R", help="commit of a model of the hub, needed for one")
    parser.add_argument(
        "--dtype", choices=("auto", "float32", "bfloat16"), default="auto", help="number format to compute in"
    )
    parser.add_argument(
        "-o",
        "--out",
        default="evaluation",
        metavar="DIR",
        help="folder of report.html, report.json and the sounds; an interrupted run goes on (default evaluation)",
    )
    parser.add_argument(
        "--clips",
        action="append",
        default=[],
        metavar="DIR",
        help="judge the clips of this folder too: clips.jsonl or metadata.jsonl with file_name, prompt, and what is "
        "known of genre, bpm, key and lead. A MODEL beside it plays the same prompts. May be given several times",
    )
    parser.add_argument(
        "--prompts", type=int, metavar="N", help=f"only the first N of the {_PROMPTS} prompts, without the grid"
    )
    parser.add_argument("--quick", action="store_true", help="two prompts of 8 s in two steps: does everything run?")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the first piece (default 0)")
    parser.add_argument(
        "--no-true-renders",
        action="store_true",
        help="leave out the composer's renders of the same wishes, which need FluidSynth; without them no figure is a "
        "share of what the judges can hear",
    )
    parser.add_argument(
        "--long", type=float, metavar="S", help="also whole songs of S seconds: do they keep time and key?"
    )
    parser.add_argument(
        "--reworded",
        action="store_true",
        help="also ten of the prompts in other words (clauses in another order; with words that mean nothing), and "
        "four pieces without a prompt",
    )
    group = parser.add_argument_group("the autoencoder")
    group.add_argument(
        "--songs", type=int, default=6, metavar="N", help="songs composed afresh to measure it on; 0 = none (default 6)"
    )
    group.add_argument(
        "--files", nargs="+", default=[], metavar="FILE", help="recordings to measure it on too (20 s of each)"
    )
    parser.add_argument(
        "--training-songs",
        metavar="DIR",
        help="folder from `mousai compose` that the model learned from, to look for copies in what it plays",
    )


def run(args: argparse.Namespace) -> int:
    """Evaluate, print the table, and say where the report is."""
    plan = _plan(args)
    from mousai.evaluation.run import evaluate, lines

    result = evaluate(plan)
    print("\n".join(lines(result)))
    print(f"\n{plan.out / 'report.html'}")
    return 0


def _plan(args: argparse.Namespace) -> "Plan":
    """What the options ask for.

    Raises:
        UserError: one is impossible; said before anything heavy is loaded.
    """
    if args.prompts is not None and not 1 <= args.prompts <= _PROMPTS:
        raise UserError(f"--prompts {args.prompts}: must be 1 to {_PROMPTS}")
    if args.prompts is not None and args.clips:
        raise UserError("--prompts: with --clips the prompts are those of the clips; leave one of the two out")
    if not 0 <= args.seed < 2**62:
        raise UserError(f"--seed {args.seed}: must be 0 or more, below 2^62")
    if args.long is not None and not (math.isfinite(args.long) and 40 <= args.long <= 3600):
        raise UserError(f"--long {args.long:g}: must be 40 to 3600 seconds")
    if args.reworded and args.clips:
        raise UserError("--reworded: is measured on the prompts of this command; leave --clips out")
    if not 0 <= args.songs <= 1000:
        raise UserError(f"--songs {args.songs}: must be 0 to 1000")
    if args.revision is not None and args.model in (None, "bundled"):
        raise UserError("--revision: is the commit of a model of the hub; name the model too")
    for name in args.clips:
        if not Path(name).is_dir():
            raise UserError(f"--clips {name}: no such folder")
    for name in args.files:
        if not Path(name).is_file():
            raise UserError(f"--files {name}: no such file")
    if args.training_songs is not None and not (Path(args.training_songs) / "metadata.jsonl").is_file():
        raise UserError(f"--training-songs {args.training_songs}: holds no metadata.jsonl; give a folder of songs")
    names = [Path(name).resolve().name for name in args.clips]
    if twice := [name for name in names if names.count(name) > 1]:
        raise UserError(f"--clips: two folders are called {twice[0]}; rename one")
    out = Path(args.out)
    if out.exists() and not out.is_dir():
        raise UserError(f"--out {out}: is a file; give a folder")
    _check_installed()
    if args.model is not None and args.model != "bundled" and not Path(args.model).exists() and args.revision is None:
        raise UserError(f"{args.model}: no such folder; give a model folder, or a model of the hub with --revision")

    from mousai.evaluation.run import Plan
    from mousai.storage.folders import describe, model_folder
    from mousai.storage.parts import PARTS

    folder = None
    if args.model is not None or not args.clips:
        folder = model_folder(args.model, revision=args.revision)
        describe(folder, need=PARTS)
    return Plan(
        out=out,
        model=folder,
        model_name=args.model or "bundled",
        clips=tuple(Path(name).resolve() for name in args.clips),
        prompts=args.prompts,
        quick=args.quick,
        seed=args.seed,
        dtype=args.dtype,
        true_renders=not args.no_true_renders,
        long=args.long or 0.0,
        reworded=args.reworded,
        songs=args.songs,
        files=tuple(Path(name) for name in args.files),
        training_songs=None if args.training_songs is None else Path(args.training_songs),
    )


def _check_installed() -> None:
    from importlib.util import find_spec

    for name in _NEEDED:
        if find_spec(name) is None:
            raise UserError(f"evaluating needs {name}: pip install 'mousai-music[evaluate]'")
