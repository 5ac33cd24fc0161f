"""Chords in a row: bars, pairs with seconds, and files."""

import json
import math
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mousai import UserError
from mousai.conditioning.chord_labels import QUALITIES, spell_label
from mousai.conditioning.notation.chord_files import read_chords
from mousai.conditioning.notation.chord_sequences import BarChords, TimedChords, parse_bars
from mousai.conditioning.notation.chord_symbols import spell_symbol

CHORDS = st.builds(
    lambda root, quality, bass: (root, quality, bass),
    st.integers(0, 11),
    st.sampled_from(sorted(QUALITIES)),
    st.none() | st.integers(0, 11),
)
BARS = st.fractions(Fraction(1, 16), 64, max_denominator=16)


def refused(given: object) -> str:
    with pytest.raises(UserError) as caught:
        read_chords(given)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def bars(text: str) -> list[tuple[float, str]]:
    return [(float(length), label) for length, label in parse_bars(text).chords]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Am F C G", [(1, "A:min"), (1, "F:maj"), (1, "C:maj"), (1, "G:maj")]),
        (" Am,F ,C ", [(1, "A:min"), (1, "F:maj"), (1, "C:maj")]),
        ("Am:2 F:1/2 G:1.5", [(2, "A:min"), (0.5, "F:maj"), (1.5, "G:maj")]),
        ("Dm7/G:2 N.C. A:min7/b3:2", [(2, "D:min7/4"), (1, "N"), (2, "A:min7/b3")]),
        ("A:min7 A:7:2 C:(1,5)", [(1, "A:min7"), (2, "A:7"), (1, "C:(1,5)")]),
        ("Am | F G", [(1, "A:min"), (0.5, "F:maj"), (0.5, "G:maj")]),
        ("| A:7 | F G Am || % |", [(1, "A:7"), *[(1 / 3, one) for one in ("F:maj", "G:maj", "A:min")] * 2]),
        ("Am % F:2 %", [(1, "A:min"), (1, "A:min"), (2, "F:maj"), (2, "F:maj")]),
    ],
)
def test_bars(text: str, expected: list[tuple[float, str]]):
    assert bars(text) == expected


@given(st.lists(st.tuples(CHORDS, BARS), min_size=1, max_size=8))
def test_bars_that_are_written_are_read_again(chords: list):
    expected = [(length, spell_label(*chord)) for chord, length in chords]
    for spell in (spell_label, spell_symbol):
        # `C:5` would be five bars of C: with its length such a label says which of the two colons is which.
        # So could `C:5/3` be C5/3, and is refused; a root alone is written as `Cmaj` beside a length.
        spelled = [(spell(*chord), length) for chord, length in chords]
        text = " ".join(
            f"{one}maj:{length}" if len(one.rstrip("#b")) == 1 else f"{one}:{length}" for one, length in spelled
        )
        assert list(parse_bars(text).chords) == expected
    # A root alone, `C:1`, has no symbol.
    between = [chord for chord, _ in chords if chord[1] != "1"]
    lines = " | ".join(spell_symbol(*chord) for chord in between)
    if between:
        assert [label for _, label in parse_bars(f"| {lines} |").chords] == [spell_label(*one) for one in between]


def test_bars_fill_a_piece_again_and_again():
    chords = parse_bars("Am:2 F")
    placed = chords.placed(0.0, 9.0, tempo=120, first_downbeat=0.5)  # bars of 2 s
    assert placed == (
        (0.0, 0.5, "F:maj"),  # before the first downbeat too
        (0.5, 4.5, "A:min"),
        (4.5, 6.5, "F:maj"),
        (6.5, 9.0, "A:min"),
    )
    assert chords.placed(-4.0, -1.0, tempo=120, first_downbeat=0.0) == ((-4.0, -2.0, "A:min"), (-2.0, -1.0, "F:maj"))


@given(
    st.lists(BARS, min_size=1, max_size=5),
    st.floats(-20, 20),
    st.floats(0.1, 60),
    st.floats(30, 300),
    st.floats(-5, 5),
)
def test_bars_leave_no_gap(lengths, start, seconds, tempo, first_downbeat):
    chords = BarChords(tuple((length, spell_label(place, "maj")) for place, length in enumerate(lengths)), "")
    placed = chords.placed(start, start + seconds, tempo=tempo, first_downbeat=first_downbeat)
    # A chord of less than a nanosecond is left out, at the beginning too.
    assert placed[0][0] == pytest.approx(start, abs=1e-9) and placed[-1][1] == pytest.approx(start + seconds, abs=1e-6)
    for one, after in pairwise(placed):
        assert one[0] < one[1] == pytest.approx(after[0], abs=1e-6)
    for first, last, label in placed:
        # At the middle of each span stands the chord that counting bars gives.
        at = ((first + last) / 2 - first_downbeat) * tempo / 240 % float(sum(lengths))
        place = next(place for place in range(len(lengths)) if at < float(sum(lengths[: place + 1])) + 1e-6)
        assert label == spell_label(place, "maj") or last - first < 1e-5


@pytest.mark.parametrize(
    "given",
    [
        [("Am", 0.0), ("F", 2)],
        (("A:min", 0), ["F", 2.0]),
        '[["Am", 0], ["F", 2]]',
    ],
)
def test_pairs_with_seconds(given: object):
    chords = read_chords(given)
    assert chords.chords == ((0.0, 2.0, "A:min"), (2.0, math.inf, "F:maj"))
    assert chords.placed(0.0, 5.0) == ((0.0, 2.0, "A:min"), (2.0, 5.0, "F:maj"))
    assert read_chords(chords.written).chords == chords.chords and read_chords(chords) is chords


def test_a_list_of_symbols_is_a_bar_each():
    assert read_chords(["Am", "F"]).chords == parse_bars("Am F").chords


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.lab", "0.0 2.0 A:min\n\n# a comment\n2.0\t3.5\tF:maj7\n4 6 N\n"),
        ("a.LAB", "\ufeff0.0 2.0 Am\r\n2.0 3.5 Fmaj7\r\n4 6 N.C.\r\n"),
        (
            "a.jams",
            json.dumps(
                {
                    "annotations": [
                        {"namespace": "beat", "data": [{"time": 0, "duration": 0, "value": 1}]},
                        {
                            "namespace": "chord",
                            "data": [
                                {"time": 0.0, "duration": 2.0, "value": "A:min", "confidence": None},
                                {"time": 2.0, "duration": 1.5, "value": "F:maj7"},
                                {"time": 4, "duration": 2, "value": "N"},
                            ],
                        },
                    ]
                }
            ),
        ),
    ],
)
def test_files(tmp_path: Path, name: str, text: str):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    for one in (path, str(path)):
        chords = read_chords(one)
        assert chords.chords == ((0.0, 2.0, "A:min"), (2.0, 3.5, "F:maj7"), (4.0, 6.0, "N"))
        assert chords.written == str(path)
    assert chords.placed(0.0, 5.0)[-1] == (4.0, 5.0, "N")


def test_a_json_file_of_pairs(tmp_path: Path):
    path = tmp_path / "a.json"
    path.write_text('[["Am", 0.0], ["F", 2.0]]')
    assert read_chords(path) == TimedChords(((0.0, 2.0, "A:min"), (2.0, math.inf, "F:maj")), str(path))


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("Am Hm", "chords='Hm': is no chord; nearest: Bm"),
        ("", "chords='': holds no chord"),
        (" , ", "holds no chord"),
        ("Am:0", "chords='Am:0': must last 1/16 to 1000 bars"),
        ("Am:-2", "must last"),
        ("Am:1/0", "must last"),
        ("Am:1/17", "must last"),
        ("Am:1e9", "is no chord"),
        ("Am:1001", "must last"),
        ("A:7 D", "chords='A:7': may be the chord A7 or 7 bars of A; write A7, or Amaj:7"),
        ("F#:5/3", "may be the chord F#5/3 or 5/3 bars of F#; write F#5/3, or F#maj:5/3"),
        ("%", "repeats the bar before; give a chord first"),
        ("| % | Am |", "give a chord first"),
        ("Am | | F", "has a bar without a chord"),
        ("|", "has a bar without a chord"),
        ("Am | % F", "% repeats the whole bar before"),
        ("Am:2 | F", "has bar lines and a length, Am:2"),
        ([], "chords: holds no chord"),
        ("[]", "chords: holds no chord"),
        ("[1", "is no JSON list"),
        ("[1, 2]", "chords=1: must be a chord and the second"),
        ([("Am", 0.0), ("F", 0.0)], "must begin after the chord before it, at 0 s"),
        ([("Am", "0")], "must end in a number of seconds"),
        ([("Am", True)], "must end in a number of seconds"),
        ([("Am", math.nan)], "must end in a number of seconds"),
        ([(0.0, "Am")], "must begin with the name of a chord"),
        ([("Am", 0.0, 2.0)], "must be a chord and the second at which it begins"),
        ([("Hm", 0.0)], "chords='Hm': is no chord; nearest: Bm"),
        (3, "must be bars"),
        ("nowhere.lab", "chords=nowhere.lab: no such file"),
        (Path("nowhere.json"), "no such file"),
        (Path("a.txt"), "must be a file that ends in .lab, .json or .jams"),
    ],
)
def test_impossible_chords(given: object, shown: str):
    assert shown in refused(given)


@pytest.mark.parametrize(
    ("name", "text", "shown"),
    [
        ("a.lab", "", "holds no chord"),
        ("a.lab", "0 2 Am\n2 4 Hm\n", "line 2: 'Hm' is no chord; nearest: Bm"),
        ("a.lab", "0 2\n", "line 1: '0 2' is no start, end and label"),
        ("a.lab", "a b Am\n", "is no start, end and label"),
        ("a.lab", "2 2 Am\n", "line 1: 2 to 2 s is no stretch of time"),
        ("a.lab", "0 inf Am\n", "is no stretch of time"),
        ("a.lab", "0 2 Am\n1 3 F\n", "line 2: begins at 1 s, before the end of the one above it"),
        ("a.json", "", "is no JSON"),
        ("a.json", "3", "holds neither pairs"),
        ("a.json", "{}", "holds neither pairs"),
        ("a.json", "[]", "holds no chord"),
        ("a.json", '[["Hm", 0]]', "'Hm' is no chord; nearest: Bm"),
        ("a.json", '{"annotations": [{"namespace": "beat"}]}', "no annotation of the namespace chord"),
        ("a.json", '{"annotations": [{"namespace": "chord", "data": []}]}', "holds no chord"),
        ("a.json", '{"annotations": [{"namespace": "chord"}]}', "chord 1 has no time, duration and value"),
        ("a.json", '{"annotations": [{"namespace": "chord", "data": [{"time": 0}]}]}', "chord 1 has no time"),
        ("a.txt", "Am F", "must be a file that ends in"),
    ],
)
def test_impossible_files(tmp_path: Path, name: str, text: str, shown: str):
    path = tmp_path / name
    path.write_text(text)
    error = refused(str(path))
    assert shown in error and str(path) in error


def test_a_file_that_is_no_text(tmp_path: Path):
    (tmp_path / "a.lab").write_bytes(b"\xff\xfe0 2 A")
    assert "is no text in UTF-8" in refused(tmp_path / "a.lab")
    (tmp_path / "b.lab").mkdir()
    assert "cannot be read" in refused(tmp_path / "b.lab")


def test_a_file_that_is_too_long(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("mousai.conditioning.notation.chord_files._LONGEST", 10)
    path = tmp_path / "a.lab"
    path.write_text("0 2 Am\n2 4 F\n")
    assert refused(path) == f"{path}: has 13 bytes; such a file has 10 at most"


def test_chords_outside_the_piece_are_refused():
    chords = read_chords([("Am", 0.0), ("F", 2.0)])
    with pytest.raises(UserError, match="F:maj begins at 2 s, after the end of the piece, at 2 s"):
        chords.placed(0.0, 2.0)
    with pytest.raises(UserError, match="A:min begins at 0 s, before the piece, at 1 s"):
        chords.placed(1.0, 9.0)
