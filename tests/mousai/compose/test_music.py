"""Properties that good music of any seed has, read from the notes."""

from collections import Counter, defaultdict
from functools import cache
from itertools import pairwise
from random import Random

import pytest

from mousai.compose import STYLES, Song, Track, compose_song
from mousai.compose.instruments import DRUM_KEYS, HIGHEST, TOP
from mousai.compose.styles import styles_of
from mousai.compose.writing.drums import drum_part
from mousai.compose.writing.score import Bar
from mousai.compose.writing.steps import parse

NAMES = [style.name for style in STYLES]
NEAR = 0.03
"""Seconds by which players may be early or late."""


@cache
def songs_of(style: str) -> tuple[Song, ...]:
    """Songs of the usual lengths, some of which change key or tempo."""
    lengths = (8.0, 20.0, 20.0, 30.0, 30.0, 75.0)
    return tuple(compose_song(40 + number, genre=style, duration=length) for number, length in enumerate(lengths))


def starts(track: Track) -> list[float]:
    return [note.start for note in track.notes]


def bar_time(song: Song, bar: Bar, beat: float = 0.0) -> float:
    return song.tempo_map.seconds(bar.start + beat)


def lead_of(song: Song) -> Track:
    return next(track for track in song.tracks if track.role == "lead")


@pytest.mark.parametrize("style", NAMES)
def test_every_note_can_be_played(style: str) -> None:
    for song in songs_of(style):
        for track in song.tracks:
            top = 127 if track.is_drum else HIGHEST.get(track.instrument, TOP)
            assert all(24 <= note.pitch <= top and 1 <= note.velocity <= 127 for note in track.notes)
            assert all(note.duration > 0 for note in track.notes)
            if track.is_drum:
                assert {note.pitch for note in track.notes} <= set(DRUM_KEYS.values())


@pytest.mark.parametrize("style", NAMES)
def test_there_are_neither_too_few_notes_nor_too_many(style: str) -> None:
    for song in songs_of(style):
        assert 1.0 < sum(len(track.notes) for track in song.tracks) / song.duration < 90
        for track in song.tracks:
            assert track.notes
            assert len(track.notes) / song.duration < 45


@pytest.mark.parametrize("style", NAMES)
def test_every_downbeat_is_played_where_it_is_not_a_pause(style: str) -> None:
    for song in songs_of(style):
        sounding = sorted((note.start, note.start + note.duration) for track in song.tracks for note in track.notes)
        for bar in song.bars:
            time = bar_time(song, bar)
            within = bar_time(song, bar, bar.beats / 2)
            # Struck at the bar line, or held over it, or (off-beat styles in a thin section) within half a bar.
            assert any(start - NEAR <= time < end or time <= start < within for start, end in sounding)


@pytest.mark.parametrize("style", NAMES)
def test_melodies_stand_on_chord_tones_where_it_weighs(style: str) -> None:
    for song in songs_of(style):
        right = []
        for bar in song.bars:
            for beat in {0, bar.beats // 2} if bar.beats == 4 else {0}:
                time = bar_time(song, bar, beat)
                for note in lead_of(song).notes:
                    if abs(note.start - time) < NEAR:
                        right.append(note.pitch % 12 in bar.chord_at(beat).tones)
        assert not right or sum(right) / len(right) > 0.9


@pytest.mark.parametrize("style", NAMES)
def test_a_hook_comes_back(style: str) -> None:
    song = compose_song(5, genre=style, duration=120, key="C major", bpm=120)
    hooks: dict[tuple[str, int], list[tuple[int, ...]]] = defaultdict(list)
    for bar in song.bars:
        if bar.section in ("chorus", "drop") and bar.place < 3 and "lead" in bar.roles:
            notes = [
                note.pitch
                for note in lead_of(song).notes
                if bar_time(song, bar) - NEAR <= note.start < bar_time(song, bar, bar.beats - 1.6)
            ]
            hooks[bar.section, bar.place].append(tuple(notes))
    for found in hooks.values():
        if len(found) > 1 and "answer" not in {track.role for track in song.tracks}:
            assert max(Counter(found).values()) > len(found) / 2


@pytest.mark.parametrize("style", NAMES)
def test_songs_end_with_a_cadence(style: str) -> None:
    for song in songs_of(style):
        last = song.bars[-1]
        assert last.final and last.spans[0].chord.root == last.key.tonic
        if len(song.bars) > 2:
            assert song.bars[-2].spans[-1].chord.root != last.key.tonic
        closing = [note for track in song.tracks for note in track.notes if note.start >= bar_time(song, last) - NEAR]
        assert closing and max(note.start + note.duration for note in closing) > bar_time(song, last) + 1.0


@pytest.mark.parametrize("style", NAMES)
def test_everything_pauses_where_the_plan_says_so(style: str) -> None:
    for song in songs_of(style):
        swing = styles_of(style)[0].swing
        for bar in song.bars:
            if not bar.stop or swing != 0.5:
                continue
            begin, end = bar_time(song, bar, bar.beats - bar.stop), bar_time(song, bar, bar.beats)
            for track in song.tracks:
                if track.role != "lead":
                    assert not [note for note in track.notes if begin + NEAR < note.start < end - NEAR]


def bars_of(song: Song, roles: tuple[str, ...]) -> list[Bar]:
    return [bar for bar in song.bars if set(roles) <= set(bar.roles)]


@pytest.mark.parametrize("style", NAMES)
def test_fills_land_on_the_next_downbeat(style: str) -> None:
    for song in songs_of(style):
        drums = [track for track in song.tracks if track.is_drum]
        if not drums:
            continue
        hits = starts(drums[0])
        for bar, following in pairwise(song.bars):
            if bar.fill and "drums" in bar.roles and styles_of(style)[0].fills != "none":
                time = bar_time(song, following)
                if following.roles and (not following.final or "drums" in following.roles):
                    assert any(abs(hit - time) < NEAR for hit in hits), (bar.index, style)


def test_breaks_builds_half_time_stops_and_pick_ups_all_happen() -> None:
    seen: Counter[str] = Counter()
    for seed in range(12):
        for style, duration in (("house", 60.0), ("heavy metal", 100.0)):
            song = compose_song(seed, genre=style, duration=duration)
            for bar, following in pairwise(song.bars):
                seen[bar.drums] += 1
                seen["stop"] += bar.stop > 0
                seen["break"] += bar.section == "break" and "drums" not in bar.roles
                begin = bar_time(song, following, -1.6)
                if following.section_start and "lead" not in bar.roles:
                    seen["pick-up"] += any(
                        begin < note.start < bar_time(song, following) - 0.1 for note in lead_of(song).notes
                    )
    assert all(seen[name] > 2 for name in ("groove", "half", "build", "stop", "break", "pick-up")), seen


def test_a_build_grows() -> None:
    song = next(
        song
        for song in (compose_song(seed, genre="house", duration=150) for seed in range(50))
        if any(bar.drums == "build" for bar in song.bars)
    )
    build = [bar for bar in song.bars if bar.drums == "build" and bar.visit == 0]
    notes = drum_part(build, "drums", styles_of("house")[0].grooves, 100, Random(0))
    snares = [sum(note.pitch == 38 and bar.start <= note.start < bar.start + 4 for note in notes) for bar in build]
    assert len(build) == 4 and snares == sorted(snares) and snares[-1] > snares[0]


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.name)
def test_every_groove_has_its_downbeat(style: object) -> None:
    for groove in style.grooves:  # type: ignore[attr-defined]
        firsts = {step.start for pattern in groove.values() for step in parse(pattern)}
        assert 0.0 in firsts


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.name)
def test_tempos_stay_in_the_range_of_the_style(style: object) -> None:
    low, high = style.tempo  # type: ignore[attr-defined]
    tempos = [compose_song(seed, genre=style.name, duration=2).bpm for seed in range(24)]  # type: ignore[attr-defined]
    assert all(round(0.9 * low) <= tempo <= round(1.1 * high) for tempo in tempos)
    assert sum(low <= tempo <= high for tempo in tempos) > 14


def test_every_style_is_reached_from_its_genre() -> None:
    reached = {compose_song(seed, duration=2).style for seed in range(900)}
    assert reached == {style.name for style in STYLES}
