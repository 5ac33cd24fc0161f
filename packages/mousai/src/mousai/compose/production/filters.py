"""Equalisers: second-order sections, and the short kernel that stands for a row of them.

Formulas: R. Bristow-Johnson, Cookbook formulae for audio equalizer biquad filter coefficients. All are minimum-phase,
so that nothing comes later than it was.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

RATE = 48000
TAPS = 4096
"""Length of a kernel: 85 ms, in which a cut at 20 Hz has died away by 80 dB."""

Floats = npt.NDArray[np.float64]
Wave = npt.NDArray[np.float32]
Section = tuple[float, float, float, float, float, float]
"""b0, b1, b2, a0 (which is 1), a1, a2."""


def _section(b: Sequence[float], a: Sequence[float]) -> Section:
    return (b[0] / a[0], b[1] / a[0], b[2] / a[0], 1.0, a[1] / a[0], a[2] / a[0])


def _angles(frequency: float, q: float) -> tuple[float, float]:
    angle = 2 * math.pi * frequency / RATE
    return math.cos(angle), math.sin(angle) / (2 * q)


def high_pass(frequency: float, q: float = math.sqrt(0.5)) -> Section:
    """A cut below a frequency, 12 dB per octave."""
    cosine, alpha = _angles(frequency, q)
    return _section(((1 + cosine) / 2, -1 - cosine, (1 + cosine) / 2), (1 + alpha, -2 * cosine, 1 - alpha))


def low_pass(frequency: float, q: float = math.sqrt(0.5)) -> Section:
    """A cut above a frequency, 12 dB per octave."""
    cosine, alpha = _angles(frequency, q)
    return _section(((1 - cosine) / 2, 1 - cosine, (1 - cosine) / 2), (1 + alpha, -2 * cosine, 1 - alpha))


def peak(frequency: float, gain: float, q: float = 1.0) -> Section:
    """A bell of `gain` dB around a frequency."""
    cosine, alpha = _angles(frequency, q)
    root = 10 ** (gain / 40)
    return _section(
        (1 + alpha * root, -2 * cosine, 1 - alpha * root), (1 + alpha / root, -2 * cosine, 1 - alpha / root)
    )


def high_shelf(frequency: float, gain: float, q: float = math.sqrt(0.5)) -> Section:
    """`gain` dB above a frequency."""
    cosine, alpha = _angles(frequency, q)
    root = 10 ** (gain / 40)
    slope = 2 * math.sqrt(root) * alpha
    up, down = root + 1, root - 1
    return _section(
        (root * (up + down * cosine + slope), -2 * root * (down + up * cosine), root * (up + down * cosine - slope)),
        (up - down * cosine + slope, 2 * (down - up * cosine), up - down * cosine - slope),
    )


def tilt(gain: float, frequency: float = 700.0) -> tuple[Section, ...]:
    """`gain` dB more in the treble and as many less in the bass, in one gentle slope (a shelf of low Q, centred)."""
    section = high_shelf(frequency, 2 * gain, 0.35)
    down = 10 ** (-gain / 20)
    return ((section[0] * down, section[1] * down, section[2] * down, *section[3:]),)


CABINET: tuple[Section, ...] = (
    high_pass(75.0),
    peak(120.0, 3.0, 1.2),
    peak(420.0, -3.0, 0.9),
    peak(2600.0, 4.0, 1.1),
    low_pass(4800.0, 0.9),
    low_pass(5600.0, 0.6),
)
"""Response of the speaker of a guitar amplifier: hardly anything below 75 Hz and above 5 kHz, and a bright middle."""


def kernel(sections: Sequence[Section], taps: int = TAPS) -> Floats:
    """Impulse response `[taps]` of sections in a row; without any, an impulse."""
    from scipy.signal import sosfilt

    impulse = np.zeros(taps)
    impulse[0] = 1.0
    return np.asarray(sosfilt(np.array(sections), impulse)) if sections else impulse


def response(sections: Sequence[Section], frequencies: Floats) -> Floats:
    """Gain of sections in a row, in dB, at frequencies in Hz."""
    turn = np.exp(-2j * np.pi * np.asarray(frequencies) / RATE)
    total = np.ones(turn.shape, dtype=np.complex128)
    for section in sections:
        total *= np.polyval(section[2::-1], turn) / np.polyval(section[:2:-1], turn)
    return np.asarray(20 * np.log10(np.abs(total)))


def convolve(sound: Wave, taps: npt.NDArray[np.floating]) -> Wave:
    """Sound `[channels, samples]` through a kernel `[taps]` or one for each channel, cut to its own length."""
    from scipy.signal import oaconvolve

    kernels = np.broadcast_to(taps, (len(sound), taps.shape[-1])).astype(np.float32)
    return np.asarray(oaconvolve(sound, kernels, axes=1)[:, : sound.shape[1]], dtype=np.float32)
