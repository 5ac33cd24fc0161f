"""Forms, sections, changes of key and tempo."""

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mousai.compose import compose_song
from mousai.compose.composition import LAST_CHORD
from mousai.compose.styles import styles_of
from mousai.compose.theory import Key
from mousai.compose.writing.changes import KEY_CHANCE, STEADY, TEMPO_CHANCE, Changes, draw_changes, tempo_map_of
from mousai.compose.writing.form import plan_form
from mousai.compose.writing.sections import BODIES, FORMS, LONG, NAMES, SHORT, body_of, lay_out
from mousai.compose.writing.tempo import TempoMap


@given(st.sampled_from(FORMS), st.integers(0, 200), st.sampled_from([0, 12]), st.integers(0, 999))
def test_sections_fill_the_bars_they_are_given(form: str, count: int, length: int, seed: int) -> None:
    sections = lay_out(form, count, length, Random(seed))
    assert sum(bars for _, bars in sections) == count
    assert all(bars > 0 and name in NAMES for name, bars in sections)
    assert [name for name, _ in sections].count("intro") <= 1 and [name for name, _ in sections].count("outro") <= 1
    if count >= LONG:
        assert len(sections) >= 4 and sections[0][0] == "intro" and sections[-1][0] == "outro"
    if 0 < count < SHORT:
        assert "outro" not in [name for name, _ in sections]


def test_bodies_grow_and_end_on_their_aim() -> None:
    for form, bodies in BODIES.items():
        assert [len(body) for body in bodies] == list(range(1, len(bodies) + 1))
        assert {body[-1] for body in bodies} == {bodies[0][0]}
        assert len(body_of(form, 25)) == 25
        for name, following in pairwise(bodies[-1]):
            assert name != "build" or following == "drop"


def test_long_songs_have_real_forms() -> None:
    names = [section.name for section in compose_song(1, genre="band pop", duration=180).sections]
    assert names[0] == "intro" and names[-1] == "outro"
    assert names.count("verse") >= 2 and names.count("chorus") >= 3 and "bridge" in names
    dance = [section.name for section in compose_song(1, genre="house", duration=180).sections]
    assert "break" in dance and dance[dance.index("build") + 1] == "drop"
    jazz = [section.name for section in compose_song(1, genre="swing", duration=90).sections]
    assert "verse verse bridge verse" in " ".join(jazz)


def test_key_and_tempo_changes_are_rare_and_not_too_rare() -> None:
    (style,) = styles_of("band pop")
    drawn = [draw_changes(style, 80, Random(seed), key=True, tempo=True) for seed in range(4000)]
    assert sum(changes.lift != 0 for changes in drawn) / 4000 == pytest.approx(KEY_CHANCE, abs=0.015)
    assert sum(not changes.steady for changes in drawn) / 4000 == pytest.approx(TEMPO_CHANCE, abs=0.015)
    assert {changes.lift for changes in drawn} == {0, 1, 2}
    assert any(changes.slow_bridge for changes in drawn) and any(changes.ritardando for changes in drawn)
    short = [draw_changes(style, 5, Random(seed), key=True, tempo=True) for seed in range(1000)]
    assert set(short) == {STEADY}


def test_the_last_chorus_is_lifted() -> None:
    (style,) = styles_of("band pop")
    for seed in range(30):
        bars = plan_form(style, Key(0, "major"), 60, ("bass", "chords", "lead"), Random(seed), Changes(lift=2))
        changes = [bar for before, bar in pairwise(bars) if bar.key != before.key]
        assert len(changes) == 1 and changes[0].section == "chorus" and changes[0].section_start
        assert bars[-1].key == Key(2, "major") and bars[-1].spans[0].chord.root == 2
        assert not any(bar.section == "chorus" and bar.section_start for bar in bars[changes[0].index + 1 :])


def test_a_bridge_or_the_end_is_slower() -> None:
    (style,) = styles_of("band pop")
    bars = plan_form(style, Key(0, "major"), 80, ("bass", "chords", "lead"), Random(1))
    slower = tempo_map_of(bars, 100, Changes(slow_bridge=True))
    for bar in bars:
        assert slower.tempo_at(bar.start) == (88 if bar.section == "bridge" else 100)
    assert "bridge" in {bar.section for bar in bars}
    late = tempo_map_of(bars, 100, Changes(ritardando=True))
    assert [tempo for _, tempo in late.steps] == [100, 97, 93, 88, 82, 76]
    assert late.steps[1][0] == bars[-2].start and late.steps[-1][0] == bars[-1].start


def test_songs_with_changes_are_found_and_stay_in_time() -> None:
    songs = [compose_song(seed, genre="piano pop", duration=45) for seed in range(60)]
    assert any(song.key_changes for song in songs) and any(not song.tempo_map.steady for song in songs)
    for song in songs:
        assert song.duration - song.tempo_map.seconds(song.bars[-1].start) >= LAST_CHORD - 1e-9


def test_what_is_asked_for_stays() -> None:
    for seed in range(60):
        song = compose_song(seed, genre="piano pop", duration=45, bpm=90, key="D minor")
        assert song.tempo_map.steady and not song.key_changes


@given(st.lists(st.tuples(st.integers(1, 16), st.integers(40, 200)), min_size=1, max_size=8))
def test_beats_and_seconds_rise_together(steps: list[tuple[int, int]]) -> None:
    beats = [0]
    for length, _ in steps[:-1]:
        beats.append(beats[-1] + length)
    tempo = TempoMap.of([(beat, bpm) for beat, (_, bpm) in zip(beats, steps, strict=True)])
    passed = 0.0
    for beat in range(beats[-1] + 4):
        assert tempo.seconds(beat) == pytest.approx(passed)
        passed += 60.0 / tempo.tempo_at(beat)
    assert tempo.seconds(-1.0) == pytest.approx(-60.0 / steps[0][1])


@pytest.mark.parametrize("steps", [(), ((1.0, 90.0),), ((0.0, 90.0), (0.0, 80.0)), ((0.0, 0.0),)])
def test_a_tempo_map_checks_itself(steps: tuple[tuple[float, float], ...]) -> None:
    with pytest.raises(ValueError, match="steps is"):
        TempoMap(steps)
