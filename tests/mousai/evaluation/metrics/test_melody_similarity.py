"""Chroma similarity of a piece and a tune: closed forms."""

import math

import numpy as np
import pytest

from mousai.evaluation.metrics.melody_similarity import HOP, RATE, melody_cosine, recording_chroma, tune_chroma
from tests.mousai.evaluation.sounds import RATE as SOUND_RATE
from tests.mousai.evaluation.sounds import tone

TUNE = [(0.0, 1.0, 60), (1.0, 2.0, 67), (2.0, 3.0, 69), (3.0, 4.0, 65)]


def played(notes: list[tuple[float, float, int]]) -> np.ndarray:
    return np.concatenate([tone(pitch, end - start, partials=2) for start, end, pitch in notes]).astype(np.float32)


def test_a_tune_that_is_played_alone_is_heard_nearly_everywhere():
    found = recording_chroma(played(TUNE), sample_rate=SOUND_RATE)
    asked = tune_chroma(TUNE, 4.0)
    assert found.shape == asked.shape == (12, 4 * RATE // HOP + 1)
    assert melody_cosine(asked, found) > 0.8  # a frame at the border of two notes may hear either
    other = tune_chroma([(start, end, pitch + 1) for start, end, pitch in TUNE], 4.0)
    assert melody_cosine(other, found) < 0.1


def test_the_same_tune_is_one_and_an_octave_makes_no_difference():
    asked = tune_chroma(TUNE, 4.0)
    assert melody_cosine(asked, asked) == 1.0
    assert melody_cosine(asked, tune_chroma([(start, end, pitch + 12) for start, end, pitch in TUNE], 4.0)) == 1.0


def test_notes_at_random_score_a_twelfth():
    notes = np.random.default_rng(0).integers(12, size=(2, 20000))
    one, other = (np.arange(12)[:, None] == row for row in notes)
    assert melody_cosine(one, other) == pytest.approx(1 / 12, abs=0.01)


def test_only_frames_with_a_note_count():
    asked = tune_chroma([(0.0, 2.0, 60)], 8.0)
    silent = np.zeros_like(asked)
    half = asked.copy()
    half[:, : int(asked.any(axis=0).sum() // 2)] = False
    assert 0.4 < melody_cosine(asked, half) < 0.6
    assert melody_cosine(asked, silent) == 0.0
    assert math.isnan(melody_cosine(silent, asked))


def test_silence_has_no_pitch():
    assert not recording_chroma(np.zeros(SOUND_RATE, np.float32), sample_rate=SOUND_RATE).any()
