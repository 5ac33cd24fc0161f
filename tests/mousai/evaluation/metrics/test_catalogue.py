"""The catalogue of metrics: how they are found in the results, and that the documentation lists them."""

import re
from pathlib import Path
from typing import Any

from mousai.evaluation.config import REFERENCE, EvaluationConfig, EvaluationResult
from mousai.evaluation.metrics.autoencoder import LATENT_ROUTE
from mousai.evaluation.metrics.catalogue import CATALOGUE, REFERENCE_PREFIX, measurements
from mousai.evaluation.metrics.statistics import Measurement, median_of, share_of

DOCS = Path(__file__).parents[4] / "docs" / "evaluation.md"


def result(**parts: Any) -> EvaluationResult:
    return EvaluationResult(settings={}, judge_accuracy={}, **parts)


def test_a_metric_of_the_clips_stands_beside_the_reference_renders(saved_model: Path, tmp_path: Path) -> None:
    config = EvaluationConfig(out=tmp_path, model=saved_model, model_name="m")
    summaries = {
        "m": {
            "genre": share_of(3, 4),
            "levels": {"clipped": share_of(0, 4)},
            "frechet_distance": {"value": 0.3, "floor": 0.1, "interval": [0.2, 0.4], "total": 20},
            "cpu_seconds": median_of([5.0, 6.0, 7.0]),
        },
        REFERENCE: {"genre": share_of(4, 4), "levels": {"clipped": share_of(1, 4)}},
    }
    found = measurements(result(summaries=summaries), config)
    assert set(found) == {
        "genre",
        "reference.genre",
        "clipped",
        "reference.clipped",
        "frechet_distance",
        "cpu_seconds",
    }
    low, high = share_of(3, 4)["interval"]
    assert found["genre"] == Measurement(value=0.75, interval=(low, high), total=4, count=3, reference=1.0)
    assert found["reference.clipped"].value == 0.25 and found["reference.clipped"].reference is None
    assert found["frechet_distance"].reference == 0.1
    assert found["cpu_seconds"].value == 6.0 and found["cpu_seconds"].reference is None


def test_metrics_of_a_model_have_references_of_their_own(saved_model: Path, tmp_path: Path) -> None:
    config = EvaluationConfig(out=tmp_path, model=saved_model, model_name="m")
    figure = {"value": 1.5, "interval": [1.0, 2.0], "total": 3}
    found = measurements(
        result(
            summaries={"m": {}},
            long_pieces={"m": {"tempo": share_of(3, 4)}, REFERENCE: {"tempo": share_of(4, 4)}},
            prompt_robustness={"other order": {"genre": {**share_of(1, 2), "original": 1.0}}},
            autoencoder={
                "default": "model, 4 steps (default)",
                "medians": {
                    "songs": {
                        "model, 4 steps (default)": {"stft_distance": figure},
                        LATENT_ROUTE: {"stft_distance": {**figure, "value": 1.7}},
                    }
                },
            },
        ),
        config,
    )
    assert {name: (each.value, each.reference) for name, each in found.items()} == {
        "long_pieces.tempo": (0.75, 1.0),
        "prompt_robustness.other_order.genre": (0.5, 1.0),
        "autoencoder.songs.stft_distance": (1.5, 1.7),
    }


def test_several_folders_of_clips_have_no_metrics_of_one(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    assert measurements(result(), EvaluationConfig(out=tmp_path / "out", clips=tuple(folders))) == {}


def test_the_documentation_lists_every_metric() -> None:
    words = re.findall(r"`([\w.]+)`", DOCS.read_text(encoding="utf-8"))
    groups = {word.partition(".")[0] for word in words if "." in word}
    for name in CATALOGUE:
        name = name.removeprefix(REFERENCE_PREFIX)
        if name.startswith("repetition."):  # the lags are written as `…_4`
            assert "repetition.notes_1" in words
        elif name not in words:  # a series, such as autoencoder.songs.…: its group and its last word are named
            assert name.partition(".")[0] in groups and name.rpartition(".")[2] in words, name
