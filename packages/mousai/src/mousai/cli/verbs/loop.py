"""`mousai loop`: whole bars at exactly a tempo, or a region of a recording, whose end runs into their beginning."""

import argparse
from pathlib import Path
from typing import Any

from mousai.cli.common.control_options import (
    NAMES,
    add_control_options,
    control_words,
    plan_arguments,
    read_controls,
    shown_melody,
)
from mousai.cli.common.lora_options import add_lora_arguments
from mousai.cli.common.recordings import check_first, known_attributes, make, read_own
from mousai.cli.common.request_options import (
    add_clock_arguments,
    add_request_arguments,
    check_request,
    drawn_seed,
    loaded,
    model_facts,
    model_words,
    stored_command,
)
from mousai.cli.common.sampling_options import add_sampling_options, given_settings
from mousai.cli.common.shared import add_compile_argument, add_model_arguments, described_model, say_unread
from mousai.errors import UserError
from mousai.settings import number_word
from mousai.verbs.command_line import setting_words, span_word

BARS = 8
"""Bars of a loop where nothing else is said."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `loop` takes."""
    parser.add_argument(
        "prompt",
        nargs="?",
        metavar="PROMPT",
        help="what the music is like, in quotes, with its tempo (124 bpm) unless --tempo gives it",
    )
    parser.add_argument(
        "--bars",
        type=int,
        metavar="N",
        help=f"bars of four beats (default {BARS}); of a recording, those from its first downbeat on",
    )
    add_request_arguments(parser)
    group = parser.add_argument_group("a recording that is to loop")
    group.add_argument("--of", dest="audio", metavar="FILE", help="recording of any rate, mono or stereo")
    group.add_argument("--region", metavar="START:END", help="seconds of it, 8:16 for the eight seconds from 8 on")
    group.add_argument(
        "--seam",
        dest="seam_seconds",
        type=float,
        metavar="S",
        help="seconds at its end that are made anew (default: a quarter of it, at most 2)",
    )
    add_clock_arguments(parser)
    add_control_options(parser, clock="For a new loop, whose first bar begins at 0 s.")
    group = parser.add_argument_group("how it is made (by default as the model is best run)")
    add_sampling_options(group, leave_out=("strength",))
    add_model_arguments(parser)
    add_lora_arguments(parser)
    add_compile_argument(parser)
    parser.set_defaults(verb="loop", late="prompt")


def run(args: argparse.Namespace) -> int:
    """Make the loop that the parsed options ask for."""
    return _of_prompt(args) if args.audio is None else _of_recording(args)


def _of_prompt(args: argparse.Namespace) -> int:
    from mousai.conditioning.attributes import MusicAttributes, parse_attributes
    from mousai.verbs.looping import loop_controls, wanted_bars

    if args.prompt is None:
        raise UserError("prompt", hint="say what the loop is like, or which recording is to loop: --of song.flac")
    for name in ("region", "seam_seconds"):
        if getattr(args, name) is not None:
            raise UserError(name, getattr(args, name), "says which part of a recording is to loop; give --of too")
    if args.first_downbeat is not None:
        raise UserError("first_downbeat", args.first_downbeat, "a new loop begins at its first downbeat; leave it out")
    if args.inpaint_resamples is not None:
        raise UserError("inpaint_resamples", args.inpaint_resamples, "fits new music to a recording; give --of too")
    if args.tempo is None and parse_attributes(args.prompt).tempo is None:
        hint = "names no tempo, which a loop needs; say 124 bpm in it, or give --tempo"
        raise UserError("prompt", args.prompt, hint)
    bars = BARS if args.bars is None else args.bars
    check_request(args)
    length = wanted_bars([args.prompt], bars, args.tempo)
    plan = read_controls(args, described_model(args)[1])
    if plan is not None:
        loop_controls(plan, length)  # refuses what does not fit
    print("".join(f"{line}\n" for line in shown_melody(plan)), end="", flush=True)
    seed, path, pipeline = drawn_seed(args), Path(args.output), loaded(args)
    pipeline.set_progress_bar_config(desc=path.name)
    say_unread(pipeline, [args.prompt, args.negative_prompt or ""])
    result = pipeline.loop(
        args.prompt,
        bars=bars,
        tempo=args.tempo,
        negative_prompt=args.negative_prompt,
        seed=seed,
        attributes=MusicAttributes(key=parse_attributes(args.key or "").key),
        **plan_arguments(plan),
        **given_settings(args),
    )
    known = ["--bars", str(bars), "--seed", str(seed)]
    known += ["--tempo", number_word(args.tempo)] if args.tempo is not None else []
    known += ["--key", args.key] if args.key is not None else []
    facts = {**model_facts(args), **({"key": args.key} if args.key is not None else {})}
    known += [*model_words(args), *control_words(args), *setting_words(given_settings(args))]
    facts |= stored_command([args.verb, args.prompt, *known], result.settings.get("dtype"))
    result.save(path, overwrite=args.overwrite, metadata=facts)
    samples, moved = result.audios.shape[-1], float(result.settings["pitch_cents"])
    pitch = f", pitch {abs(moved):.1f} cents {'higher' if moved > 0 else 'lower'}" if moved else ""
    seconds = samples / result.sample_rate
    print(f"{path}: {bars} bars at {length.tempo:g} bpm, {seconds:.3f} s, {samples} samples{pitch}, seed {seed}")
    return 0


def _of_recording(args: argparse.Namespace) -> int:
    from mousai.regions import Region, parse_span
    from mousai.verbs.looping import Bars, check_loop_region

    for name in NAMES:
        if getattr(args, name) is not None:
            hint = "is for a new loop; of a recording only the seam is made anew, so leave it out"
            raise UserError(name, getattr(args, name), hint)
    span = None if args.region is None else parse_span(args.region, "region")
    if span is not None and args.bars is not None:
        raise UserError("bars", args.bars, "is told by --region too; give one of the two")
    if span is None and args.bars is None:
        raise UserError("region", hint="say which part is to loop: --region 8:16 in seconds, or --bars 4")
    args.recording = args.audio
    made = check_first(args)
    if args.bars is not None and args.tempo is not None:
        Bars(bars=args.bars, tempo=args.tempo)
    recording = read_own(args.audio)
    if span is not None:
        check_loop_region(Region(*span), recording, seam=args.seam_seconds)
    attributes = known_attributes(args, recording, made, around=span[0] if span else 0.0)
    if span is None:
        if attributes.tempo is None:
            raise UserError("bars", args.bars, "needs the tempo; give --tempo and --first-downbeat")
        length = Bars(bars=args.bars, tempo=attributes.tempo)
        span = (attributes.first_downbeat, attributes.first_downbeat + length.seconds)
        if span[1] > recording.seconds + 1e-6:
            hint = f"end at {span[1]:.2f} s at {length.tempo:g} bpm; the recording is {recording.seconds:.2f} s long"
            raise UserError("bars", args.bars, hint)
    region = Region(*span)
    check_loop_region(region, recording, seam=args.seam_seconds)
    words = ["--region", span_word(region.start, region.end)]
    words += [] if args.seam_seconds is None else ["--seam", number_word(args.seam_seconds)]
    wanted: dict[str, Any] = {
        "start_seconds": region.start,
        "end_seconds": region.end,
        "seam_seconds": args.seam_seconds,
    }
    return make(args, recording, made, attributes, words, source="audio", **wanted)
