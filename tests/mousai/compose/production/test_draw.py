import json
from dataclasses import replace

import pytest

from mousai.compose import GENRES, STYLES, compose_song
from mousai.compose.production import draw_production
from mousai.compose.production.config import Bus, Master, Reverb
from mousai.compose.production.draw import kicks
from mousai.compose.production.tables import DEFAULT, PROFILES, profile_of


def productions(genre: str, count: int = 30) -> list:
    songs = [compose_song(seed, genre=genre, duration=12) for seed in range(count)]
    return [draw_production(song.seed, song) for song in songs]


@pytest.mark.parametrize("genre", GENRES)
def test_every_genre_has_productions_that_differ_and_can_be_written_down(genre: str) -> None:
    drawn = productions(genre, 6)
    assert len({json.dumps(production.to_dict()) for production in drawn}) == 6
    assert drawn == productions(genre, 6)
    for production in drawn:
        assert json.loads(json.dumps(production.to_dict())) == production.to_dict()
        assert -16.0 <= production.master.loudness <= -9.0


def test_dance_music_pumps_often_and_ballads_never() -> None:
    assert sum(production.side_chain is not None for production in productions("house")) > 12
    for genre in ("solo piano", "jazz ballad", "string ensemble", "piano pop"):
        assert all(production.side_chain is None for production in productions(genre, 12))


def test_without_a_bass_drum_nothing_pumps() -> None:
    song = next(song for seed in range(50) if kicks(song := compose_song(seed, genre="house", duration=12)))
    pumped = next(seed for seed in range(50) if draw_production(seed, song).side_chain)
    assert (
        draw_production(pumped, replace(song, tracks=tuple(t for t in song.tracks if not t.is_drum))).side_chain is None
    )


def test_concert_music_is_softer_than_metal() -> None:
    concert, metal = (
        [production.master.loudness for production in productions(genre, 8)] for genre in ("classical", "metal")
    )
    assert max(concert) < min(metal)


def test_distorted_guitars_are_heard_through_a_cabinet() -> None:
    song = compose_song(0, genre="metal", lead="distorted guitar", duration=12)
    production = draw_production(0, song)
    assert production.lead.cabinet and production.guitars.cabinet and not production.bass.cabinet


def test_a_style_has_its_own_profile_or_its_genres() -> None:
    assert profile_of("pop", "synth pop") is PROFILES["synth pop"]
    assert profile_of("pop", "band pop") is PROFILES["pop"]
    assert profile_of("polka", "polka") is DEFAULT
    assert all(profile_of(style.genre, style.name) is not DEFAULT for style in STYLES)


@pytest.mark.parametrize(
    ("kind", "wrong", "words"),
    [
        (Bus, {"width": 2.0}, "width is 2; 0 to 1.5"),
        (Bus, {"reverb": 3.0}, "reverb is 3"),
        (Reverb, {"space": "cave", "decay": 1.0}, "space is 'cave'; one of room, plate, hall"),
        (Reverb, {"space": "room", "decay": float("nan")}, "decay is nan"),
        (Master, {"loudness": 0.0}, "loudness is 0"),
    ],
)
def test_a_setting_out_of_range_is_an_error(kind: type, wrong: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        kind(**wrong)
