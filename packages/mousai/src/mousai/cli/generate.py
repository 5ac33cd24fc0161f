"""`mousai generate`: sentences in, music out."""

import argparse
import secrets
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from mousai.cli.common.control_options import add_control_options, plan_arguments, read_controls, shown_melody
from mousai.cli.common.lora_options import add_lora_arguments, check_lora
from mousai.cli.common.request_options import loaded, model_facts
from mousai.cli.common.sampling_options import add_sampling_options, check_settings, given_settings
from mousai.cli.common.shared import (
    add_compile_argument,
    add_model_arguments,
    add_output_arguments,
    check_text,
    checked_device,
    described_model,
    say_unread,
)
from mousai.errors import UserError

if TYPE_CHECKING:
    from mousai.conditioning.control_plan import ControlPlan


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `generate` takes."""
    parser.add_argument(
        "prompt",
        nargs="+",
        metavar="PROMPT",
        help="what the music is like, in quotes: style, tempo (128 bpm), key (E minor), instruments, mood. "
        "Several sentences make a piece each; their files are numbered, song-1.wav, song-2.wav, ...",
    )
    add_output_arguments(parser, files=".wav, .flac, .ogg or .mp3; with several pieces it is numbered before the dot")
    parser.add_argument("--negative-prompt", metavar="P", help="a sentence to stay away from")
    parser.add_argument("--duration", type=float, metavar="S", help="seconds of music (default 20)")
    parser.add_argument(
        "--count", type=int, default=1, metavar="N", help="pieces for each sentence, numbered likewise (default 1)"
    )
    parser.add_argument(
        "--best-of",
        type=int,
        metavar="N",
        help="make so many for each piece, and keep the one that is most like what was asked for by the judges of "
        "tempo, key, lead and chords; its file stores its own seed, and their verdict",
    )
    parser.add_argument(
        "--seed",
        type=int,
        metavar="N",
        help="the same number makes the same music again, and another number other music; the second piece has the "
        "number after it, and so on (default: drawn at random, and printed)",
    )
    add_control_options(parser, clock="Bars begin at 0 s, at the tempo of the sentence.")
    group = parser.add_argument_group("how it is made (by default as the model is best run)")
    add_sampling_options(group, leave_out=("strength", "inpaint_resamples"))
    parser.add_argument("--init-audio", help=argparse.SUPPRESS)
    add_model_arguments(parser)
    add_lora_arguments(parser)
    add_compile_argument(parser)


@dataclass(frozen=True)
class _Piece:
    prompt: str
    seed: int
    path: Path


def run(args: argparse.Namespace) -> int:
    """Make the pieces that the parsed options ask for.

    One after the other, so that memory is needed for one, each is on disk when it is done, and each can be made again
    alone: piece k of a call has the seed after that of piece k - 1, as in Python.
    """
    pieces = _pieces(args)
    _check(args)
    checked_device(args)
    plan = read_controls(args, described_model(args)[1])
    _check_plan(args, plan)
    print("".join(f"{line}\n" for line in shown_melody(plan)), end="", flush=True)
    pipeline = loaded(args)
    say_unread(pipeline, [*args.prompt, args.negative_prompt or ""])
    metadata = model_facts(args)
    for piece in pieces:
        pipeline.set_progress_bar_config(desc=piece.path.name)
        arguments = {
            "negative_prompt": args.negative_prompt,
            "duration": args.duration,
            "seed": piece.seed,
            **plan_arguments(plan),
            **given_settings(args),
        }
        verdict = ""
        if args.best_of is None:
            result = pipeline(piece.prompt, **arguments)
        else:
            from mousai.evaluation.best_of import best_of

            result, heard = best_of(pipeline, piece.prompt, args.best_of, **arguments)
            verdict = f"best of {args.best_of}: {heard}"
        stored = {**metadata, "verdict": verdict} if verdict else metadata
        result.save(piece.path, overwrite=args.overwrite, metadata=stored)
        seconds = result.audios.shape[-1] / result.sample_rate
        tempo = result.tempos[0]
        usual = "" if tempo is None else f", {tempo:g} bpm as usual for these words"
        print(f"{piece.path}: {seconds:.2f} s, seed {result.seed}{usual}{verdict and f', {verdict}'}", flush=True)
    return 0


def _pieces(args: argparse.Namespace) -> list[_Piece]:
    """Every piece with its seed and its file, which can be written.

    Raises:
        UserError: a prompt or a file is not as it must be.
    """
    from mousai.arguments import check_count, check_seed
    from mousai.audio.outputs import check_output
    from mousai.output import numbered

    if len(args.prompt) > 1 and all(len(prompt.split()) == 1 for prompt in args.prompt):
        print(
            f"mousai: {len(args.prompt)} words make {len(args.prompt)} pieces; put a sentence in quotes for one piece",
            file=sys.stderr,
        )
    for prompt in args.prompt:
        check_text("prompt", prompt)
    check_text("negative_prompt", args.negative_prompt or "")
    check_count(args.count, "count")
    if args.best_of is not None:
        _check_choice(args)
    prompts = [prompt for prompt in args.prompt for _ in range(args.count)]
    paths = numbered(Path(args.output), len(prompts))
    for path in paths:
        check_output(path, args.overwrite)
    seed = secrets.randbelow(2**32) if args.seed is None else args.seed
    tries = 1 if args.best_of is None else args.best_of
    check_seed(seed, len(prompts) * tries)
    return [_Piece(prompt, seed + k * tries, path) for k, (prompt, path) in enumerate(zip(prompts, paths, strict=True))]


def _check_choice(args: argparse.Namespace) -> None:
    """Refuse a choice that the judges cannot make.

    Raises:
        UserError: they are not installed, or a prompt gives them nothing to choose by.
    """
    from mousai.arguments import check_count
    from mousai.errors import install_hint

    check_count(args.best_of, "best_of")
    if find_spec("librosa") is None or find_spec("mir_eval") is None:
        raise UserError("best_of", args.best_of, f"needs the judges; {install_hint('evaluate')}")
    from mousai.evaluation.best_of import check_choice

    for prompt in args.prompt:
        check_choice(prompt, chords=args.chords)


def _check(args: argparse.Namespace) -> None:
    """Refuse what cannot be made, before any model is read."""
    from mousai.arguments import check_duration

    if args.init_audio is not None:
        raise UserError("init_audio", args.init_audio, "new music is made from a recording by mousai vary")
    if args.duration is not None:
        check_duration(args.duration)
    check_settings(args)
    check_lora(args)


def _check_plan(args: argparse.Namespace, plan: "ControlPlan | None") -> None:
    """Refuse chords, a melody or a form that do not fit a piece."""
    from mousai.arguments import MAX_DURATION
    from mousai.conditioning.attributes import parse_attributes
    from mousai.pipeline import DURATION

    if plan is None:
        return
    for prompt in args.prompt:
        attributes = parse_attributes(prompt)
        plan.placed(attributes, 0.0, plan.duration([attributes], args.duration, most=MAX_DURATION) or DURATION)
