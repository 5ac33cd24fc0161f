"""Does a piece repeat itself as music does: how alike are moments that lie one, four or eight bars apart?"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from mousai.evaluation.pitches import FRAME_RATE, folded, peaks, semitones
from mousai.evaluation.sound import Array

BARS = (1, 4, 8)
_SHORTEST = 2.0  # seconds that must overlap


def notes_and_sound(picture: Array) -> dict[str, Array]:
    """Two views of a `pitch_picture` along time: `notes` (chroma `[12, frames]`) and `sound` (bands `[21, frames]`)."""
    bands = picture.reshape(21, -1, picture.shape[1]).mean(axis=1)
    return {"notes": folded(semitones(peaks(picture)), 28, 100), "sound": bands}


def repetition(features: Array, lag: float) -> float:
    """Correlation of a piece with itself `lag` frames later: 1 for an exact loop, 0 for what has nothing in common.

        r = sum_t x(t) x(t + lag) / sqrt( sum_t x(t)^2  sum_t x(t + lag)^2 ),   x = features less their mean over time

    NaN where less than two seconds overlap or nothing changes. Frames between two are interpolated.
    """
    frames = np.arange(features.shape[1])
    kept = frames[frames + lag <= frames[-1]]
    if len(kept) < _SHORTEST * FRAME_RATE:
        return float("nan")
    x = features - features.mean(axis=1, keepdims=True)
    later = np.stack([np.interp(kept + lag, frames, row) for row in x])
    now = x[:, : len(kept)]
    size = float(np.sqrt((now**2).sum() * (later**2).sum()))
    return float((now * later).sum()) / size if size > 1e-9 else float("nan")


def structure(picture: Array, *, bpm: float, beats_per_bar: int, bars: Sequence[int] = BARS) -> dict[str, float]:
    """How far notes and sound come back after some bars: `notes_1`, `notes_4`, ..., `sound_8`; and beside the beat.

    `notes_off` and `sound_off` are the mean over lags that are no bar (0.30 and 0.55 of one more than one): what a
    piece without bars would have at the bars as well.
    """
    bar = beats_per_bar * 60.0 / bpm * FRAME_RATE
    found = {}
    for name, features in notes_and_sound(picture).items():
        for count in bars:
            found[f"{name}_{count}"] = repetition(features, bar * count)
        found[f"{name}_off"] = float(np.mean([repetition(features, bar * part) for part in (1.30, 1.55)]))
    return found


def self_similarity(features: Array, *, frames: int = 160) -> Array:
    """Cosine of each moment with each other, `[frames, frames]`, of features less their mean, averaged to `frames`."""
    edges = np.linspace(0, features.shape[1], min(frames, features.shape[1]) + 1).astype(int)
    means = np.stack([features[:, a:b].mean(axis=1) for a, b in pairwise(edges)], axis=1)
    means = means - means.mean(axis=1, keepdims=True)
    means = means / np.maximum(np.linalg.norm(means, axis=0), 1e-9)
    found: Array = means.T @ means
    return found
