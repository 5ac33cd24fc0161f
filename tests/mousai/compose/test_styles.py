import dataclasses

import pytest

from mousai.compose import GENRES, STYLES
from mousai.compose.captions.words import GENRE_NOUNS, GENRE_WORDS, INSTRUMENT_WORDS, MOOD_WORDS, speed_words
from mousai.compose.instruments import DRUM_KEYS, HIGHEST, KITS, LOUDNESS, PROGRAM_NAMES, PROGRAMS, balanced_volume
from mousai.compose.styles import Style, styles_of
from mousai.compose.theory import Key, chord
from mousai.compose.writing.melody import RHYTHMS
from mousai.compose.writing.moods import DARK_GENRES, DARK_MOODS, MOODS
from mousai.compose.writing.steps import bar_of, parse


def test_there_are_128_programs_of_different_names() -> None:
    assert len(PROGRAM_NAMES) == len(PROGRAMS) == len(LOUDNESS) == 128
    assert not set(PROGRAMS) & set(KITS)
    assert PROGRAMS["piano"] == 0 and PROGRAMS["distorted guitar"] == 30 and PROGRAMS["gunshot"] == 127


def test_the_papers_four_genres_and_more_are_there() -> None:
    assert {"electronic", "hip hop", "metal", "pop"} < set(GENRES)
    assert len(GENRES) >= 8
    assert len({style.name for style in STYLES}) == len(STYLES)


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.name)
def test_every_pattern_of_a_style_fits_its_bar(style: Style) -> None:
    for part in style.parts:
        for pattern in part.patterns:
            if part.kind == "melody":
                assert all(len(rhythm) == 4 * style.beats for rhythm in RHYTHMS[pattern])
                continue
            if part.kind == "answer":
                assert len(pattern) == 2 * style.beats and {step.symbol for step in parse(pattern)} == {"x"}
                continue
            for step in parse(bar_of(pattern, 0, style.beats)):
                allowed = "RTFOA" if part.kind == "bass" else "0123456789" if part.kind == "arpeggio" else "xXo"
                assert step.symbol in allowed
    for groove in style.grooves:
        for drum, pattern in groove.items():
            assert drum in DRUM_KEYS
            assert {step.symbol for step in parse(bar_of(pattern, 0, style.beats))} <= set("xXor")


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.name)
def test_every_chord_of_a_style_can_be_spelt_and_has_a_lead(style: Style) -> None:
    assert any(part.role == "lead" and part.kind == "melody" and part.chance == 1 for part in style.parts)
    assert len({part.role for part in style.parts}) == len(style.parts)
    for mode in style.modes:
        key = Key(0, mode)
        for progression in style.progressions[key.quality]:
            for bar in progression:
                assert len(bar.split()) <= 2
                assert all(chord(key, numeral).tones for numeral in bar.split())
        assert chord(key, style.cadence[key.quality]).tones


def test_the_styles_that_users_ask_for_are_branches_of_the_ten_genres() -> None:
    assert len(GENRES) == 10
    branches = {
        "house": "electronic", "drum and bass": "electronic", "synthwave": "electronic", "lo-fi": "hip hop",
        "funk": "pop", "soul": "pop", "film score": "classical", "country": "folk", "blues": "jazz",
        "hard rock": "metal", "reggaeton": "latin",
    }  # fmt: skip
    assert {style.name: style.genre for style in STYLES if style.name in branches} == branches
    spoken = [word for style in STYLES for word in set(style.words)]
    assert len(set(spoken)) == len(spoken) and not set(spoken) & set(GENRES)


def test_a_genre_or_a_style_can_be_asked_for() -> None:
    assert {style.genre for style in styles_of("Hip Hop")} == {"hip hop"}
    assert [style.name for style in styles_of("waltz")] == ["waltz"]
    for word, name in (("dnb", "drum and bass"), ("LoFi", "lo-fi"), ("cinematic", "film score"), ("r&b", "soul")):
        assert [style.name for style in styles_of(word)] == [name]
    with pytest.raises(ValueError, match="genre='polka': one of electronic"):
        styles_of("polka")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kits": ("dustbins",)}, "kit is 'dustbins'"),
        ({"fills": "wild"}, "fills is 'wild'"),
        ({"form": "fugue"}, "form is 'fugue'"),
        ({"tempo": (120, 90)}, r"tempo is \(120, 90\)"),
    ],
)
def test_a_style_checks_itself(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(STYLES[0], **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "message"),
    [({"kind": "solo"}, "kind is 'solo'"), ({"instruments": ("kazoo",)}, "instrument is 'kazoo'")],
)
def test_a_part_checks_itself(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(STYLES[0].parts[0], **change)  # type: ignore[arg-type]


def test_there_are_words_for_everything_and_for_nothing_else() -> None:
    assert set(GENRE_WORDS) == set(GENRE_NOUNS) == set(GENRES)
    assert set(MOOD_WORDS) == {mood for moods in (*MOODS.values(), DARK_MOODS) for mood in moods}
    assert set(INSTRUMENT_WORDS) <= {*PROGRAM_NAMES, *KITS}
    assert set(HIGHEST) <= set(PROGRAM_NAMES)
    assert set(DARK_GENRES) <= set(GENRES)
    assert {"slow"} == set(speed_words(60)) and {"fast"} == set(speed_words(160))


def test_the_loud_are_turned_down() -> None:
    loud, soft = PROGRAMS["trombone"], PROGRAMS["piano"]
    assert balanced_volume(loud, 100) < 88 < balanced_volume(soft, 100)
    assert {balanced_volume(program, 127) <= 127 for program in range(128)} == {True}
