"""The clock of a recording."""

import numpy as np
import pytest

from mousai.evaluation.judges.beats import beat_confidence, beat_phase, downbeat_by_changes, estimate_clock

RATE = 22050


def clicks(tempo: float, first: float, *, seconds: float = 12.0) -> np.ndarray:
    """A click on every beat, a louder one on the first of four."""
    sound = np.zeros(round(seconds * RATE), np.float32)
    drawn = np.random.default_rng(0)
    for place, beat in enumerate(np.arange(first, seconds - 0.2, 60 / tempo)):
        start = round(beat * RATE)
        level = 0.9 if place % 4 == 0 else 0.2
        sound[start : start + 1000] += level * drawn.uniform(-1, 1, 1000) * np.linspace(1, 0, 1000)
    return sound[None]


@pytest.mark.parametrize(("tempo", "first"), [(100.0, 0.3), (128.0, 0.05), (140.0, 0.4)])
def test_beat_and_downbeat_lie_where_they_are(tempo: float, first: float):
    period = 60 / tempo
    sound = clicks(tempo, first)
    phase = beat_phase(sound, sample_rate=RATE, tempo=tempo)
    assert abs((phase - first + period / 2) % period - period / 2) < 0.006
    found = estimate_clock(sound, sample_rate=RATE, tempo=tempo)
    assert found is not None and found[0] == tempo
    assert abs((found[1] - first + 2 * period) % (4 * period) - 2 * period) < 0.03


def test_silence_has_no_clock():
    assert estimate_clock(np.zeros((1, 4 * RATE), np.float32), sample_rate=RATE) is None


def test_a_clock_that_is_off_the_beat_is_not_trusted():
    sound = clicks(100.0, 0.3)
    on = beat_confidence(sound, sample_rate=RATE, tempo=100.0, beat=0.3)
    off = beat_confidence(sound, sample_rate=RATE, tempo=100.0, beat=0.6)
    assert on > 0.8 and off < 0.2
    assert beat_confidence(np.zeros((1, 4 * RATE), np.float32), sample_rate=RATE, tempo=100.0, beat=0.0) == 0


@pytest.mark.parametrize(
    ("changes", "downbeat", "sure"),
    [
        ([2.7, 5.1, 7.5], 0.3, 1.0),  # 100 bpm: bars of 2.4 s
        ([1.5, 3.9, 6.3, 8.7], 1.5, 1.0),
        ([0.9, 1.5, 2.1, 2.7], 0.3, 0.0),
        ([0.9, 3.3, 5.7, 6.9], 0.9, 2 / 3),
        ([], 0.3, 0.0),
    ],
)
def test_a_bar_begins_where_chords_change(changes: list[float], downbeat: float, sure: float):
    found = downbeat_by_changes(changes, tempo=100.0, beat=2.7)
    assert found == pytest.approx((downbeat, sure))
