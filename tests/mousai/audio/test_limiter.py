import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mousai.audio.limiter import BLOCK, BLOCKS_AT_ONCE, REACH, gain_at_borders, limit


def noise(samples: int, seed: int = 0, dtype: type = np.float32) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((2, samples)).astype(dtype) * 0.1


@given(
    st.integers(0, 2**32),
    st.integers(1, 5000),
    st.floats(0.1, 30.0),
    st.sampled_from([np.float32, np.float64]),
)
def test_nothing_passes_the_ceiling(seed: int, samples: int, loud: float, dtype: type) -> None:
    sound = noise(samples, seed, dtype) * dtype(loud)
    before = sound.copy()
    limit(sound, ceiling=0.9)
    assert np.abs(sound).max() <= 0.9
    assert sound.dtype == dtype
    assert (np.abs(sound) <= np.abs(before)).all() and (np.sign(sound) == np.sign(before)).all()


@given(st.lists(st.floats(0.0, 20.0), min_size=1, max_size=60))
def test_both_borders_of_a_block_hold_its_peak_down(peaks: list[float]) -> None:
    gain = gain_at_borders(np.array(peaks), ceiling=0.9)
    assert gain.shape == (len(peaks) + 1,)
    assert ((gain > 0) & (gain <= 1)).all()
    for index, peak in enumerate(peaks):
        assert gain[index : index + 2].max() * peak <= 0.9 * (1 + 1e-12)


def test_what_is_below_the_ceiling_stays_bit_for_bit() -> None:
    sound = noise(10_000)
    before = sound.copy()
    limit(sound, ceiling=0.9)
    assert (sound == before).all()


def test_one_peak_turns_down_its_neighbourhood_alone_and_no_edge_is_heard() -> None:
    sound = np.full((2, 48_000), 0.5, np.float64)
    sound[1, 20_000] = 4.0
    limit(sound, ceiling=1.0)
    reach = (2 * REACH + 2) * BLOCK
    assert sound[0, 20_000] == pytest.approx(0.125, rel=0.01)  # both channels alike
    assert (sound[0, : 20_000 - reach] == 0.5).all() and (sound[0, 20_000 + reach :] == 0.5).all()
    assert np.abs(np.diff(sound[0])).max() < 0.5 * 0.75 / (REACH * BLOCK) * 2.1  # the steepest of a Hann slope


def test_a_long_piece_is_limited_as_a_short_one() -> None:
    """Past the pieces in which the gain is applied."""
    border = BLOCKS_AT_ONCE * BLOCK
    sound = noise(border + 10_000) * 12
    part = sound[:, border - 40_000 : border + 8_000].copy()
    limit(sound, ceiling=0.9)
    limit(part, ceiling=0.9)
    edge = (2 * REACH + 2) * BLOCK
    assert np.allclose(sound[:, border - 40_000 + edge : border + 8_000 - edge], part[:, edge:-edge], atol=1e-6)


def test_silence_and_nothing() -> None:
    for samples in (0, 1, 1000):
        sound = np.zeros((2, samples), np.float32)
        limit(sound, ceiling=0.9)
        assert (sound == 0).all()
