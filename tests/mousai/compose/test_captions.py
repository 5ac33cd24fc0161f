import re
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mousai.compose import STYLES, caption, caption_from_metadata, compose_song, song_facts
from mousai.compose.captions.sentences import STYLE_WORDS
from mousai.compose.captions.words import (
    CONTEXTS,
    GENRE_NOUNS,
    GENRE_WORDS,
    INSTRUMENT_WORDS,
    MOOD_WORDS,
    NOUNS,
    SPEEDS,
    speed_words,
)
from mousai.compose.instruments import KITS, PROGRAM_NAMES
from mousai.conditioning.leads import family_of, lead_in

CALM_PIANO = {"genre": "pop", "bpm": 100, "mood": "calm", "lead": "piano", "instruments": ["piano"], "key": "C major"}
# fmt: off
GLUE = {
    "a", "an", "and", "at", "bpm", "by", "drums", "features", "featuring", "in", "instrument", "instruments",
    "is", "it", "key", "lead", "led", "major", "melody", "minor", "music", "no", "of", "on", "over", "played",
    "solo", "tempo", "the", "to", "with", "without",
}
# fmt: on


def words(text: str) -> set[str]:
    return set(re.findall(r"[a-z-]+", text.lower()))


def vocabulary(row: dict[str, object]) -> set[str]:
    """Every word that a true caption of the row may hold."""
    genre, mood, names = str(row["genre"]), str(row["mood"]), list(map(str, row["instruments"]))  # type: ignore[call-overload]
    told = [*GENRE_WORDS[genre], *GENRE_NOUNS[genre], *NOUNS, *CONTEXTS, *MOOD_WORDS[mood]]
    told += STYLE_WORDS.get(str(row["style"]), (str(row["style"]),))
    told += [*speed_words(float(str(row["bpm"]))), str(row["key"]).replace("#", "")]
    told += [word for name in names for word in (name, *INSTRUMENT_WORDS.get(name, ()))]
    return GLUE | {word for text in told for word in words(text)}


@settings(max_examples=20)
@given(st.integers(0, 2**40), st.sampled_from([style.name for style in STYLES]), st.sampled_from(["style", "all"]))
def test_captions_tell_only_what_is_true(seed: int, style: str, palette: str) -> None:
    song = compose_song(seed, genre=style, palette=palette, duration=8)
    row = song_facts(song)
    rng = Random(seed)
    for _ in range(20):
        text = caption(song, rng)
        assert words(text) <= vocabulary(row), text
        assert set(re.findall(r"\d+", text)) <= {str(song.bpm)}, text
        for tonic, quality in re.findall(r"\b([A-G](?:#|b)?) (major|minor)", text):
            assert f"{tonic} {quality}" == song.key
        for quality in re.findall(r"(major|minor)", text.lower()):
            assert song.key.endswith(quality)
        if re.search(r"\bno drums|without drums", text.lower()):
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
        assert all(lead_in(text) == family_of(song.lead) for text in with_solo), with_solo


@pytest.mark.parametrize("row", [CALM_PIANO, {"genre": "electronic", "bpm": 128}, {}])
def test_one_in_five_tells_an_context_whatever_the_song(row: dict[str, object]) -> None:
    rng = Random(3)
    drawn = [caption_from_metadata(row, rng).lower() for _ in range(1000)]
    told = [text for text in drawn if any(re.search(rf"\b{context}\b", text) for context in CONTEXTS)]
    assert 0.15 < len(told) / 1000 < 0.25
    assert len({context for text in told for context in CONTEXTS if context in text}) > 25


def test_a_song_of_any_timbre_is_told_by_its_instruments() -> None:
    song = compose_song(8, palette="all", genre="pop")
    spoken = {song.lead, *INSTRUMENT_WORDS.get(song.lead, ())}
    drawn = [caption(song, Random(number)).lower() for number in range(2000)]
    assert sum(any(name in text for name in spoken) for text in drawn) > 1800


def test_the_palette_of_leads_names_the_lead_always() -> None:
    song = compose_song(8, palette="leads", genre="pop")
    spoken = {song.lead, *INSTRUMENT_WORDS.get(song.lead, ())}
    drawn = [caption(song, Random(number)).lower() for number in range(200)]
    assert sum(any(name in text for name in spoken) for text in drawn) > 170  # one form out of many has no room for it


def test_missing_fields_are_not_mentioned() -> None:
    rng = Random(3)
    for _ in range(300):
        text = caption_from_metadata({"genre": "jazz"}, rng)
        assert words(text) <= {
            word for t in (*GENRE_WORDS["jazz"], *GENRE_NOUNS["jazz"], *NOUNS, *CONTEXTS, "a an") for word in words(t)
        }
        assert "jazz" in text.lower()
    assert all(caption_from_metadata({}, rng) for _ in range(100))


def test_speeds_rise() -> None:
    limits = [limit for limit, _ in SPEEDS]
    assert limits == sorted(limits)
    assert all(words(name) for name in PROGRAM_NAMES)
