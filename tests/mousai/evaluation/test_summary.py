"""Shares, chance, intervals and verdicts, by hand."""

import math
from typing import Any

import pytest

from mousai.evaluation.analysis import chance_accuracy
from mousai.evaluation.metrics.summary import Target, both_right, interval, more_targets


def row(**values: Any) -> dict[str, Any]:
    return {"prompt": "p", "genre_right": None, "tempo_right": None, "key_right": None, "lead_right": None} | values


def test_interval_of_wilson() -> None:
    low, high = interval(9, 10)
    assert (low, high) == (pytest.approx(0.5958, abs=1e-3), pytest.approx(0.9821, abs=1e-3))
    assert interval(10, 10)[1] == pytest.approx(1.0) and interval(0, 10)[0] == 0.0


def test_chance_deals_the_clips_out_to_all_wishes() -> None:
    rows = [
        row(genre="jazz", predicted_genre="jazz", genre_right=True),
        row(genre="pop", predicted_genre="jazz", genre_right=False),
        row(genre=None, predicted_genre="jazz"),
    ]
    assert chance_accuracy(rows, "style") == pytest.approx(2 / 4)
    assert math.isnan(chance_accuracy(rows, "key"))
    rows = [row(bpm=100, predicted_bpm=50.0, tempo_right=True), row(bpm=130, predicted_bpm=131.0, tempo_right=True)]
    assert chance_accuracy(rows, "tempo") == pytest.approx(2 / 4)


def test_both_seeds_have_to_be_right() -> None:
    rows = [
        row(prompt="a", genre_right=True, tempo_right=True),
        row(prompt="a", genre_right=True, tempo_right=None),
        row(prompt="b", genre_right=True, tempo_right=True),
        row(prompt="b", genre_right=True, tempo_right=False),
        row(prompt="c", genre_right=True),
    ]
    assert both_right(rows) == {"prompts": 2, "both_right": 1}
    assert both_right(rows[-1:]) == {}


@pytest.mark.parametrize(
    ("value", "limit", "least", "verdict"),
    [
        (0.9, 0.9, True, "held"),
        (0.89, 0.9, True, "MISSED"),
        (1, 0, False, "MISSED"),
        (0, 0, False, "held"),
        (None, 0.9, True, "not measured"),
        (float("nan"), 0.9, True, "not measured"),
        (0.5, None, True, ""),
    ],
)
def test_verdicts(value: float | None, limit: float | None, least: bool, verdict: str) -> None:
    assert Target("x", value, limit, least, "", "").verdict == verdict


def test_the_autoencoder_is_held_against_griffin_lim_from_its_own_latent() -> None:
    figures = {"log_mel_distance": 2.0, "stft_distance": 1.0, "log_mel_correlation": 0.95, "chroma_cosine": 0.7}
    better = figures | {"log_mel_distance": 1.9, "stft_distance": 1.1}
    more = {
        "autoencoder": {
            "default": "model, 4 steps (default)",
            "medians": {"songs": {"model, 4 steps (default)": figures, "Griffin-Lim, latent": better}},
        }
    }
    verdicts = {target.name.split(": ")[1]: target.verdict for target in more_targets(more, model="m")}
    assert verdicts == {
        "log-mel distance": "MISSED",
        "STFT distance": "held",
        "log-mel correlation": "held",
        "chroma cosine": "MISSED",
    }
    assert more_targets({}, model="m") == []
