"""Forms, and plans of controls that are placed in a piece."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mousai import Controls, MusicAttributes
from mousai.compose import compose_song
from mousai.compose.annotations.files import song_files
from mousai.conditioning.control_plan import LONGEST_TEXT, NOT_STORED, control_plan
from mousai.conditioning.controls import SECTIONS
from mousai.conditioning.notation.forms import parse_form
from tests.mousai.refusing import refused

AT_120 = MusicAttributes(tempo=120)  # bars of 2 s
NOTES = [(0.0, 0.5, 60), (0.5, 1.0, 62)]


@pytest.mark.parametrize(
    "given",
    ["intro:4 verse:8 outro:4", "intro:4, verse:8,outro:4", [("intro", 4), ["verse", 8], ("outro", 4)]],
)
def test_forms(given: object):
    form = parse_form(given)
    assert form.sections == (("intro", 4), ("verse", 8), ("outro", 4))
    assert form.written == "intro:4 verse:8 outro:4" and parse_form(form) is form
    assert form.bars == 16 and form.seconds(120) == 32


@given(st.lists(st.tuples(st.sampled_from(SECTIONS), st.integers(1, 1000)), min_size=1, max_size=9))
def test_forms_that_are_written_are_read_again(sections: list):
    assert list(parse_form(parse_form(sections).written).sections) == sections


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("", "names no section"),
        ([], "names no section"),
        ("verse", "form='verse': must be sections with their bars"),
        ("vers:4", "form='vers:4': must be one of intro, verse, chorus, break, outro; did you mean 'verse'?"),
        ("Chorus:4", "did you mean 'chorus'?"),
        ("verse:0", "form='verse:0': must last 1 to 1000 bars"),
        ("verse:-1", "must last 1 to 1000 bars"),
        ("verse:2.5", "must last 1 to 1000 bars, a whole number"),
        ("verse:1001", "must last 1 to 1000 bars"),
        ("verse:x", "must be sections with their bars"),
        ([("verse", True)], "must last 1 to 1000 bars"),
        ([("verse", 4.0)], "must last 1 to 1000 bars"),
        ([("verse",)], "must be sections with their bars"),
        (4, "must be sections with their bars"),
    ],
)
def test_impossible_forms(given: object, shown: str):
    assert shown in refused(parse_form, given)


def test_sections_follow_each_other_to_the_end():
    form = parse_form("intro:1 verse:2 outro:1")
    placed = form.placed(0.0, 9.5, tempo=120, first_downbeat=0.5)
    assert placed == ((0.0, 2.5, "intro"), (2.5, 6.5, "verse"), (6.5, 9.5, "outro"))
    assert form.placed(-1.0, 8.0, tempo=120, first_downbeat=0.0)[0] == (-1.0, 2.0, "intro")


def test_nothing_asked_is_no_plan():
    assert control_plan() is None and control_plan(model=()) is None


def test_all_of_it_placed():
    plan = control_plan(chords="Am F", melody=NOTES, form="intro:1 verse:1")
    assert plan.placed(AT_120, 0.0, 4.0) == Controls(
        chords=((0.0, 2.0, "A:min"), (2.0, 4.0, "F:maj")),
        melody=tuple(NOTES),
        sections=((0.0, 2.0, "intro"), (2.0, 4.0, "verse")),
    )
    assert plan.written() == {
        "chords": "Am F",
        "melody": "[[0.0,0.5,60],[0.5,1.0,62]]",
        "form": "intro:1 verse:1",
    }
    assert control_plan(section="chorus").placed(MusicAttributes(), -1.0, 3.0) == Controls(
        sections=((-1.0, 3.0, "chorus"),)
    )
    assert control_plan(chords=[("Am", 0.0)]).placed(MusicAttributes(), 0.0, 3.0).chords == ((0.0, 3.0, "A:min"),)


def test_the_form_gives_the_duration():
    plan = control_plan(form="verse:4")
    assert plan.duration([AT_120, AT_120], None) == 8.0
    assert plan.duration([MusicAttributes(tempo=120, first_downbeat=0.5)], None) == 8.5
    assert plan.duration([AT_120], 10.0) == 10.0 and plan.duration([AT_120], 8.0) == 8.0
    assert control_plan(chords="Am").duration([], None) is None
    shown = refused(plan.duration, [AT_120], 7.9)
    assert shown.startswith("duration=7.9: is shorter than form, 4 bars, 8.00 s at 120 bpm")
    shown = refused(plan.duration, [AT_120, MusicAttributes(tempo=60)], None)
    assert "form: lasts 8.00 to 16.00 s at the prompts' tempos; give duration" in shown
    assert plan.duration([AT_120, MusicAttributes(tempo=60)], 16.0) == 16.0


def test_bars_need_a_tempo():
    for plan, name in ((control_plan(chords="Am"), "chords"), (control_plan(form="verse:1"), "form")):
        assert refused(plan.placed, MusicAttributes(), 0.0, 9.0).startswith(f"{name}: counts bars, which need a tempo")
    assert "form: counts bars" in refused(control_plan(form="verse:1").duration, [MusicAttributes()], None)


def test_what_is_longer_than_the_piece_is_refused():
    assert "form: 4 bars last to 8.00 s at 120 bpm, the piece to 7.00 s" in refused(
        control_plan(form="verse:4").placed, AT_120, 0.0, 7.0
    )
    assert "melody: ends at 1.00 s" in refused(control_plan(melody=NOTES).placed, AT_120, 0.0, 0.5)
    assert "chords: F:maj begins at 9 s" in refused(control_plan(chords=[("Am", 0), ("F", 9)]).placed, AT_120, 0.0, 5.0)


def test_a_model_without_it_is_refused_before_a_tune_is_heard(tmp_path: Path, monkeypatch):
    (tmp_path / "hum.wav").write_bytes(b"not read")
    asked = {"chords": "Am", "melody": tmp_path / "hum.wav", "section": "verse", "form": "verse:4"}
    for name, value in asked.items():
        control = "section" if name == "form" else name
        shown = refused(control_plan, **{name: value}, model=("known",))
        assert shown.startswith(f"{name}: this model was not trained with the control {control} (it has none)")
        assert "mousai train latent-diffusion" in shown
    assert "(it has chords, section)" in refused(control_plan, melody=NOTES, model=("chords", "section", "known"))
    assert control_plan(chords="Am", form="verse:4", model=("chords", "section")) is not None


def test_a_mistake_in_it_comes_before_the_model():
    assert "nearest: Bm" in refused(control_plan, chords="Hm", model=())
    assert "did you mean 'chorus'?" in refused(control_plan, section="chorsu", model=())
    assert "give it or form" in refused(control_plan, section="verse", form="verse:4", model=())
    assert "no such file" in refused(control_plan, melody="nowhere.mid", model=())


def test_chords_and_melody_beside_all_new_music_are_refused():
    plan = control_plan(chords=[("Am", 0.0), ("F", 2.0)], melody=NOTES)
    plan.check_regions([(5.0, 6.0), (0.9, 1.2)])
    shown = refused(plan.check_regions, [(1.0, 2.0), (8.0, 9.0)])
    assert shown == "melody: none of it lies in the new music, 1 to 2 s, 8 to 9 s; melody_start moves it there"
    early = control_plan(chords=[("Am", 3.0)])
    assert refused(early.check_regions, [(1.0, 2.0)]) == "chords: none of it lies in the new music, 1 to 2 s"
    control_plan(chords="Am", section="verse").check_regions([(1.0, 2.0)])


def test_more_than_a_file_can_store_is_counted():
    notes = [(float(second), second + 0.5, 60) for second in range(400)]
    stored = control_plan(melody=notes).written()["melody"]
    assert stored == f"400 notes, {NOT_STORED}" and len(stored) < LONGEST_TEXT
    moved = control_plan(melody=NOTES, melody_start=2.5)
    assert moved.written()["melody_start"] == "2.5"


@pytest.mark.parametrize("seed", range(4))
def test_files_of_a_composed_song_are_read_as_its_facts(tmp_path: Path, seed: int):
    song = compose_song(seed, duration=20.0)
    for name, content in song_files(song).items():
        (tmp_path / name).write_bytes(content)
    expected = tuple((chord.start, chord.end, chord.label) for chord in song.chords)
    for name, suffix in (("chords", ".lab"), ("jams", ".jams")):
        path = (tmp_path / name).rename(tmp_path / f"{name}{suffix}")
        placed = control_plan(chords=path).placed(MusicAttributes(), 0.0, song.duration).chords
        assert [label for _, _, label in placed] == [label for _, _, label in expected]
        assert all(one[:2] == pytest.approx(other[:2], abs=1e-5) for one, other in zip(placed, expected, strict=True))
    # The lead is the highest of all layers, and one note at a time.
    lead = [note for track in song.tracks if track.role == "lead" for note in track.notes]
    path = (tmp_path / "midi").rename(tmp_path / "song.mid")
    melody = control_plan(melody=path).melody
    assert melody.track == "lead"
    assert [pitch for _, _, pitch in melody.notes] == [note.pitch for note in sorted(lead, key=lambda note: note.start)]
