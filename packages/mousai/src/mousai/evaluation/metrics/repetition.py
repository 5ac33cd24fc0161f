"""Repetition of a piece after one, four and eight bars, which music has and noise has not."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from mousai.evaluation.features.pitch import FRAME_RATE, fold_octaves, semitones, spectral_peaks
from mousai.evaluation.features.waveform import Array

BARS = (1, 4, 8)
OFF_BAR_LAGS = (1.30, 1.55)
"""Lags in bars at which no music repeats, for comparison."""
_MIN_OVERLAP = 2.0  # seconds


def notes_and_spectrum(spectrogram: Array) -> dict[str, Array]:
    """Chroma (`notes`, `[12, frames]`) and coarse bands (`spectrum`, `[21, frames]`) of a `pitch_spectrogram`."""
    bands = spectrogram.reshape(21, -1, spectrogram.shape[1]).mean(axis=1)
    return {"notes": fold_octaves(semitones(spectral_peaks(spectrogram)), 28, 100), "spectrum": bands}


def lagged_correlation(features: Array, lag: float) -> float:
    """Correlation of features `[rows, frames]` with themselves `lag` frames later: 1 for a loop, 0 for noise.

        r = sum_t x(t) x(t + lag) / sqrt( sum_t x(t)^2  sum_t x(t + lag)^2 ),   x = features less their mean over time

    Values between two frames are interpolated. NaN where less than two seconds overlap or nothing changes.
    """
    frames = np.arange(features.shape[1])
    kept = frames[frames + lag <= frames[-1]]
    if len(kept) < _MIN_OVERLAP * FRAME_RATE:
        return float("nan")
    x = features - features.mean(axis=1, keepdims=True)
    later = np.stack([np.interp(kept + lag, frames, row) for row in x])
    now = x[:, : len(kept)]
    size = float(np.sqrt((now**2).sum() * (later**2).sum()))
    return float((now * later).sum()) / size if size > 1e-9 else float("nan")


def repetition(spectrogram: Array, *, bpm: float, beats_per_bar: int, bars: Sequence[int] = BARS) -> dict[str, float]:
    """Correlation of notes and of the spectrum with themselves some bars later.

    Args:
        spectrogram: of `pitch_spectrogram`.
        bpm: tempo in beats per minute.
        beats_per_bar: beats of a bar.
        bars: lags in bars.

    Returns:
        `notes_1`, `notes_4`, ..., `spectrum_8`; and `notes_off`, `spectrum_off`, the mean over `OFF_BAR_LAGS`.
    """
    bar = beats_per_bar * 60.0 / bpm * FRAME_RATE
    found = {}
    for name, features in notes_and_spectrum(spectrogram).items():
        for count in bars:
            found[f"{name}_{count}"] = lagged_correlation(features, bar * count)
        found[f"{name}_off"] = float(np.mean([lagged_correlation(features, bar * lag) for lag in OFF_BAR_LAGS]))
    return found


def self_similarity(features: Array, *, frames: int = 160) -> Array:
    """Cosine of each moment with each other, `[frames, frames]`, of features less their mean, averaged to `frames`."""
    edges = np.linspace(0, features.shape[1], min(frames, features.shape[1]) + 1).astype(int)
    means = np.stack([features[:, a:b].mean(axis=1) for a, b in pairwise(edges)], axis=1)
    means = means - means.mean(axis=1, keepdims=True)
    means = means / np.maximum(np.linalg.norm(means, axis=0), 1e-9)
    found: Array = means.T @ means
    return found
