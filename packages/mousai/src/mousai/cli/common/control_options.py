"""`--chords`, `--melody`, `--section` and `--form`, for commands that sample."""

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mousai.errors import UserError

if TYPE_CHECKING:
    from mousai.conditioning.control_plan import ControlPlan
    from mousai.storage.folders import ModelDescription

NAMES = ("chords", "melody", "melody_track", "melody_start", "section", "form")


def add_control_options(parser: argparse.ArgumentParser, *, clock: str) -> None:
    """Add the options in a group of their own.

    Args:
        parser: parser of a command.
        clock: where seconds and bars are counted from, for the help.
    """
    group = parser.add_argument_group(
        "chords, melody and form",
        f"For a model that was trained to follow them: mousai info lists what it can.\n{clock}",
    )
    group.add_argument(
        "--chords",
        metavar="CHORDS",
        help='one a bar of four beats, repeated to the end: "Am F C G"; with their bars: "Am:2 F:1/2"; between bar '
        'lines: "Am | F G"; or a file of seconds and chords: .lab, .json, .jams',
    )
    group.add_argument(
        "--melody",
        metavar="FILE",
        help="the tune: a MIDI file (.mid), of which the highest track counts, or a recording of one voice that hums, "
        "sings or whistles it (.wav, .flac, .ogg, .mp3)",
    )
    group.add_argument("--melody-track", metavar="NAME", help="track of the MIDI file that has the tune, or its number")
    group.add_argument(
        "--melody-start", type=float, metavar="S", help="second of the piece at which the tune begins (default 0)"
    )
    group.add_argument(
        "--section", metavar="NAME", help="what all of the music is: intro, verse, chorus, break or outro"
    )
    group.add_argument(
        "--form",
        metavar="FORM",
        help='sections with their bars: "intro:4 verse:8 chorus:8 outro:4"; the last one goes on to the end',
    )


def read_controls(args: argparse.Namespace, model: "ModelDescription") -> "ControlPlan | None":
    """Read what the parsed options ask for; a model that cannot follow it is refused before a tune is heard.

    Args:
        args: parsed options.
        model: description of the model.

    Raises:
        UserError: it cannot be read, or the model was not trained with it.
    """
    if all(getattr(args, name, None) is None for name in NAMES):
        return None
    from mousai.conditioning.control_plan import LONGEST_TEXT, control_plan

    for name, says in (("melody_track", "names a track of a MIDI file"), ("melody_start", "says where a tune begins")):
        if getattr(args, name) is not None and args.melody is None:
            raise UserError(name, getattr(args, name), f"{says}; give --melody too")
    for name in NAMES:
        text = getattr(args, name)
        if isinstance(text, str) and len(text) > LONGEST_TEXT:
            raise UserError(name, hint=f"{len(text)} characters; give a file, or no more than {LONGEST_TEXT}")
    known = None if model.latent_diffusion is None else model.latent_diffusion.controls
    given: dict[str, Any] = {name: getattr(args, name) for name in NAMES if getattr(args, name) is not None}
    return control_plan(**given, model=known)


def plan_arguments(plan: "ControlPlan | None") -> Mapping[str, Any]:
    """Return the arguments of the pipeline that ask for a plan."""
    if plan is None:
        return {}
    return {"chords": plan.chords, "melody": plan.melody, "section": plan.section, "form": plan.form}


def control_words(args: argparse.Namespace) -> list[str]:
    """Return the options that were given, as words of a command line."""
    given = {name: getattr(args, name, None) for name in NAMES}
    return [
        word
        for name, value in given.items()
        if value is not None
        for word in ("--" + name.replace("_", "-"), str(value))
    ]


def shown_melody(plan: "ControlPlan | None") -> list[str]:
    """Return a line that says which notes were read as the tune, where there is one."""
    if plan is None or plan.melody is None:
        return []
    melody = plan.melody
    track = f", track {melody.track}" if melody.track else ""
    first, count = melody.notes[0][0], len(melody.notes)
    source = "melody" if melody.written.startswith("[") else melody.written
    return [f"{source}{track}: {count} {'note' if count == 1 else 'notes'}, {first:.2f} to {melody.end:.2f} s"]
