"""The prompts that were written by hand: balanced, told apart, and no captions."""

import re
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

from mousai.compose import GENRES, caption, compose_song
from mousai.conditioning.attributes import parse_attributes
from mousai.errors import UserError
from mousai.evaluation.config import EvaluationConfig
from mousai.evaluation.hand_prompts import PARTS, hand_prompts
from mousai.evaluation.metrics.verdicts import genres_of
from mousai.evaluation.run import planned_rows

ALL = [prompt for part in PARTS for prompt in hand_prompts(part)]


def test_there_are_100_to_look_at_and_100_held_out() -> None:
    assert [len(hand_prompts(part)) for part in PARTS] == [100, 100]
    assert len({prompt.text for prompt in ALL}) == 200
    assert set().union(*(prompt.genres for prompt in ALL)) <= set(GENRES)
    for part in PARTS:  # every genre stands in both halves several times
        assert min(Counter(prompt.genres[0] for prompt in hand_prompts(part)).values()) >= 5


def test_none_is_a_caption() -> None:
    bags = []
    for seed in range(800):
        song = compose_song(seed, duration=4.0)
        bags.append(set(re.findall(r"\w+", caption(song, Random(seed)).lower())))
    for prompt in ALL:
        words = set(re.findall(r"\w+", prompt.text.lower()))
        assert not any(words <= bag for bag in bags), prompt.text


def test_rows_ask_for_what_the_prompts_say(tmp_path: Path) -> None:
    rows = planned_rows(EvaluationConfig(out=tmp_path, hand_prompts="held-out", seed=7), [])
    assert [row["prompt"] for row in rows] == [prompt.text for prompt in hand_prompts("held-out")]
    assert [row["seed"] for row in rows] == list(range(7, 107)) and len({row["file_name"] for row in rows}) == 100
    for row in rows:
        assert row["bpm"] == parse_attributes(row["prompt"]).tempo
        assert row["genre"] == row["genres"][0] and list(genres_of(row)) == row["genres"]
    few = planned_rows(EvaluationConfig(out=tmp_path, hand_prompts="shown", prompts=3), [])
    assert [row["prompt"] for row in few] == [prompt.text for prompt in hand_prompts("shown")[:3]]
    assert len(planned_rows(EvaluationConfig(out=tmp_path, hand_prompts="shown", quick=True), [])) == 2


def test_the_composer_can_play_what_they_ask_for() -> None:
    for prompt in ALL:
        asked: dict[str, Any] = prompt.asked()
        song = compose_song(1, genre=asked["genre"], bpm=asked["bpm"], key=asked["key"], duration=4.0)
        assert song.genre == prompt.genres[0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hand_prompts": "secret"}, "hand_prompts='secret': must be shown or held-out"),
        ({"hand_prompts": "shown", "prompts": 101}, "prompts=101: must be 1 to 100"),
    ],
)
def test_bad_settings_are_refused(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        EvaluationConfig(out=tmp_path, **settings)
