"""The convolutional judge on synthetic spectrograms."""

from pathlib import Path

import numpy as np
import pytest

from mousai.evaluation import npz
from mousai.evaluation.judges.convolutional import ConvolutionalJudge

BANDS, FRAMES = 6, 40


def struck_or_blown(count: int, *, seed: int) -> tuple[np.ndarray, list[str]]:
    """Notes that decay slowly, or the same backwards: they differ only in the order in time."""
    rng = np.random.default_rng(seed)
    spectrograms = 0.3 * rng.standard_normal((count, BANDS, FRAMES))
    struck = rng.random(count) < 0.5
    for place in range(count):
        note = np.exp(-np.arange(8) / 3) * 4
        for begin in rng.choice(FRAMES - 8, size=4, replace=False):
            spectrograms[place, rng.integers(BANDS), begin : begin + 8] += note if struck[place] else note[::-1]
    return 10 * spectrograms - 30, ["struck" if each else "blown" for each in struck]


@pytest.fixture(scope="module")
def judge() -> ConvolutionalJudge:
    return ConvolutionalJudge.fit(*struck_or_blown(300, seed=0), epochs=20)


def test_it_classifies_by_the_course_of_notes_in_time(judge: ConvolutionalJudge) -> None:
    spectrograms, wanted = struck_or_blown(200, seed=1)
    assert judge.names == ("blown", "struck")
    assert np.mean(np.array(judge(spectrograms)) == np.array(wanted)) > 0.9
    # Backwards, every piece is of the other class.
    assert np.mean(np.array(judge(spectrograms[..., ::-1])) == np.array(wanted)) < 0.1


def test_the_same_songs_make_the_same_judge() -> None:
    songs = struck_or_blown(30, seed=0)
    one, again, other = (ConvolutionalJudge.fit(*songs, seed=seed, epochs=5) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.layers, again.layers)
    assert not np.allclose(one.layers, other.layers)
    begun = ConvolutionalJudge.fit(*songs, seed=0, epochs=1)
    assert np.abs(one.layers - begun.layers).max() > 1e-3


@pytest.mark.parametrize("epochs", [0, 1, 2, 20, 21])
def test_all_weights_are_finite_after_any_number_of_epochs(epochs: int) -> None:
    judge = ConvolutionalJudge.fit(*struck_or_blown(6, seed=0), epochs=epochs)
    assert all(np.isfinite(numbers).all() for name, numbers in judge.to_arrays().items() if name != "names")


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(4, 6\); must be \[pieces, bands, 8 frames or more\]"):
        ConvolutionalJudge.fit(np.zeros((4, 6)), ["flute"] * 4)


def test_one_outlier_does_not_decide(judge: ConvolutionalJudge) -> None:
    far, further = (np.full((1, BANDS, FRAMES), -30.0) for _ in range(2))
    far[0, 5, 7], further[0, 5, 7] = 1e3, 1e9
    np.testing.assert_array_equal(judge.scores(far), judge.scores(further))


def test_it_survives_its_file(judge: ConvolutionalJudge, tmp_path: Path) -> None:
    npz.save_npz(tmp_path / "judge.npz", {}, judge.to_arrays())
    again = ConvolutionalJudge.from_arrays(npz.load_npz(tmp_path / "judge.npz")[1])
    spectrograms, _ = struck_or_blown(50, seed=3)
    assert again.names == judge.names and again(spectrograms) == judge(spectrograms)
    np.testing.assert_allclose(again.scores(spectrograms), judge.scores(spectrograms), rtol=0.02, atol=0.1)
