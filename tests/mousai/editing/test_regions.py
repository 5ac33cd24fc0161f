"""Regions: how they are written, which are taken, in bars, and the windows that they share."""

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mousai import UserError
from mousai.regions import (
    CONTEXT,
    MAX_REGION,
    MIN_REGION,
    Region,
    bars_to_region,
    check_regions,
    parse_span,
    plan_windows,
)
from tests.mousai.refusing import refused


@given(st.floats(0, 1e4), st.floats(0, 1e4))
def test_a_span_is_read_as_it_is_written(start: float, end: float):
    assert parse_span(f" {start!r} : {end!r}", "region") == (start, end)


@settings(max_examples=50)
@given(st.text(max_size=12))
def test_any_other_text_is_refused_in_one_line(text: str):
    try:
        assert all(math.isfinite(number) for number in parse_span(text, "region"))
    except UserError as error:
        assert "START:END" in str(error) and "\n" not in str(error)


@given(st.lists(st.floats(0, 100), min_size=2, max_size=8, unique=True), st.floats(1, 100))
def test_regions_that_are_taken_are_sorted_apart_and_inside(times: list[float], length: float):
    regions = [Region(*pair) for pair in zip(times[::2], times[1::2], strict=False)]
    try:
        taken = check_regions(regions, length)
    except UserError:
        ordered = sorted(regions)
        short = any(not MIN_REGION <= one.seconds <= MAX_REGION or one.end > length for one in ordered)
        assert short or any(b.start < a.end for a, b in pairwise(ordered))
        return
    assert taken == sorted(regions)
    windows = plan_windows(taken, kept=Region(0, length))
    assert [one for window in windows for one in window.regions] == taken
    for window in windows:
        assert 0 <= window.start <= window.regions[0].start and window.regions[-1].end <= window.end <= length
        assert window.end - window.start <= MAX_REGION + 2 * CONTEXT + 1e-6


def test_near_regions_share_a_window_and_far_ones_do_not():
    near, far = [Region(100, 102), Region(106, 108)], Region(200, 201)
    first, second = plan_windows([*near, far], kept=Region(0, 300))
    assert (first.start, first.end, first.regions) == (90, 118, tuple(near))
    assert (second.start, second.end, second.regions) == (190, 211, (far,))


def test_a_continuation_goes_outward_from_the_recording():
    before, after = Region(0, 30), Region(130, 160)
    windows = plan_windows([before, after], kept=Region(30, 130))
    assert [(one.start, one.end) for one in windows] == [(15, 40), (0, 25), (120, 145), (135, 160)]


@given(st.integers(1, 40), st.integers(1, 4), st.floats(60, 200), st.floats(0, 3))
def test_bars_lie_on_the_grid(first: int, count: int, tempo: float, downbeat: float):
    region = bars_to_region(first, first + count, tempo=tempo, first_downbeat=downbeat, length=1e4)
    bar = 240 / tempo
    assert region.seconds == pytest.approx(count * bar)
    assert (region.start - downbeat) / bar == pytest.approx(first - 1)


@pytest.mark.parametrize(
    ("bars", "message"),
    [
        ((0, 2), "1 or more"),
        ((-3, 2), "1 or more"),
        ((3, 3), "empty or reversed"),
        ((5, 3), "empty or reversed"),
        ((1.5, 3), "whole numbers"),
        ((9, 12), "has 10 whole bars"),
        ((20, 21), "has 10 whole bars"),
    ],
)
def test_impossible_bars(bars: tuple[float, float], message: str):
    assert message in refused(bars_to_region, *bars, tempo=120, first_downbeat=0.0, length=20.0)
