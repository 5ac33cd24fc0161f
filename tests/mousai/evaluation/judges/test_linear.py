"""The linear judge and the genre features, on two synthetic genres."""

from pathlib import Path

import numpy as np
import pytest

from mousai.errors import UserError
from mousai.evaluation import npz
from mousai.evaluation.features.genre import genre_features
from mousai.evaluation.judges.degradation import degrade
from mousai.evaluation.judges.linear import LinearJudge

from ..sounds import RATE, beat


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    return np.stack([genre_features(beat(seed, high=seed % 2 == 0), sample_rate=RATE) for seed in range(20)])


NAMES = ["noise", "tones"] * 10


def test_features_are_finite_and_independent_of_level() -> None:
    sound = beat(0, high=True)
    features_of_it = genre_features(sound, sample_rate=RATE)
    np.testing.assert_allclose(genre_features(0.1 * sound, sample_rate=RATE), features_of_it, rtol=1e-3, atol=1e-3)
    for odd in (np.zeros(2 * RATE, dtype=np.float32), np.ones(2 * RATE, dtype=np.float32)):
        found = genre_features(odd, sample_rate=RATE)
        assert found.shape == features_of_it.shape
        assert np.isfinite(found).all()


def test_degraded_audio_keeps_length_and_level() -> None:
    sound = beat(1, high=False)
    worse = degrade(sound, sample_rate=RATE, seed=3)
    assert worse.shape == sound.shape
    assert 0.5 < np.sqrt(np.mean(worse**2)) / np.sqrt(np.mean(sound**2)) < 2.0
    np.testing.assert_array_equal(worse, degrade(sound, sample_rate=RATE, seed=3))
    assert not np.array_equal(worse, degrade(sound, sample_rate=RATE, seed=4))


def test_a_judge_classifies_held_out_pieces(features: np.ndarray) -> None:
    judge = LinearJudge.fit(features[:14], NAMES[:14], shrinkage=0.2)
    assert judge.names == ("noise", "tones")
    assert judge(features[14:]) == NAMES[14:]
    np.testing.assert_allclose(judge.probabilities(features).sum(axis=1), 1.0)


def test_distances(features: np.ndarray) -> None:
    judge = LinearJudge.fit(features, NAMES, shrinkage=0.2)
    distances = judge.distances(features)
    np.testing.assert_array_equal(np.diag(distances), 0.0)
    by_hand = np.sqrt(((judge.standardized(features[:1]) - judge.standardized(features[1:2])) ** 2).mean())
    assert distances[0, 1] == pytest.approx(by_hand)
    assert distances[0, 2] < distances[0, 1]
    np.testing.assert_allclose(judge.distances(features[:3], features), distances[:3], atol=1e-6)
    # With one axis fewer than pieces the embedding keeps all distances; here 16 axes keep most of them.
    embedding = judge.embed(features)
    apart = np.linalg.norm(embedding[0] - embedding[1])
    assert 0.7 * distances[0, 1] < apart <= distances[0, 1] + 1e-6


def test_a_judge_survives_its_file(features: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = LinearJudge.fit(features, NAMES, shrinkage=0.2)
    npz.save_npz(tmp_path / "judge.npz", {"note": "made up"}, judge.to_arrays())
    about, arrays = npz.load_npz(tmp_path / "judge.npz")
    assert about["note"] == "made up"
    again = LinearJudge.from_arrays(arrays)
    assert again.names == judge.names
    np.testing.assert_allclose(again.scores(features), judge.scores(features), rtol=0.02, atol=0.05)
    monkeypatch.setattr(npz, "VERSION", npz.VERSION + 1)
    with pytest.raises(UserError, match="has version"):
        npz.load_npz(tmp_path / "judge.npz")
    with pytest.raises(UserError, match=": is missing; train the judges with"):
        npz.load_npz(tmp_path / "none.npz")
