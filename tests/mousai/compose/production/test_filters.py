import numpy as np
import pytest

from mousai.compose.production.filters import (
    CABINET,
    RATE,
    convolve,
    high_pass,
    high_shelf,
    kernel,
    low_pass,
    peak,
    response,
    tilt,
)


def gain_at(sections: object, frequency: float) -> float:
    return float(response(sections, np.array([frequency]))[0])  # type: ignore[arg-type]


def test_each_filter_does_at_its_frequency_what_its_name_says() -> None:
    assert gain_at([high_pass(100.0)], 100.0) == pytest.approx(-3.01, abs=0.01)
    assert gain_at([high_pass(100.0)], 25.0) == pytest.approx(-24.1, abs=0.2)
    assert gain_at([low_pass(1000.0)], 1000.0) == pytest.approx(-3.01, abs=0.01)
    assert gain_at([peak(500.0, 4.5)], 500.0) == pytest.approx(4.5, abs=1e-6)
    assert gain_at([peak(500.0, 4.5)], 20.0) == pytest.approx(0.0, abs=0.05)
    assert gain_at([high_shelf(1000.0, -6.0)], 20000.0) == pytest.approx(-6.0, abs=0.1)
    assert gain_at([high_shelf(1000.0, -6.0)], 20.0) == pytest.approx(0.0, abs=0.05)


def test_a_tilt_is_as_much_down_as_up() -> None:
    for gain in (-3.0, 2.0):
        assert gain_at(tilt(gain), 20.0) == pytest.approx(-gain, abs=0.2)
        assert gain_at(tilt(gain), 700.0) == pytest.approx(0.0, abs=0.01)
        assert gain_at(tilt(gain), 20000.0) == pytest.approx(gain, abs=0.2)


def test_a_cabinet_has_neither_treble_nor_deep_bass() -> None:
    assert gain_at(CABINET, 40.0) < -9 and gain_at(CABINET, 10000.0) < -20
    assert -4 < gain_at(CABINET, 400.0) < gain_at(CABINET, 2500.0) < 6


def test_a_kernel_has_the_response_of_its_sections_and_starts_at_once() -> None:
    sections = [high_pass(40.0), *CABINET]
    spectrum = np.fft.rfft(kernel(sections), RATE)
    for frequency in (60, 100, 1000, 5000):
        assert 20 * np.log10(abs(spectrum[frequency])) == pytest.approx(gain_at(sections, float(frequency)), abs=0.05)
    assert np.argmax(np.abs(kernel(sections))) < 0.001 * RATE
    assert kernel([])[0] == 1.0 and not kernel([])[1:].any()


def test_convolution_keeps_length_and_channels_apart() -> None:
    sound = np.zeros((2, 500), dtype=np.float32)
    sound[0, 10] = 1.0
    out = convolve(sound, np.array([[0.0, 2.0, 1.0], [1.0, 1.0, 1.0]]))
    assert out.shape == (2, 500) and out.dtype == np.float32
    assert out[0, 10:14] == pytest.approx([0.0, 2.0, 1.0, 0.0], abs=1e-6) and np.abs(out[1]).max() < 1e-6
