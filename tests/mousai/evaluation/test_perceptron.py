"""The judge with a hidden layer, on made-up features."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mousai.evaluation import stored
from mousai.evaluation.linear import LinearJudge
from mousai.evaluation.perceptron import NETS, PerceptronJudge


def either_or(count: int, *, seed: int) -> tuple[np.ndarray, list[str]]:
    """Pieces in which a name is told by whether two features have the same sign: no straight line parts them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 6))
    x[:, :2] = rng.choice([-1.0, 1.0], size=(count, 2)) + 0.3 * x[:, :2]
    return 10 * x + 3, ["same" if a * b > 0 else "other" for a, b in x[:, :2]]


@pytest.fixture(scope="module")
def judge() -> PerceptronJudge:
    return PerceptronJudge.learned(*either_or(600, seed=0))


def right(judge: PerceptronJudge | LinearJudge, *, seed: int = 1) -> float:
    features, wanted = either_or(400, seed=seed)
    return float(np.mean(np.array(judge(features)) == np.array(wanted)))


def test_it_hears_what_a_straight_line_cannot(judge: PerceptronJudge) -> None:
    assert judge.names == ("other", "same")
    assert right(judge) > 0.9
    assert right(LinearJudge.learned(*either_or(600, seed=0), shrinkage=0.1)) < 0.65


def test_the_same_songs_make_the_same_judge(judge: PerceptronJudge) -> None:
    again = PerceptronJudge.learned(*either_or(600, seed=0))
    np.testing.assert_array_equal(again.inner, judge.inner)
    other = PerceptronJudge.learned(*either_or(600, seed=0), seed=1)
    assert not np.allclose(other.inner, judge.inner)


def test_scores_are_the_mean_of_the_nets(judge: PerceptronJudge) -> None:
    features, _ = either_or(5, seed=2)
    width = len(judge.inner) // NETS
    each = [
        replace(
            judge,
            inner=judge.inner[part],
            inner_offsets=judge.inner_offsets[part],
            outer=NETS * judge.outer[:, part],
        ).scores(features)
        for part in (slice(start, start + width) for start in range(0, len(judge.inner), width))
    ]
    np.testing.assert_allclose(np.mean(each, axis=0), judge.scores(features))


def test_fewer_pieces_than_a_batch_are_learned_too() -> None:
    features = np.repeat([[0.0, 0.0], [0.0, 4.0], [4.0, 0.0]], 4, axis=0)
    wanted = ["low"] * 4 + ["violin"] * 4 + ["flute"] * 4
    judge = PerceptronJudge.learned(features, wanted)
    assert judge.names == ("flute", "low", "violin")
    assert judge.scores(features).shape == (12, 3) and judge(features) == wanted


def test_one_far_feature_decides_nothing_alone(judge: PerceptronJudge) -> None:
    far, further = (np.full((1, 6), 3.0) for _ in range(2))
    far[0, 5], further[0, 5] = 1e3, 1e9
    np.testing.assert_array_equal(judge.scores(far), judge.scores(further))


def test_it_survives_its_file(judge: PerceptronJudge, tmp_path: Path) -> None:
    stored.write_arrays(tmp_path / "judge.npz", {}, judge.arrays())
    again = PerceptronJudge.of_arrays(stored.read_arrays(tmp_path / "judge.npz")[1])
    features, _ = either_or(50, seed=3)
    assert again.names == judge.names and again(features) == judge(features)
    np.testing.assert_allclose(again.scores(features), judge.scores(features), rtol=0.02, atol=0.05)
