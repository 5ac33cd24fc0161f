"""`mousai vary`: a recording made anew, from a little to all of it."""

import argparse

from mousai.cli.common.recordings import add_recording_arguments, check_first, known_attributes, make, read_own
from mousai.cli.common.sampling_options import given_settings
from mousai.cli.common.shared import described_model


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `vary` takes."""
    add_recording_arguments(parser, leave_out=("inpaint_resamples", "strength"))
    group = parser.add_argument_group("how far it goes from the recording")
    group.add_argument(
        "--strength",
        type=float,
        metavar="X",
        help="0 is the recording itself, 0.2 another take of it, 1 a new piece of the same length "
        "(by default as the model is best run)",
    )
    parser.set_defaults(verb="vary")


def run(args: argparse.Namespace) -> int:
    """Make the recording anew, as far as the parsed options say."""
    from mousai.conditioning.attributes import MusicAttributes
    from mousai.verbs.varying import check_strength

    made = check_first(args)
    strength = described_model(args)[1].defaults.updated(given_settings(args)).strength
    check_strength(strength, args.plan)
    recording = read_own(args.recording)
    # Nothing is made at strength 0, so that no clock is needed.
    attributes = MusicAttributes() if strength == 0 else known_attributes(args, recording, made, around=0.0)
    return make(args, recording, made, attributes, [], source="init_audio", keeps=strength == 0)
