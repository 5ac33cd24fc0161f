"""Shares of a summary, by hand."""

import math
from typing import Any

import pytest

from mousai.evaluation.metrics.summary import both_clips_right
from mousai.evaluation.metrics.verdicts import chance_accuracy


def row(**values: Any) -> dict[str, Any]:
    return {"prompt": "p", "genre_right": None, "tempo_right": None, "key_right": None, "lead_right": None} | values


def test_chance_deals_the_clips_out_to_all_prompts() -> None:
    rows = [
        row(genre="jazz", predicted_genre="jazz", genre_right=True),
        row(genre="pop", predicted_genre="jazz", genre_right=False),
        row(genre=None, predicted_genre="jazz"),
    ]
    assert chance_accuracy(rows, "genre") == pytest.approx(2 / 4)
    assert math.isnan(chance_accuracy(rows, "key"))
    rows = [row(bpm=100, predicted_bpm=50.0, tempo_right=True), row(bpm=130, predicted_bpm=131.0, tempo_right=True)]
    assert chance_accuracy(rows, "tempo") == pytest.approx(2 / 4)


def test_both_clips_of_a_prompt_have_to_be_right() -> None:
    rows = [
        row(prompt="a", genre_right=True, tempo_right=True),
        row(prompt="a", genre_right=True, tempo_right=None),
        row(prompt="b", genre_right=True, tempo_right=True),
        row(prompt="b", genre_right=True, tempo_right=False),
        row(prompt="c", genre_right=True),
    ]
    found = both_clips_right(rows)
    assert (found["count"], found["total"]) == (1, 2)
    assert both_clips_right(rows[-1:]) == {}
