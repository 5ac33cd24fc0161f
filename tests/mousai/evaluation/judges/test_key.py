"""The key judge on chord progressions of a known key, and the symmetry that its equation promises."""

import numpy as np
import pytest

from mousai.evaluation.features.key import key_features
from mousai.evaluation.features.pitch import pitch_spectrogram
from mousai.evaluation.judges.key import KEY_RELATIONS, KEYS, KeyJudge, key_parts, key_relation, same_key
from mousai.evaluation.judges.panel import JudgePanel

from ..sounds import RATE, chords

C, F, G, AM, DM, EM, E = (
    (48, 52, 55),
    (53, 57, 60),
    (55, 59, 62),
    (57, 60, 64),
    (50, 53, 57),
    (52, 55, 59),
    (52, 56, 59),
)
MAJOR = [C, F, G, C, AM, F, G, C]
MINOR = [AM, DM, E, AM, F, DM, E, AM]


@pytest.fixture(scope="module")
def judge() -> KeyJudge:
    return JudgePanel.load().key


@pytest.mark.parametrize(("up", "major", "minor"), [(0, "C major", "A minor"), (3, "Eb major", "C minor")])
def test_cadences_have_the_key_they_were_written_in(judge: KeyJudge, up: int, major: str, minor: str) -> None:
    for progression, key in ((MAJOR, major), (MINOR, minor)):
        moved = [tuple(pitch + up for pitch in chord) for chord in progression]
        features = key_features(pitch_spectrogram(chords(moved, times=2), sample_rate=RATE))
        assert judge(features[None]) == [key]


def test_probabilities_of_the_keys_are_the_softmax_of_their_scores(judge: KeyJudge) -> None:
    features = np.random.default_rng(2).random((3, len(judge.mean), 12))
    odds = np.exp(judge.log_probabilities(features))
    assert odds.sum(axis=1) == pytest.approx(1.0)
    wanted = np.exp(judge.scores(features))
    for place, name in enumerate(KEYS):
        tonic, minor = key_parts(name)
        assert odds[:, place] == pytest.approx(wanted[:, minor, tonic] / wanted.sum(axis=(1, 2)))


def test_rotated_features_have_rotated_scores(judge: KeyJudge) -> None:
    features = np.random.default_rng(0).random((3, len(judge.mean), 12))
    scores = judge.scores(features)
    assert scores.shape == (3, 2, 12)
    np.testing.assert_allclose(judge.scores(np.roll(features, 5, axis=2)), np.roll(scores, 5, axis=2), rtol=1e-6)


def test_what_is_learned_in_one_key_holds_in_all() -> None:
    rng = np.random.default_rng(1)

    def piece(tonic: int, minor: int) -> np.ndarray:
        features = 0.3 * rng.random((2, 12))
        features[0, tonic] += 1
        features[1, (tonic + (3 if minor else 4)) % 12] += 1
        return features

    judge = KeyJudge.fit(
        np.stack([piece(0, number % 2) for number in range(40)]), ["C minor" if n % 2 else "C major" for n in range(40)]
    )
    asked = [(tonic, minor) for tonic in range(12) for minor in (0, 1)]
    predicted = [key_parts(key) for key in judge(np.stack([piece(*each) for each in asked]))]
    assert predicted == asked


def test_silence_has_finite_features_and_twelve_columns() -> None:
    features = key_features(pitch_spectrogram(np.zeros(2 * RATE, dtype=np.float32), sample_rate=RATE))
    assert np.isfinite(features).all() and features.shape[1] == 12


def test_names_of_keys() -> None:
    assert key_parts("A minor") == (9, 1)
    assert same_key("C# minor", "Db minor") and not same_key("C major", "C minor")
    with pytest.raises(ValueError, match="key is 'H dur'"):
        key_parts("H dur")


@pytest.mark.parametrize(
    ("asked", "predicted", "relation"),
    [
        ("A minor", "A minor", "exact"),
        ("A minor", "C major", "relative"),
        ("C major", "A minor", "relative"),
        ("A minor", "A major", "parallel"),
        ("C major", "G major", "fifth"),
        ("C major", "F major", "fifth"),
        ("C major", "E minor", "other"),
        ("C major", "D major", "other"),
    ],
)
def test_relations_of_keys(asked: str, predicted: str, relation: str) -> None:
    assert key_relation(asked, predicted) == relation and relation in KEY_RELATIONS
