import numpy as np
import pytest

from mousai.audio.loudness import SILENT, integrated_loudness

RATE = 48000


def sine(frequency: float, seconds: float, *, amplitude: float = 1.0, rate: int = RATE) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)


def test_a_full_scale_sine_of_997_hz_in_one_channel_is_the_standards_minus_3_01() -> None:
    assert integrated_loudness(sine(997.0, 5.0)) == pytest.approx(-3.01, abs=0.01)


def test_two_channels_are_3_db_louder_than_one() -> None:
    one = sine(997.0, 5.0, amplitude=0.1)
    assert integrated_loudness(np.stack((one, one))) == pytest.approx(-20.0, abs=0.01)


def test_precision_and_rate_change_nothing() -> None:
    wave = sine(997.0, 5.0, amplitude=0.1)
    assert integrated_loudness(wave.astype(np.float32)) == pytest.approx(integrated_loudness(wave), abs=1e-3)
    other = sine(997.0, 5.0, amplitude=0.1, rate=44100)
    assert integrated_loudness(other, sample_rate=44100) == pytest.approx(integrated_loudness(wave), abs=0.02)


def test_what_is_10_lu_below_the_rest_is_not_counted() -> None:
    loud, quiet = sine(997.0, 10.0, amplitude=0.1), sine(997.0, 30.0, amplitude=0.01)
    assert integrated_loudness(np.concatenate((loud, quiet))) == pytest.approx(integrated_loudness(loud), abs=0.15)
    middle = sine(997.0, 10.0, amplitude=0.05)  # 6 dB below is
    expected = integrated_loudness(loud) + 10 * np.log10((1 + 0.25) / 2)
    assert integrated_loudness(np.concatenate((loud, middle))) == pytest.approx(expected, abs=0.1)


def test_silence_and_what_is_shorter_than_a_block_have_the_lowest_loudness() -> None:
    assert integrated_loudness(np.zeros((2, RATE))) == SILENT
    assert integrated_loudness(sine(997.0, 0.3)) == SILENT
