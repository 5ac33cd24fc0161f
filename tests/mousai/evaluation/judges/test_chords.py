"""The chord judge: triads whose notes are known, and how often a course of chords is right."""

import math
from itertools import pairwise

import numpy as np
import pytest

from mousai.evaluation.judges.chords import NO_CHORD, Segment, estimate_chords
from mousai.evaluation.metrics.chord_recall import majmin_recall
from tests.mousai.evaluation.sounds import RATE, chords

TRIADS = {"C:maj": (60, 64, 67), "A:min": (57, 60, 64), "F:maj": (53, 57, 60), "Eb:min": (63, 66, 70)}
TRUE: list[Segment] = [(2.0 * place, 2.0 * place + 2, label) for place, label in enumerate(TRIADS)]


@pytest.fixture(scope="module")
def heard() -> list[Segment]:
    return estimate_chords(chords(list(TRIADS.values()), seconds=2.0), sample_rate=RATE)


def test_triads_are_named(heard: list[Segment]):
    assert majmin_recall(TRUE, heard) > 0.9


def test_segments_follow_each_other_over_the_whole_recording(heard: list[Segment]):
    assert heard[0][0] == 0 and heard[-1][1] == pytest.approx(8.0)
    assert all(one[1] == other[0] and one[2] != other[2] for one, other in pairwise(heard))


def test_no_chord_sounds_in_silence():
    sound = np.concatenate([chords([TRIADS["C:maj"]], seconds=4.0), np.zeros(4 * RATE, np.float32)])
    assert {label for start, _, label in estimate_chords(sound, sample_rate=RATE) if start > 5} <= {NO_CHORD}


@pytest.mark.parametrize(
    ("estimate", "share"),
    [
        (TRUE, 1.0),
        ([(0.0, 8.0, "C:maj")], 0.25),
        ([(0.0, 8.0, "C:min")], 0.0),
        ([(0.0, 3.0, "C:maj"), (3.0, 8.0, "A:min7")], 0.375),
        ([(0.0, 8.0, NO_CHORD)], 0.0),
    ],
)
def test_recall_counts_seconds_of_triads(estimate: list[Segment], share: float):
    assert majmin_recall(TRUE, estimate) == pytest.approx(share)


def test_recall_of_chords_that_are_no_triads():
    assert math.isnan(majmin_recall([(0.0, 2.0, "E:5")], TRUE))
