"""`mousai extend`: a recording goes on from its end, or is led up to."""

import argparse

from mousai.cli.common.recordings import add_recording_arguments, check_first, known_attributes, make, read_own
from mousai.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `extend` takes."""
    add_recording_arguments(parser)
    group = parser.add_argument_group("how far (one or both)")
    group.add_argument("--after", type=float, metavar="S", help="seconds of new music after the end")
    group.add_argument("--before", type=float, metavar="S", help="seconds of new music before the start")
    parser.set_defaults(verb="extend")


def run(args: argparse.Namespace) -> int:
    """Make the recording longer by what the parsed options say."""
    from mousai.arguments import MAX_DURATION
    from mousai.editing import check_sounds
    from mousai.regions import MIN_REGION
    from mousai.settings import number_word

    given = {name: getattr(args, name) for name in ("after", "before") if getattr(args, name) is not None}
    if not given:
        raise UserError("after", hint="say how far: --after 20, --before 8, or both")
    for name, seconds in given.items():
        if not MIN_REGION <= seconds <= MAX_DURATION:
            raise UserError(name, seconds, f"must be {MIN_REGION:g} to {MAX_DURATION:g} seconds of new music")
    made = check_first(args)
    recording = read_own(args.recording)
    duration = recording.seconds + sum(given.values())
    if duration > MAX_DURATION:
        raise UserError(next(iter(given)), hint=f"makes {duration:.0f} s together; at most {MAX_DURATION:g} s")
    for name in given:
        check_sounds(recording, first=name == "before", field=args.recording)
    around = recording.seconds if "after" in given else 0.0
    attributes = known_attributes(args, recording, made, around=around)
    words = [word for name, seconds in given.items() for word in (f"--{name}", number_word(seconds))]
    before = given.get("before", 0.0)
    return make(args, recording, made, attributes, words, duration=duration, inpaint_before_seconds=before)
