"""`mousai edit`: parts of a recording made anew."""

import argparse

from mousai.cli.common.recordings import add_recording_arguments, check_first, known_attributes, make, read_own
from mousai.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `edit` takes."""
    add_recording_arguments(parser)
    group = parser.add_argument_group("what is made anew (one or more)")
    group.add_argument(
        "--region",
        action="append",
        default=[],
        metavar="START:END",
        help="seconds, 8:12 for the four seconds from 8 on; at most 20 s; give it again for another region",
    )
    group.add_argument(
        "--bars",
        action="append",
        default=[],
        metavar="FIRST:LAST",
        help="bars of four beats, 5:9 for the four bars from bar 5 on; the first bar is 1 and begins at the first "
        "downbeat",
    )
    parser.set_defaults(verb="edit")


def run(args: argparse.Namespace) -> int:
    """Make the regions that the parsed options name anew."""
    from mousai.regions import Region, bars_to_region, check_regions, parse_span
    from mousai.verbs.command_line import span_word

    spans = [parse_span(text, "region") for text in args.region]
    bars = [parse_span(text, "bars") for text in args.bars]
    if not spans and not bars:
        raise UserError("region", hint="say what is made anew: --region 8:12 in seconds, or --bars 5:9")
    made = check_first(args)
    recording = read_own(args.recording)
    regions = [Region(*span) for span in spans]
    if regions:
        check_regions(regions, recording.seconds)
    attributes = known_attributes(args, recording, made, around=regions[0].start if regions else 0.0)
    if bars and attributes.tempo is None:
        raise UserError("bars", args.bars[0], "needs the tempo; give --tempo and --first-downbeat")
    for first, last in bars:
        tempo, downbeat = attributes.tempo or 0.0, attributes.first_downbeat
        regions.append(bars_to_region(first, last, tempo=tempo, first_downbeat=downbeat, length=recording.seconds))
    regions = check_regions(regions, recording.seconds, field="bars" if bars else "region")
    words = [word for one in regions for word in ("--region", span_word(one.start, one.end))]
    return make(
        args,
        recording,
        made,
        attributes,
        words,
        inpaint_mask_start_seconds=[one.start for one in regions],
        inpaint_mask_end_seconds=[one.end for one in regions],
    )
