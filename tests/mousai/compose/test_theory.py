import pytest
from hypothesis import given
from hypothesis import strategies as st

from mousai.compose.styles import STYLES
from mousai.compose.theory import SCALES, Key, chord, lead_voices, parse_key, place
from mousai.compose.writing.steps import Step, bar_of, parse

KEYS = [Key(tonic, mode) for tonic in range(12) for mode in SCALES]


@pytest.mark.parametrize(
    ("text", "tonic", "quality"),
    [
        ("A minor", 9, "minor"),
        ("Eb major", 3, "major"),
        ("f# min", 6, "minor"),
        ("C", 0, "major"),
        ("Am", 9, "minor"),
        ("B♭ major", 10, "major"),
        ("Cb major", 11, "major"),
    ],
)
def test_keys_are_read(text: str, tonic: int, quality: str) -> None:
    assert parse_key(text) == (tonic, quality)


@pytest.mark.parametrize("text", ["", "H minor", "A lydian", "minor", "A  B"])
def test_what_is_no_key_is_an_error_that_names_it(text: str) -> None:
    with pytest.raises(ValueError, match=f"key is {text!r}"):
        parse_key(text)


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_the_name_of_a_key_reads_back(key: Key) -> None:
    assert parse_key(key.name) == (key.tonic, key.quality)


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_scale_indices_and_pitches_agree(key: Key) -> None:
    for index in range(20, 60):
        assert key.pitch(index) % 12 in key.pitch_classes
        assert key.index_near(key.pitch(index)) == index
    assert key.pitch(35) % 12 == key.tonic


@pytest.mark.parametrize(
    ("key", "numeral", "tones", "avoid"),
    [
        (Key(0, "major"), "I", (0, 4, 7), ()),
        (Key(0, "major"), "ii7", (2, 5, 9, 0), ()),
        (Key(0, "major"), "V7", (7, 11, 2, 5), ()),
        (Key(0, "major"), "I9", (0, 4, 7, 11, 2), ()),
        (Key(9, "minor"), "i", (9, 0, 4), ()),
        (Key(9, "minor"), "v", (4, 7, 11), ()),
        (Key(9, "minor"), "V7", (4, 8, 11, 2), (7,)),  # the leading tone displaces G
        (Key(9, "minor"), "ii7", (11, 2, 5, 9), ()),
        (Key(2, "dorian"), "IV", (7, 11, 2), ()),
        (Key(7, "mixolydian"), "VII", (5, 9, 0), ()),
        (Key(0, "major"), "bVII", (10, 2, 5), (11,)),
        (Key(0, "mixolydian"), "IVb7", (5, 9, 0, 3), (4,)),
        (Key(0, "major"), "Ib7", (0, 4, 7, 10), (11,)),
        (Key(0, "major"), "III7", (4, 8, 11, 2), (7,)),
        (Key(0, "minor"), "Vsus", (7, 0, 2), (10,)),
        (Key(0, "mixolydian"), "III7", (4, 8, 11, 2), (7, 10)),  # the dominant of A, with a perfect fifth
        (Key(0, "minor"), "II7", (2, 6, 9, 0), (5, 8)),
        (Key(0, "dorian"), "VI", (8, 0, 3), (9,)),  # borrowed from the minor scale
        (Key(0, "dorian"), "VI7", (8, 0, 3, 7), (9,)),
    ],
)
def test_chords_are_spelt_as_in_the_textbook(
    key: Key, numeral: str, tones: tuple[int, ...], avoid: tuple[int, ...]
) -> None:
    found = chord(key, numeral)
    assert found.tones == tones
    assert found.avoid == avoid


def test_no_style_has_a_major_chord_with_a_diminished_fifth() -> None:
    for style in STYLES:
        for mode in style.modes:
            key = Key(0, mode)
            table = [*style.progressions[key.quality], [style.cadence[key.quality]]]
            for numeral in " ".join(bar for bars in table for bar in bars).split():
                harmony = chord(key, numeral)
                intervals = {(tone - harmony.root) % 12 for tone in harmony.tones}
                assert not {4, 6} <= intervals, (style.name, mode, numeral)


@pytest.mark.parametrize(
    ("numeral", "bass"), [("I", 0), ("V/3", 11), ("V/5", 2), ("V7/7", 5), ("IV/1", 0), ("bVII", 10), ("Vsus", 7)]
)
def test_a_slash_names_the_bass(numeral: str, bass: int) -> None:
    assert chord(Key(0, "major"), numeral).bass == bass


@pytest.mark.parametrize("numeral", ["", "viii", "I8", "H", "I/7", "I/2", "#IV"])
def test_an_unknown_numeral_is_an_error(numeral: str) -> None:
    with pytest.raises(ValueError, match="numeral is"):
        chord(Key(0, "major"), numeral)


def test_c_to_f_moves_two_voices_by_three_semitones_in_all() -> None:
    # C E G -> C F A: the common tone stays, E rises a semitone and G a whole tone.
    assert lead_voices((5, 9, 0), (60, 64, 67), 48, 84) == (60, 65, 69)


@given(st.sampled_from(KEYS), st.sampled_from(["I", "ii", "IV7", "V", "vi7"]), st.integers(40, 60))
def test_voicings_hold_every_tone_once_inside_the_register(key: Key, numeral: str, low: int) -> None:
    harmony = chord(key, numeral)
    voices = lead_voices(harmony.tones, None, low, low + 24)
    assert sorted(pitch % 12 for pitch in voices) == sorted(harmony.tones)
    assert list(voices) == sorted(voices)
    assert low <= voices[0] and voices[-1] <= low + 24


@given(st.integers(0, 11), st.integers(0, 100))
def test_place_is_the_lowest_above(pitch_class: int, low: int) -> None:
    pitch = place(pitch_class, low)
    assert pitch % 12 == pitch_class
    assert low <= pitch < low + 12


def test_rhythms_are_read() -> None:
    assert parse("x--.X.o-") == (Step(0.0, 0.75, "x"), Step(1.0, 0.25, "X"), Step(1.5, 0.5, "o"))
    assert parse("X")[0].accent > parse("x")[0].accent > parse("o")[0].accent


def test_long_rhythms_run_on_through_the_bars() -> None:
    assert [bar_of("a" * 16 + "b" * 16, index, 4)[0] for index in range(4)] == ["a", "b", "a", "b"]
    assert bar_of("x-------x---", 5, 3) == "x-------x---"


def test_a_rhythm_that_is_no_whole_number_of_bars_is_an_error() -> None:
    with pytest.raises(ValueError, match="multiple of 12"):
        bar_of("x---x---x---x---", 0, 3)
