"""Attacks: how near the first moments of notes and drums come to the original's.

original   ──> onsets, where its spectrum rises
                 |-- 10 ms --| onset |---------- 40 ms ----------|
both       ──> log-mel spectrograms with windows of 128 samples, compared there
"""

import numpy as np

from mousai.evaluation.features.waveform import SAMPLE_RATE, Array, mono
from mousai.evaluation.metrics.reconstruction_metrics import log_mel_differences, mel_power, relative_db

WINDOW, HOP, BANDS = 128, 32, 12
"""Samples of a window, samples from one to the next, and mel bands: at 48 kHz 2.7 ms and 0.7 ms."""
BEFORE, AFTER = 0.010, 0.040
"""Seconds before and after an onset that are compared."""

_FLUX_WINDOW, _FLUX_HOP, _FLUX_BANDS = 1024, 128, 40
LEAST_RISE, LEAST_PROMINENCE = 3.0, 2.0
"""An onset is a peak of the rise, in dB and as a mean over the bands, so high and so far above what lies around it."""
APART, NEAR = 0.05, 0.012
"""Seconds between two onsets, and within which the short windows then look for the very moment."""


def onset_times(audio: Array, *, sample_rate: int = SAMPLE_RATE) -> Array:
    """Seconds at which notes and drums begin, `[onsets]`, by spectral flux.

    The rise is the mean over 40 mel bands of how many dB a window of 1024 samples has more than the one just before it.
    The onset is where the short windows rise most, near a peak of that. Onsets so near to an end that what is compared
    does not fit are left out.

    Args:
        audio: `[channels, samples]` or `[samples]`.
        sample_rate: Hz.
    """
    from scipy.signal import find_peaks

    length = mono(audio).size
    if length < 4 * _FLUX_WINDOW:
        return np.zeros(0)
    rise, rate = _rise(audio, sample_rate, window=_FLUX_WINDOW, hop=_FLUX_HOP, bands=_FLUX_BANDS)
    apart = max(round(APART * rate), 1)
    peaks, _ = find_peaks(rise, height=LEAST_RISE, prominence=LEAST_PROMINENCE, distance=apart)
    short, short_rate = _rise(audio, sample_rate, window=WINDOW, hop=HOP, bands=BANDS)
    found = []
    for peak in peaks:
        # A long window begins to rise when its end touches the onset, and so somewhat before it.
        first, last = (max(round((peak / rate + near) * short_rate), 0) for near in (-NEAR, NEAR))
        found.append((first + int(short[first : last + 1].argmax())) / short_rate)
    seconds = np.array(found)
    edge = WINDOW / 2 / sample_rate
    inside: Array = seconds[(seconds >= BEFORE + edge) & (seconds <= length / sample_rate - AFTER - edge)]
    return inside


def _rise(audio: Array, sample_rate: int, *, window: int, hop: int, bands: int) -> tuple[Array, float]:
    """How many dB each window has more than the one before it, mean over the bands, and its frames per second.

    Frame i is at the border of the two windows, i over the frames per second.
    """
    power = mel_power(audio, sample_rate=sample_rate, n_fft=window, hop_length=hop, bands=bands)
    level = relative_db(power, loudest=float(power.max()))
    half = window // hop // 2
    found = np.zeros(level.shape[1])
    found[half:-half] = np.maximum(level[:, 2 * half :] - level[:, : -2 * half], 0.0).mean(axis=0)
    return found, sample_rate / hop


def attack_distance(
    original: Array, output: Array, *, sample_rate: int = SAMPLE_RATE, onsets: Array | None = None
) -> float:
    """Mean absolute difference in dB of the log-mel spectrograms around the original's onsets.

    Windows of 128 samples every 32, 12 bands, from 10 ms before an onset to 40 ms after it, both relative to the
    original's loudest bin and no more than 60 dB below it. NaN where the original has no onsets.

    Args:
        original: `[channels, samples]` or `[samples]`.
        output: its reconstruction, of the same length.
        sample_rate: Hz.
        onsets: the original's `onset_times`, where they are known already.

    Raises:
        ValueError: the two are not of one length.
    """
    difference = attack_differences(original, output, sample_rate=sample_rate, onsets=onsets)
    return float(difference.mean()) if difference.size else float("nan")


def attack_differences(
    original: Array, output: Array, *, sample_rate: int = SAMPLE_RATE, onsets: Array | None = None
) -> Array:
    """Absolute differences in dB `[bands, onsets, frames]`, whose mean is `attack_distance`; its arguments."""
    seconds = onset_times(original, sample_rate=sample_rate) if onsets is None else onsets
    found = log_mel_differences(original, output, sample_rate=sample_rate, n_fft=WINDOW, hop_length=HOP, bands=BANDS)
    around = np.arange(-round(BEFORE * sample_rate / HOP), round(AFTER * sample_rate / HOP) + 1)
    places = np.round(seconds * sample_rate / HOP).astype(int)[:, None] + around
    return found[:, places]
