import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mousai.compose.production.config import TAPE_DEVIATION, TAPE_DISPLACEMENT, Chorus, Tape, Vinyl
from mousai.compose.production.filters import RATE
from mousai.compose.production.modulation import chorus, read_at, tape_places
from mousai.compose.production.vinyl import vinyl_noise


def sine(frequency: float, seconds: float = 2.0) -> np.ndarray:
    wave = 0.5 * np.sin(2 * np.pi * frequency * np.arange(round(seconds * RATE)) / RATE)
    return np.stack((wave, wave)).astype(np.float32)


def test_whole_places_are_the_samples_and_those_between_are_close() -> None:
    sound = sine(1000.0, 0.1)
    places = np.arange(4800.0)
    np.testing.assert_array_equal(read_at(sound, places), sound)
    expected = 0.5 * np.sin(2 * np.pi * 1000 * (places + 0.3) / RATE)
    np.testing.assert_allclose(read_at(sound, places + 0.3)[0, 5:-5], expected[5:-5], atol=1e-3)
    assert not read_at(sound, places - 6000).any() and not read_at(sound, places + 6000).any()


@given(
    st.floats(0.0, 0.002),
    st.floats(0.0, 0.001),
    st.floats(0.2, 3),
    st.floats(4, 15),
    st.floats(0, 6.3),
    st.floats(0, 6),
)
def test_tape_bends_and_moves_little_and_does_not_drift(
    wow: float, flutter: float, wow_rate: float, flutter_rate: float, first: float, second: float
):
    settings = Tape(wow=wow, flutter=flutter, wow_rate=wow_rate, flutter_rate=flutter_rate)
    moved = tape_places(settings, 2 * RATE, (first, second)) - np.arange(2 * RATE)
    assert np.abs(moved).max() / RATE <= settings.displacement + 1e-9 <= TAPE_DISPLACEMENT
    assert np.abs(np.diff(moved)).max() <= TAPE_DEVIATION


def test_tape_has_no_mean_over_whole_swings() -> None:
    moved = tape_places(Tape(wow=0.002, flutter=0.0005, wow_rate=0.5, flutter_rate=8.0), 8 * RATE, (1.0, 2.0))
    assert abs((moved - np.arange(8 * RATE)).mean()) < 1e-3


@pytest.mark.parametrize("wrong", [{"wow": 0.004, "flutter": 0.0}, {"wow": 0.002, "flutter": 0.002}])
def test_tape_that_would_be_out_of_tune_is_an_error(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="would do"):
        Tape(**wrong)


def test_chorus_makes_it_wider_at_the_same_level() -> None:
    sound = np.random.default_rng(0).normal(0.0, 0.1, (1, 2 * RATE)).astype(np.float32).repeat(2, axis=0)
    out = chorus(sound, Chorus(rate=0.7, depth=0.002, mix=0.4))
    assert 20 * np.log10(out.std() / sound.std()) == pytest.approx(0.0, abs=0.3)
    side, middle = (out[0] - out[1]).std(), (out[0] + out[1]).std()
    assert 0.05 < side / middle < 0.8
    same = chorus(sound, Chorus(rate=0.7, depth=0.002, mix=0.0))
    np.testing.assert_array_equal(same, sound)


def test_vinyl_crackles_now_and_then_over_a_steady_hiss() -> None:
    noise = vinyl_noise(Vinyl(level=-40.0, crackles=5.0), 4 * RATE, np.random.default_rng(0))
    assert noise.shape == (2, 4 * RATE) and noise.std() == pytest.approx(1.0, abs=0.01)
    peaks = np.abs(noise).max(axis=0).reshape(-1, RATE // 100).max(axis=1)
    hiss = vinyl_noise(Vinyl(level=-40.0, crackles=0.0), 4 * RATE, np.random.default_rng(0))
    assert 5 <= (peaks > 6).sum() <= 60 and np.abs(hiss).max() < 6
