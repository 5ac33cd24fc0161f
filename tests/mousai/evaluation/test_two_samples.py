"""The classifier two-sample test of a model, from its songs to its page: what is kept, and what it is called."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mousai.codec import Codec
from mousai.evaluation.config import EvaluationConfig, EvaluationResult
from mousai.evaluation.metrics.autoencoder import ESTIMATE_ROUTE, LATENT_ROUTE, OPUS_ROUTE
from mousai.evaluation.metrics.catalogue import measurements
from mousai.evaluation.report.model_metrics import two_sample_test
from mousai.evaluation.two_samples import measure_two_samples

DEFAULT = "model, 2 steps (default)"


def test_every_route_is_told_from_the_truth_and_songs_are_kept(
    saved_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    composed: list[int] = []

    def song(number: int, *, seed: int, seconds: float) -> tuple[str, np.ndarray]:
        composed.append(number)
        rng = np.random.default_rng(number + 100 * seed)
        return "noise", (0.1 * rng.standard_normal((2, round(seconds * 48000)))).astype(np.float32)

    monkeypatch.setattr("mousai.evaluation.two_samples.composed_song", song)
    ways = {DEFAULT: lambda audio: 0.5 * audio, LATENT_ROUTE: lambda audio: audio[:, ::-1]}
    monkeypatch.setattr("mousai.evaluation.two_samples.routes", lambda codec, *, steps: ways)
    codec = Codec.from_pretrained(saved_model, dtype="float32")

    def measure(songs: int, **settings: Any) -> dict[str, Any]:
        return measure_two_samples(
            codec, songs=songs, seed=0, out=tmp_path, settings=settings, seconds=0.35, decoder_steps=(), steps=0
        )

    measure(2 + 1, model="a")
    found = measure(4, model="a")
    # Half the level is the same sound; nothing was learned in no steps.
    assert found["routes"][DEFAULT]["value"] == 0.5
    assert composed == [0, 1, 2, 3]
    assert set(found["routes"]) - {OPUS_ROUTE} == {DEFAULT, LATENT_ROUTE}
    assert found["default"] == DEFAULT and found["routes"][DEFAULT]["songs"] == 4
    assert found["figure"] == {**found["routes"][DEFAULT], "reference": found["routes"][LATENT_ROUTE]["value"]}
    measure(3, model="b")
    assert composed == [0, 1, 2, 3, 0, 1, 2]
    config = EvaluationConfig(out=tmp_path, model=saved_model, model_name="m", two_sample_test=6)
    result = EvaluationResult(settings={}, judge_accuracy={}, two_sample_test=found)
    metric = measurements(result, config)["two_sample_test"]
    assert (metric.value, metric.reference) == (found["figure"]["value"], found["figure"]["reference"])
    page = two_sample_test(result)
    assert "excerpts of 0.34 s" in page and "from 3 composed songs; tested on 1 others" in page and LATENT_ROUTE in page


def test_the_estimate_is_a_route_where_the_model_starts_from_one(saved_model: Path) -> None:
    from mousai.evaluation.metrics.autoencoder import routes

    codec = Codec.from_pretrained(saved_model, dtype="float32")
    codec.defaults = codec.defaults.updated({"griffin_lim": 2, "decoder_start": 0.3, "decoder_steps": 1})
    ways = routes(codec, steps=())
    sound = 0.1 * np.random.default_rng(0).standard_normal((2, 48000)).astype(np.float32)
    estimate, decoded = ways[ESTIMATE_ROUTE](sound), ways["model, 1 step (default)"](sound)
    near = routes(Codec(codec.autoencoder, defaults=codec.defaults.updated({"decoder_start": 1e-5})), steps=())
    np.testing.assert_allclose(near["model, 1 step (default)"](sound), estimate, atol=1e-3)
    assert np.abs(decoded - estimate).max() > 0.01
