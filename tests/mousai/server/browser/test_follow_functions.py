"""Functions of the fields of chords, tune and form that need no browser, run by node."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from mousai.conditioning.notation.chord_sequences import parse_bars

from ..page_in_node import STUBS, needs_node, run

pytestmark = needs_node
TUNE = {"key": "k", "file": "f", "name": "it's a tune.mid", "kind": "midi"}


def test_a_refusal_is_said_without_the_field_above_it(modules: Path):
    said = {
        "chords='Hm': is no chord; nearest: Bm": "“Hm” is no chord; nearest: Bm",
        "duration=0: must be above 0": "“0” must be above 0",
        "section: input should be 'intro' or 'verse'": "input should be 'intro' or 'verse'",
        "form='a:b': must be sections: with bars": "“a:b” must be sections: with bars",
        "The server cannot be reached: try again": "The server cannot be reached: try again",
    }
    script = 'const { wordsOf } = await import("./fields.js"); return given.map(wordsOf);'
    assert run(modules, STUBS + script, list(said)) == list(said.values())


def test_what_a_piece_follows_is_what_was_asked_for_else_what_its_file_tells(modules: Path):
    made = {"chords": "Am F", "form": "verse:2", "melody": "tune.mid"}
    pieces = [
        {"follows": {"chords": "C", "tune": TUNE}, "made": made},
        {"made": made},
        *({"made": {**made, "chords": one}} for one in ('[["Am", 0]]', "song.lab", "900 chords, too many to store")),
        None,
    ]
    script = 'const { followsOf } = await import("./follows.js"); return given.map((one) => followsOf(one));'
    found = run(modules, STUBS + script, pieces)
    assert found[0] == {"chords": "C", "tune": TUNE}
    assert found[1] == {"chords": "Am F", "form": "verse:2", "tune": None}
    assert found[2:5] == [{"form": "verse:2", "tune": None}] * 3
    assert found[5] == {"tune": None}


def test_only_what_the_model_follows_is_asked_for(modules: Path):
    script = """
      const { followed } = await import("./follows.js");
      const { state } = await import("./state.js");
      const names = ["chords", "melody", "section", "form", "melody_track"];
      return [null, {}, ...given.map((controls) => ({ controls }))].map((model) => {
        state.model = model;
        return followed(names);
      });
    """
    given = [[], ["chords"], ["section", "known"], ["chords", "melody", "section"]]
    found = run(modules, STUBS + script, given)
    assert found[:4] == [[], [], [], ["chords"]]
    assert found[4:] == [["section", "form"], ["chords", "melody", "section", "form"]]


def test_a_command_line_names_the_tune_as_it_was_chosen(modules: Path):
    command = "mousai loop 'house, 120 bpm' --bars 2 --melody=0a1b.mid --seed 1 -o again.wav"
    piece = {"id": "x", "parent": None, "verb": "loop", "title": "house", "seed": 1, "container": "wav"}
    given = {**piece, "command": command, "input": {"melody": "0a1b"}, "follows": {"tune": TUNE}}
    script = """
      const { commandLines } = await import("./command.js");
      const { state } = await import("./state.js");
      state.pieces.set(given.id, given);
      return commandLines(given);
    """
    (line,) = run(modules, STUBS + script, given)
    assert line == "mousai loop 'house, 120 bpm' --bars 2 --melody='it'\\''s a tune.mid' --seed 1 -o house-1.wav"


def test_a_file_of_a_tune_goes_with_the_last_piece_that_it_belongs_to(modules: Path):
    script = """
      const { forget, state } = await import("./state.js");
      const { hasBlob, writeBlob } = await import("./store.js");
      await writeBlob("tune.k", { size: 1 });
      const song = (id) => ({ id, parent: null, follows: { tune: { key: "k" } } });
      for (const id of ["a", "b"]) state.pieces.set(id, song(id));
      const left = [];
      for (const id of ["a", "b"]) {
        await forget(state.pieces.get(id));
        left.push(await hasBlob("tune.k"));
      }
      return left;
    """
    assert run(modules, STUBS + script) == [True, False]


@pytest.mark.parametrize(
    "chords",
    [
        "Am F C G",
        "Am",
        "Am:2 F:1/2 G:1.5",
        "Am:3/16, C:2/3 G",
        "Am % F",
        "| Am | F G | % |",
        "Am F |",
        "C:maj(9,#11):2 G",
    ],
)
def test_chords_stay_where_they_are_when_music_comes_before_them(modules: Path, chords: str):
    shifts = [(1, 0.0), (2, 0.5), (3, 0.0), (7, 1.25), (0, 0.5)]  # bars of 2 s in front, first downbeat before
    script = """
      const { movedBy } = await import("./moved.js");
      const [chords, shifts] = given;
      return shifts.map(([bars, downbeat]) => movedBy({ chords }, 2 * bars + 0.5, { tempo: 120, downbeat }).chords);
    """
    for (bars, downbeat), moved in zip(shifts, run(modules, STUBS + script, [chords, shifts]), strict=True):
        before = 2 * bars + 0.5
        old = parse_bars(chords).placed(-before, 40, tempo=120, first_downbeat=downbeat)
        new = parse_bars(moved).placed(0, 40 + before, tempo=120, first_downbeat=(downbeat + before) % 2)
        assert [label for _, label in joined(new)] == [label for _, label in joined(old)], moved
        assert [start for start, _ in joined(new)] == pytest.approx([start + before for start, _ in joined(old)])


def joined(spans: Iterable[tuple[float, float, str]]) -> list[tuple[float, str]]:
    """Starts of chords and their names; one that goes on where it was split is one."""
    found: list[tuple[float, str]] = []
    for start, _, label in spans:
        if not found or found[-1][1] != label:
            found.append((start, label))
    return found


def test_tune_and_form_stay_where_they_are_when_music_comes_before_them(modules: Path):
    script = """
      const { movedBy } = await import("./moved.js");
      return given.map((follows) => movedBy(follows, 4, { tempo: 120, downbeat: 0 }));
    """
    tunes = [{**TUNE, "start": start} for start in (-4, 0.5)]
    given = [{"tune": tunes[0]}, {"tune": tunes[1], "section": "verse"}, {"form": "intro:1 verse:8"}, None]
    found = run(modules, STUBS + script, given)
    assert [one["tune"]["start"] for one in found[:2]] == [0, 4.5] and found[1]["section"] == "verse"
    assert found[2:] == [{"form": "intro:3 verse:8"}, None]


def test_a_download_is_named_by_whole_words(modules: Path):
    titles = ["calm piano pop, 100 bpm, A minor, flute lead", "a" * 39 + " bc", "x" * 60, "-- ?! --", "a b" * 13 + " c"]
    script = """
      const { fileName } = await import("./command.js");
      return given.map((title) => fileName({ id: "x", parent: null, verb: "generate", title, seed: 1 }, "wav"));
    """
    names = [
        "calm-piano-pop-100-bpm-a-minor-flute",
        "a" * 39,
        "x" * 40,
        "piece",
        "a-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-ba-b",
    ]
    assert run(modules, STUBS + script, titles) == [f"{name}-1.wav" for name in names]
