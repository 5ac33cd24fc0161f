"""Regions of a recording that are made anew, in seconds or bars, and the windows in which a model makes them."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from mousai.errors import UserError, is_finite

CONTEXT = 10.0
"""Seconds of the recording that the model hears to either side of a region."""
MAX_REGION = 20.0
"""Seconds of new music that the model makes at once beside that context; a longer continuation is made in pieces."""
MIN_REGION = 0.05
"""Fewest seconds of a region."""
BEATS_PER_BAR = 4

_SPAN = re.compile(r"\s*([^:\s]+)\s*:\s*([^:\s]+)\s*")


@dataclass(frozen=True, order=True)
class Region:
    """A stretch of time.

    Args:
        start: second at which it begins.
        end: second at which it ends.
    """

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """Length."""
        return self.end - self.start

    def __str__(self) -> str:
        return f"{self.start:g}:{self.end:g}"


@dataclass(frozen=True, kw_only=True)
class Window:
    """A stretch that is encoded and sampled at once.

    Args:
        start: second at which it begins.
        end: second at which it ends.
        regions: what is made anew in it.
    """

    start: float
    end: float
    regions: tuple[Region, ...]


def parse_span(text: str, field: str) -> tuple[float, float]:
    """Read "8:12" as two numbers; `UserError` names `field` where it is not of that form."""
    found = _SPAN.fullmatch(text)
    try:
        start, end = (float(part) for part in found.groups()) if found else (math.nan, math.nan)
    except ValueError:
        start = end = math.nan
    if not (is_finite(start) and is_finite(end)):
        raise UserError(field, text, "must be START:END, two numbers, for example 8:12")
    return start, end


def check_regions(regions: Sequence[Region], length: float, *, field: str = "region") -> list[Region]:
    """Return the regions in the order of time.

    Args:
        regions: regions of the recording.
        length: seconds of the recording.
        field: name of the argument in errors.

    Raises:
        UserError: one is negative, empty, reversed, outside the recording, longer than `MAX_REGION`, or two overlap.
    """
    for one in regions:
        shown = str(one)
        if not (is_finite(one.start) and is_finite(one.end)):
            raise UserError(field, shown, "must be two finite numbers of seconds")
        if one.start < 0 or one.end < 0:
            raise UserError(field, shown, "must not be negative; the recording begins at 0")
        if one.start == one.end:
            raise UserError(field, shown, "is empty; its end must lie after its start")
        if one.start > one.end:
            raise UserError(field, shown, f"is reversed; did you mean {one.end:g}:{one.start:g}?")
        if one.seconds < MIN_REGION - 1e-9:
            raise UserError(field, shown, f"is shorter than {MIN_REGION:g} s; give a longer one")
        if one.end > length + 1e-6:
            raise UserError(field, shown, f"lies outside the recording, which is {length:.2f} s long")
        if one.seconds > MAX_REGION + 1e-6:
            raise UserError(
                field,
                shown,
                f"is {one.seconds:g} s long; the model hears {MAX_REGION:g} s of new music at once, with {CONTEXT:g} s "
                "of the recording to either side; choose a shorter one",
            )
    ordered = sorted(regions)
    for one, after in pairwise(ordered):
        if after.start < one.end:
            raise UserError(field, str(after), f"overlaps {one}; give one region for both")
    return ordered


def bars_to_region(
    first: float, last: float, *, tempo: float, first_downbeat: float, length: float, field: str = "bars"
) -> Region:
    """Return the region from the start of bar `first` to the start of bar `last`, of four beats each.

    Args:
        first: whole number, 1 for the bar that begins at `first_downbeat`.
        last: whole number above it; that bar is not part of the region.
        tempo: beats per minute.
        first_downbeat: second at which the first bar begins.
        length: seconds of the recording; a bar that it cuts short ends with it.
        field: name of the argument in errors.

    Raises:
        UserError: they are no such bars.
    """
    shown = f"{first:g}:{last:g}"
    if first != int(first) or last != int(last):
        raise UserError(field, shown, "must be whole numbers of bars, the first bar is 1")
    if first < 1 or last < 1:
        raise UserError(field, shown, "must be 1 or more, the first bar is 1")
    if first >= last:
        raise UserError(field, shown, "is empty or reversed; 5:9 are the four bars from bar 5 on")
    bar = BEATS_PER_BAR * 60 / tempo
    start, end = (first_downbeat + (number - 1) * bar for number in (first, last))
    bars = math.floor((length - first_downbeat) / bar + 1e-3)
    if start >= length or end > length + bar - 1e-6:
        raise UserError(field, shown, f"lies outside the recording, which has {bars} whole bars at {tempo:g} bpm")
    return Region(max(start, 0.0), min(end, length))


def plan_windows(regions: Sequence[Region], *, kept: Region) -> list[Window]:
    """Group regions into windows, in the order in which they are made: outward from the recording.

    Each window reaches `CONTEXT` beyond its regions, as far as there is sound by then. Regions near each other share
    one, as long as it stays within `MAX_REGION` and the two contexts. A region that leaves the recording may be longer
    than `MAX_REGION`: it is made in pieces, each of which continues the one before.

    Args:
        regions: in the order of time, not overlapping.
        kept: where the recording lies.
    """
    before = [one for one in regions if one.start < kept.start]
    inside = [one for one in regions if kept.start <= one.start and one.end <= kept.end]
    after = [one for one in regions if kept.start <= one.start and one.end > kept.end]
    groups = [[piece] for one in before for piece in reversed(_pieces(one))]
    pending: list[Region] = []
    for one in inside:
        if pending and (one.start - pending[-1].end > CONTEXT or one.end - pending[0].start > MAX_REGION):
            groups.append(pending)
            pending = []
        pending = [*pending, one]
    groups += [pending] if pending else []
    groups += [[piece] for one in after for piece in _pieces(one)]
    windows, there = [], kept
    for group in groups:
        there = Region(min(there.start, group[0].start), max(there.end, group[-1].end))
        start, end = max(there.start, group[0].start - CONTEXT), min(there.end, group[-1].end + CONTEXT)
        windows.append(Window(start=start, end=end, regions=tuple(group)))
    return windows


def _pieces(region: Region) -> list[Region]:
    """Equal parts of at most `MAX_REGION`, in the order of time."""
    count = max(1, math.ceil(region.seconds / MAX_REGION - 1e-9))
    borders = [region.start + region.seconds * place / count for place in range(count)] + [region.end]
    return [Region(start, end) for start, end in pairwise(borders)]
