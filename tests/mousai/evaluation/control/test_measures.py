"""Measures of control: seams, loops, likeness, beat and key of a continuation. Closed forms."""

from pathlib import Path

import numpy as np
import pytest

from mousai.evaluation.control.editing import chance, heard
from mousai.evaluation.control.looping import loop_samples, loop_seam, loop_step
from mousai.evaluation.control.seams import beats_of, seam_flux
from mousai.evaluation.control.songs import ReferenceSong, is_triad
from mousai.evaluation.control.varying import likeness
from mousai.evaluation.control.workplace import centre, middle, share
from mousai.evaluation.judges.panel import JudgePanel
from tests.mousai.evaluation.sounds import RATE, chords

CLICK = np.exp(-np.linspace(0, 8, 800)) * np.random.default_rng(0).standard_normal(800)


def clicks(moments: list[float], seconds: float) -> np.ndarray:
    """Clicks that are all the same, `[1, samples]`, over a faint noise."""
    sound = 1e-4 * np.random.default_rng(1).standard_normal(round(seconds * RATE))
    for moment in moments:
        first = round(moment * RATE)
        sound[first : first + 800] += 0.3 * CLICK[: sound.size - first]
    return sound[None].astype(np.float32)


def test_a_border_on_a_beat_is_one_beat_and_one_in_silence_is_nothing():
    beats = [0.5 * place for place in range(1, 12)]
    sound = clicks([*beats, 6.25], 8.0)
    on_beat, between, silent = seam_flux(sound, RATE, [6.25, 5.25, 7.0], beats)
    assert on_beat == pytest.approx(1.0, abs=0.15) and between < 0.2 and silent < 0.2
    assert seam_flux(sound, RATE, [6.25], []) == [None]


def test_beats_lie_on_the_clock():
    assert beats_of(120, 0.1, 1.0, 2.7) == pytest.approx([1.1, 1.6, 2.1, 2.6])
    assert beats_of(120, 1.0, 0.0, 1.0) == pytest.approx([0.0, 0.5])


def test_a_loop_has_the_samples_of_its_bars():
    assert loop_samples(4, 120.0, 48000) == 8 * 48000
    assert loop_samples(1, 62.1, 48000) == 185507  # 240 / 62.1 s are 185507.25 samples
    assert loop_samples(999, 188.7, 44100) == round(999 * 240 * 44100 / 188.7)


def test_a_loop_that_runs_into_its_beginning_has_neither_seam_nor_step():
    beat = 60 / 120
    loop = clicks([0.0, beat, 2 * beat, 3 * beat], 4 * beat)
    whole = loop_seam(loop, RATE, 120.0)
    assert whole is not None and 0.8 < whole < 1.25  # frames of 12 ms do not meet every click alike
    broken = loop.copy()
    broken[:, :1200] *= 4
    assert (loop_seam(broken, RATE, 120.0) or 0.0) > 1.2 * whole
    wave = np.sin(2 * np.pi * np.arange(RATE) / 100)[None]
    assert loop_step(wave[:, :2000]) <= 1.0
    assert loop_step(np.array([[0.0, 0.25, 0.5, 0.75]])) == 3.0
    assert loop_step(np.zeros((2, 8))) is None


def test_likeness_of_a_recording_to_itself_is_one():
    sound = chords([(60, 64, 67), (65, 69, 72)], times=2)
    other = chords([(61, 65, 68), (58, 61, 66)], times=2)
    assert likeness(sound, sound, RATE) == pytest.approx(1.0, abs=1e-3)
    assert likeness(sound, other, RATE) < 0.9


def song(**fields: object) -> ReferenceSong:
    return ReferenceSong(Path("song.wav"), 20.0, {"bpm": 120, "first_downbeat": 0.0, "key": "C major", **fields})


def test_the_beat_of_a_continuation_is_judged_on_the_clock_of_the_song():
    panel = JudgePanel.load()
    start = 3.7
    on_grid = [moment - start for moment in beats_of(120, 0.0, start, start + 8)]
    found = heard(clicks(on_grid, 8.0), RATE, start, song(), panel)
    assert found["tempo"] and found["beat"] and abs(found["beat_moved"]) < 0.02
    late = heard(clicks([moment + 0.1 for moment in on_grid], 8.2), RATE, start, song(), panel)
    assert late["tempo"] and not late["beat"] and late["beat_moved"] == pytest.approx(0.1, abs=0.02)


def test_chance_is_what_dealing_out_at_random_would_score():
    songs = [
        song(title=str(number), key=key, bpm=bpm)
        for number, (key, bpm) in enumerate([("C major", 90), ("A minor", 130)])
    ]
    for number, one in enumerate(songs):
        one.__dict__["digest"] = str(number)  # without a file
    rows = [
        {"song": str(number), "made": {"heard_key": one.fields["key"], "bpm": one.attributes.tempo}}
        for number, one in enumerate(songs)
    ]
    assert chance(rows, songs, "key") == chance(rows, songs, "tempo") == 0.5
    assert chance(rows, songs, "beat") == pytest.approx((0.06 * 90 / 60 + 0.06 * 130 / 60) / 2)


def test_triads_are_those_that_mir_eval_counts():
    assert [is_triad(label) for label in ("C:maj", "A:min7", "G:7", "F:5", "B:dim", "D:sus4", "N")] == [
        *(True, True, True),
        *(False, False, False, False),
    ]


def test_figures():
    assert share([True, False], reference=0.5)["value"] == 0.5
    found = centre([1.0, None, 3.0, float("nan")], "mean", by_chance=0.1)
    assert found["value"] == 2.0 and found["total"] == 2 and found["by_chance"] == 0.1
    assert found["interval"][0] <= 2.0 <= found["interval"][1]
    assert np.isnan(middle([])) and centre([], "median")["total"] == 0
