import re
import unicodedata
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mousai.compose import STYLES, caption, caption_from_metadata, compose_song, song_facts
from mousai.compose.captions.facts import STYLE_WORDS
from mousai.compose.captions.nicknames import GENRE_NICKNAMES, INSTRUMENT_NICKNAMES, MOOD_NICKNAMES, STYLE_NICKNAMES
from mousai.compose.captions.observations import USES, density, energy, observed, suits
from mousai.compose.captions.requests import ASKS, BACKGROUND
from mousai.compose.captions.words import (
    CONTEXTS,
    GENRE_NOUNS,
    GENRE_WORDS,
    INSTRUMENT_WORDS,
    MOOD_WORDS,
    NOUNS,
    SPEEDS,
    speed_nicknames,
    speed_words,
)
from mousai.compose.instruments import KITS, PROGRAM_NAMES
from mousai.conditioning.attributes import parse_attributes
from mousai.conditioning.leads import family_of, lead_in

CALM_PIANO = {"genre": "pop", "bpm": 100, "mood": "calm", "lead": "piano", "instruments": ["piano"], "key": "C major"}
# fmt: off
GLUE = {
    "a", "an", "and", "at", "bpm", "by", "drums", "features", "featuring", "in", "instrument", "instruments",
    "is", "it", "key", "lead", "led", "major", "melody", "minor", "music", "no", "of", "on", "over", "played",
    "solo", "tempo", "the", "to", "with", "without", "for", "some", "around", "only", "just", "alone", "nothing", "but",
}
# fmt: on
ASKED = {word for text in (*ASKS, *BACKGROUND) for word in re.findall(r"[a-z-]+", text)}


def words(text: str) -> set[str]:
    return set(re.findall(r"[a-z][a-z-]*", text.lower()))


def folded(text: str) -> str:
    """The text without its accents."""
    return "".join(letter for letter in unicodedata.normalize("NFD", text) if not unicodedata.combining(letter))


def texts_of(row: dict[str, object]) -> list[str]:
    """Every text that a true caption of the row may hold."""
    genre, style, mood = str(row["genre"]), str(row["style"]), str(row["mood"])
    names = list(map(str, row["instruments"]))  # type: ignore[call-overload]
    told = [*GENRE_WORDS[genre], *GENRE_NICKNAMES[genre], *GENRE_NOUNS[genre], *NOUNS, *CONTEXTS]
    told += [
        *MOOD_WORDS[mood],
        *MOOD_NICKNAMES[mood],
        *STYLE_WORDS.get(style, (style,)),
        *STYLE_NICKNAMES.get(style, ()),
    ]
    if row["bpm"] is not None:  # a song that changes its tempo has none
        bpm = float(str(row["bpm"]))
        told += [*speed_words(bpm), *speed_nicknames(bpm), str(row["bpm"])]
    told.append(str(row["key"]).replace("#", ""))
    for name in names:
        told += [name, *INSTRUMENT_WORDS.get(name, ()), *INSTRUMENT_NICKNAMES.get(name, ())]
    told += [text for name in suits(row) for text in dict(USES)[name]]
    told += [text for number in range(60) for text in observed(row, Random(number))]
    return [*told, *map(folded, told)]


def vocabulary(row: dict[str, object]) -> set[str]:
    """Every word that a true caption of the row may hold."""
    return GLUE | ASKED | {word for text in texts_of(row) for word in words(text)}


@settings(max_examples=20)
@given(st.integers(0, 2**40), st.sampled_from([style.name for style in STYLES]), st.sampled_from(["style", "all"]))
def test_captions_tell_only_what_is_true(seed: int, style: str, palette: str) -> None:
    song = compose_song(seed, genre=style, palette=palette, duration=8)
    row = song_facts(song)
    rng = Random(seed)
    known, numbers = vocabulary(row), {n for told in texts_of(row) for n in re.findall(r"\d+", told)}
    for _ in range(20):
        text = caption(song, rng)
        assert words(text) <= known, text
        assert set(re.findall(r"\d+", text)) <= numbers, text
        assert parse_attributes(text).tempo == (song.bpm if "bpm" in text.lower() else None), text
        for tonic, quality in re.findall(r"\b([A-G](?:#|b)?) (major|minor)\b(?! key)", text):
            assert f"{tonic} {quality}" == song.key
        for quality in re.findall(r"(major|minor)", text.lower()):
            assert song.key.endswith(quality)
        if re.search(r"\b(no|without) (drums|percussion|beat)|drumless|beatless", text.lower()):
            assert not set(song.instruments) & set(KITS)
        assert text == " ".join(text.split())
        assert not re.search(r" ,|,,|\.\.|\ba [aeiou]|\ban [^aeiou]|lead lead", text), text


def test_the_caption_of_a_song_is_its_own() -> None:
    song = compose_song(4)
    assert caption(song) == caption(song)
    assert caption(song) == caption_from_metadata(song_facts(song), Random("mousai.compose/caption/4"))


def test_a_row_is_enough_for_ever_new_captions() -> None:
    rng = Random(0)
    row = song_facts(compose_song(11, genre="pop"))
    drawn = [caption_from_metadata(row, rng) for _ in range(300)]
    assert len(set(drawn)) > 270
    assert caption_from_metadata(row, Random(5)) == caption_from_metadata(row, Random(5))


@pytest.mark.parametrize(
    ("row", "prompt"),
    [
        (CALM_PIANO, "calm piano pop, 100 bpm"),
        ({"genre": "hip hop", "bpm": 90}, "hip hop beat 90 bpm"),
        ({"genre": "ambient", "bpm": 66}, "a slow ambient piece"),
        (
            {"genre": "metal", "bpm": 160, "key": "E minor", "instruments": ["distorted guitar"]},
            "fast metal in E minor with distorted guitar, 160 bpm",
        ),
    ],
)
def test_what_users_type_is_among_the_captions(row: dict[str, object], prompt: str) -> None:
    rng = Random(1)
    assert any(caption_from_metadata(row, rng).lower().rstrip(".") == prompt.lower() for _ in range(40_000))


@pytest.mark.parametrize(
    ("style", "spoken"),
    [
        ("drum and bass", ("drum and bass", "drum & bass", "dnb", "d&b")),
        ("lo-fi", ("lo-fi", "lofi", "chillhop")),
        ("film score", ("film score", "cinematic", "soundtrack", "orchestral")),
        ("soul", ("soul", "r&b")),
        ("waltz", ("waltz",)),
    ],
)
def test_styles_are_called_what_users_call_them(style: str, spoken: tuple[str, ...]) -> None:
    row = song_facts(compose_song(3, genre=style, duration=8))
    rng = Random(6)
    drawn = [caption_from_metadata(row, rng).lower() for _ in range(1000)]
    for word in spoken:
        assert any(re.search(rf"(^|[^a-z]){re.escape(word)}([^a-z]|$)", text) for text in drawn), word
    assert 0.25 < sum(any(word in text for word in spoken) for text in drawn) / 1000 < 0.65


def test_most_captions_name_the_genre_and_many_the_tempo() -> None:
    rng = Random(2)
    drawn = [caption_from_metadata(CALM_PIANO, rng).lower() for _ in range(1000)]
    assert 0.9 < sum("pop" in text for text in drawn) / 1000 <= 1.0
    assert 0.65 < sum("100" in text for text in drawn) / 1000 < 0.85
    assert 0.4 < sum("piano" in text for text in drawn) / 1000 < 0.8


def test_a_solo_is_of_the_lead_in_every_style() -> None:
    for genre in GENRE_WORDS:
        song = compose_song(3, genre=genre, palette="leads", duration=8)
        drawn = [caption(song, Random(number)) for number in range(300)]
        with_solo = [text for text in drawn if "solo" in text.replace("solo piano", "").lower()]
        assert 10 < len(with_solo) < 90
        assert {lead_in(text) for text in with_solo} <= {family_of(song.lead), None}, with_solo
        assert sum(lead_in(text) is not None for text in with_solo) > 0.7 * len(with_solo)


@pytest.mark.parametrize("row", [CALM_PIANO, {"genre": "electronic", "bpm": 128}, {}])
def test_one_in_five_tells_an_context_whatever_the_song(row: dict[str, object]) -> None:
    rng = Random(3)
    drawn = [caption_from_metadata(row, rng).lower() for _ in range(1000)]
    told = [text for text in drawn if any(re.search(rf"\b{context}\b", text) for context in CONTEXTS)]
    assert 0.15 < len(told) / 1000 < 0.25
    assert len({context for text in told for context in CONTEXTS if context in text}) > 25


def test_a_song_of_any_timbre_is_told_by_its_instruments() -> None:
    song = compose_song(8, palette="all", genre="pop")
    spoken = {song.lead, *INSTRUMENT_WORDS.get(song.lead, ()), *INSTRUMENT_NICKNAMES.get(song.lead, ())}
    drawn = [caption(song, Random(number)).lower() for number in range(2000)]
    assert sum(any(name in text for name in spoken) for text in drawn) > 1800


def test_the_palette_of_leads_names_the_lead_always() -> None:
    song = compose_song(8, palette="leads", genre="pop")
    spoken = {song.lead, *INSTRUMENT_WORDS.get(song.lead, ()), *INSTRUMENT_NICKNAMES.get(song.lead, ())}
    drawn = [caption(song, Random(number)).lower() for number in range(200)]
    assert sum(any(name in text for name in spoken) for text in drawn) > 170  # one form out of many has no room for it


def test_missing_fields_are_not_mentioned() -> None:
    rng = Random(3)
    for _ in range(300):
        text = caption_from_metadata({"genre": "jazz"}, rng)
        told = (*GENRE_WORDS["jazz"], *GENRE_NICKNAMES["jazz"], *GENRE_NOUNS["jazz"], *NOUNS, *CONTEXTS, "a an some")
        assert words(text) <= ASKED | {word for t in told for w in (t, folded(t)) for word in words(w)}
        assert "jazz" in text.lower()
    assert all(caption_from_metadata({}, rng) for _ in range(100))


def test_speeds_rise() -> None:
    limits = [limit for limit, _ in SPEEDS]
    assert limits == sorted(limits)
    assert all(words(name) for name in PROGRAM_NAMES)


def test_nicknames_are_of_what_the_composer_has_and_lead_as_it_does() -> None:
    assert set(STYLE_NICKNAMES) == {style.name for style in STYLES} - {style.genre for style in STYLES} | {"ambient"}
    assert set(GENRE_NICKNAMES) == set(GENRE_WORDS) and set(MOOD_NICKNAMES) == set(MOOD_WORDS)
    assert set(INSTRUMENT_NICKNAMES) <= {*PROGRAM_NAMES, *KITS}
    for name, nicknames in INSTRUMENT_NICKNAMES.items():
        for nickname in nicknames:
            assert lead_in(f"pop with a {nickname} solo, 100 bpm") in (family_of(name), None), (name, nickname)


def test_one_instrument_alone_is_said_to_be_alone_and_only_then() -> None:
    alone = {"genre": "classical", "style": "solo piano", "bpm": 90, "mood": "calm", "lead": "piano"}
    drawn = [caption_from_metadata({**alone, "instruments": ["piano"]}, Random(n)).lower() for n in range(1500)]
    for said in ("only piano", "piano only", "just piano", "without drums", "drumless", "no drums", "sparse"):
        assert any(said in text for text in drawn), said
    two = [caption_from_metadata({**alone, "instruments": ["piano", "cello"]}, Random(n)).lower() for n in range(1500)]
    assert not any(re.search(r"\b(only|just|alone|nothing)\b", text) for text in two)


def test_density_energy_and_use_follow_the_facts() -> None:
    band = ["piano", "strings", "electric bass", "acoustic guitar", "drums"]
    assert "full band" in density({"genre": "pop", "instruments": band})
    assert "full band" not in density({"genre": "pop", "instruments": ["oboe", *band[:4]]})
    assert "sparse" in density({"instruments": ["piano", "cello"]}) and not density({"instruments": band[:3]})
    assert "hard" in energy({"genre": "metal", "mood": "intense", "instruments": band})
    assert "low energy" in energy({"genre": "ambient", "mood": "calm"}) and not energy({})
    fight = {"genre": "metal", "mood": "intense", "bpm": 150, "instruments": band}
    assert "boss" in suits(fight) and "boss" not in suits({**fight, "bpm": 80}) and not suits({})
    assert suits({"style": "lo-fi"}) == ("study",)
