"""Loudness after ITU-R BS.1770-4: K-weighted power in blocks of 0.4 s, gated at -70 LUFS and 10 LU below the mean."""

from typing import Any

import numpy as np
import numpy.typing as npt

SHELF = ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585))
"""Numerator and denominator of the first, which stands for the head."""
HIGH_PASS = ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621))
"""The same of the second."""

RATE = 48000
STEP = RATE // 10
"""Samples between the starts of two blocks."""
SILENT = -70.0
"""LUFS of what is silent or shorter than a block."""
_OFFSET = -0.691

Floats = npt.NDArray[np.floating[Any]]


def k_weighted(sound: Floats) -> Floats:
    """Sound `[channels, samples]` at 48 kHz through both filters, in its own precision."""
    from scipy.signal import sosfilt

    sections = np.array([(*SHELF[0], *SHELF[1]), (*HIGH_PASS[0], *HIGH_PASS[1])], dtype=sound.dtype)
    return np.asarray(sosfilt(sections, sound, axis=1))


def integrated_loudness(sound: Floats, *, sample_rate: int = RATE) -> float:
    """Integrated loudness in LUFS of `[channels, samples]` or `[samples]`; sound at another rate is resampled."""
    from scipy.signal import resample_poly

    channels = np.atleast_2d(np.asarray(sound, dtype=np.float64))
    if sample_rate != RATE:
        channels = resample_poly(channels, RATE, sample_rate, axis=1)
    steps = channels.shape[1] // STEP
    if not steps:
        return SILENT
    power = k_weighted(channels[:, : steps * STEP]) ** 2
    return gated_loudness(power.reshape(len(channels), steps, STEP).mean(axis=2).sum(axis=0))


def gated_loudness(powers: Floats) -> float:
    """Loudness in LUFS out of the mean K-weighted power, all channels added up, of every 0.1 s `[steps]`."""
    if len(powers) < 4:
        return SILENT
    blocks = np.lib.stride_tricks.sliding_window_view(np.asarray(powers, np.float64), 4).mean(axis=1)
    blocks = blocks[blocks > _power(SILENT)]
    if not len(blocks):
        return SILENT
    blocks = blocks[blocks > _power(_lufs(float(blocks.mean())) - 10.0)]
    return max(_lufs(float(blocks.mean())), SILENT)


def _lufs(power: float) -> float:
    return _OFFSET + 10 * float(np.log10(power))


def _power(lufs: float) -> float:
    return float(10 ** ((lufs - _OFFSET) / 10))
