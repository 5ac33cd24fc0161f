"""`mousai evaluate`: does the music follow the prompt, and how good does it sound?"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mousai.cli.common.lora_options import check_lora, check_lora_fits
from mousai.cli.common.shared import say
from mousai.errors import UserError, install_hint

if TYPE_CHECKING:
    from mousai.evaluation.config import EvaluationConfig
    from mousai.evaluation.control_config import ControlConfig

_NEEDED = ("librosa", "matplotlib", "scipy", "yaml")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `evaluate` takes."""
    from mousai.cli.common.lora_options import add_lora_arguments
    from mousai.cli.common.shared import add_device_arguments

    parser.add_argument(
        "model",
        nargs="?",
        metavar="MODEL",
        help="folder of a model, its id on the Hugging Face hub, or bundled, the model in this package (the default, "
        "unless --clips is given)",
    )
    parser.add_argument("--revision", metavar="R", help="commit of a model on the hub, needed for one")
    add_device_arguments(parser)
    add_lora_arguments(parser)
    parser.add_argument(
        "-o",
        "--out",
        default="evaluation",
        metavar="DIR",
        help="folder of report.html, report.json and the audio; an interrupted run continues (default evaluation)",
    )
    parser.add_argument(
        "--require",
        action="append",
        default=[],
        metavar="FILE",
        help="YAML file of limits, such as 'key: {at_least: 0.8}'; each limit that fails is printed, and then the exit "
        "code is 1. May be given several times",
    )
    clips = parser.add_argument_group("clips")
    clips.add_argument(
        "--clips",
        action="append",
        default=[],
        metavar="DIR",
        help="judge the clips of this folder: clips.jsonl or metadata.jsonl with file_name, prompt, and what is known "
        "of genre, bpm, key and lead. A MODEL beside it generates clips for the same prompts. May be given several "
        "times",
    )
    clips.add_argument("--prompts", type=int, metavar="N", help="use only the first N of the 40 prompts, and no grid")
    clips.add_argument(
        "--hand-prompts",
        metavar="PART",
        help="100 prompts that were written by hand in place of the 40 and the grid: held-out (no caption was worded "
        "after them) or shown",
    )
    clips.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the first clip (default 0)")
    clips.add_argument(
        "--no-reference-renders",
        action="store_true",
        help="leave out the composer's renders of the same prompts, which need FluidSynth and are what the metrics are "
        "compared with",
    )
    clips.add_argument(
        "--quick", action="store_true", help="two prompts of 8 s in two steps, to see whether everything runs"
    )
    _add_control_options(parser)
    more = parser.add_argument_group("more metrics")
    more.add_argument(
        "--long",
        type=float,
        metavar="S",
        help="also judge long pieces of S seconds: are tempo and key right at the start and at the end?",
    )
    more.add_argument(
        "--prompt-robustness",
        action="store_true",
        help="also give ten of the prompts in other words (clauses in another order; meaningless words added), and "
        "generate four clips without a prompt",
    )
    more.add_argument(
        "--songs", type=int, default=6, metavar="N", help="composed songs for the autoencoder; 0 for none (default 6)"
    )
    more.add_argument(
        "--files", nargs="+", default=[], metavar="FILE", help="recordings for the autoencoder (20 s of each)"
    )
    more.add_argument(
        "--two-sample-test",
        type=int,
        default=0,
        metavar="N",
        help="compose N songs and test whether a small net can tell decoded from true excerpts of songs that it did "
        "not learn from (24 are usual)",
    )
    more.add_argument(
        "--training-songs",
        metavar="DIR",
        help="folder of `mousai compose` that the model learned from, to look for memorization",
    )


def _add_control_options(parser: argparse.ArgumentParser) -> None:
    from mousai.evaluation.control_config import PARTS

    group = parser.add_argument_group(
        "control", "What people do with a piece, measured on songs and prompts that no training saw."
    )
    group.add_argument(
        "--control",
        action="store_true",
        help="measure edits, continuations, loops, chords, melodies, variations and streams, instead of clips of the "
        "prompts",
    )
    group.add_argument("--control-and-clips", action="store_true", help="the same beside clips of the prompts")
    group.add_argument(
        "--control-parts", nargs="+", choices=PARTS, metavar="PART", help=f"only these: {', '.join(PARTS)}"
    )
    group.add_argument(
        "--control-songs",
        type=int,
        metavar="N",
        help="songs, loops and changes of each part (default 40; 20 for loop, vary and stream)",
    )
    group.add_argument(
        "--references",
        metavar="DIR",
        help="folder of songs that no training saw, with their tempo, key, chords and melody, as `mousai compose` "
        "writes it (default: songs are composed here, which needs FluidSynth)",
    )
    group.add_argument(
        "--control-stream-seconds",
        type=float,
        metavar="S",
        help="length of the stream whose speed and memory are measured (default 120)",
    )


def run(args: argparse.Namespace) -> int:
    """Evaluate, print the metrics, say where the report is and which limits fail; 1 if one does."""
    config = _config(args)
    from mousai.evaluation.limits import check_measurable, failures, read_limits

    limits = [limit for file in args.require for limit in read_limits(Path(file))]
    check_measurable(limits, config)

    from mousai.evaluation.report.control import control_lines
    from mousai.evaluation.report.metric_table import comparison_lines, metric_lines
    from mousai.evaluation.run import evaluate

    result = evaluate(config)
    if len(config.clips) + (config.model is not None) > 1:
        say([*comparison_lines(result.summaries), ""])
    if result.summaries and result.metrics:
        say([*metric_lines(result.metrics), ""])
    if lines := control_lines(result):
        say([*lines, ""])
    print(config.out / "report.html")
    if not limits:
        return 0
    failed = failures(limits, result.metrics)
    say(failed or [f"all {len(limits)} limits hold"])
    return 1 if failed else 0


def _control_config(args: argparse.Namespace) -> "ControlConfig | None":
    """What is measured of control; `None` where it is not asked for."""
    from mousai.evaluation.control_config import ControlConfig

    given: dict[str, Any] = {
        "control_parts": args.control_parts and tuple(dict.fromkeys(args.control_parts)),
        "control_songs": args.control_songs,
        "references": None if args.references is None else Path(args.references),
        "control_stream_seconds": args.control_stream_seconds,
    }
    given = {name: value for name, value in given.items() if value is not None}
    if args.control and args.control_and_clips:
        raise UserError("control", None, "is part of --control-and-clips; leave one of the two out")
    if not (args.control or args.control_and_clips):
        for name in given:
            raise UserError(name, None, "says how control is measured; give --control too")
        return None
    if args.model is None and args.clips:
        raise UserError("control_and_clips", None, "measures control of a model; give a MODEL beside the clips")
    return ControlConfig(**{name.removeprefix("control_"): value for name, value in given.items()})


def _config(args: argparse.Namespace) -> "EvaluationConfig":
    """The settings that the options ask for.

    Raises:
        UserError: an option is impossible; it is raised before anything heavy is loaded.
    """
    if args.revision is not None and args.model in (None, "bundled"):
        raise UserError("revision", None, "is the commit of a model on the hub; give that MODEL too")
    if args.lora is not None and args.model is None and args.clips:
        raise UserError("lora", args.lora, "is added to a model, and clips alone are judged here; give MODEL too")
    check_lora(args)
    _check_installed()
    from dataclasses import replace

    from mousai.evaluation.config import EvaluationConfig

    config = EvaluationConfig(
        out=Path(args.out),
        model_name=_name(args),
        lora=None if args.lora is None else Path(args.lora),
        lora_scale=args.lora_scale,
        clips=tuple(Path(name).resolve() for name in args.clips),
        prompts=args.prompts,
        hand_prompts=args.hand_prompts,
        quick=args.quick,
        seed=args.seed,
        device=args.device,
        dtype=args.dtype,
        reference_renders=not args.no_reference_renders,
        long=args.long or 0.0,
        prompt_robustness=args.prompt_robustness,
        songs=args.songs,
        files=tuple(Path(name) for name in args.files),
        two_sample_test=args.two_sample_test,
        training_songs=None if args.training_songs is None else Path(args.training_songs),
        control=_control_config(args),
        usual=not args.control,
    )
    if args.model is None and args.clips:
        return config
    from mousai.cli.common.shared import checked_device
    from mousai.storage.folders import describe, model_folder
    from mousai.storage.parts import PARTS

    device = checked_device(args)
    folder = model_folder(args.model, revision=args.revision)
    describe(folder, need=PARTS)
    check_lora_fits(args, folder)
    return replace(config, model=folder, device=device)


def _name(args: argparse.Namespace) -> str:
    """Name of the model in the report, with the adapter that is added to it."""
    name = args.model or "bundled"
    if args.lora is None:
        return name
    return f"{name} with {args.lora}" + ("" if args.lora_scale is None else f" at {args.lora_scale:g}")


def _check_installed() -> None:
    from importlib.util import find_spec

    for name in _NEEDED:
        if find_spec(name) is None:
            raise UserError(f"evaluating needs {name}; {install_hint('evaluate')}")
