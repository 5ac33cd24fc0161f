"""Diversity of a set of clips, and its Fréchet distance from another set."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mousai.evaluation.features.pitch import FRAME_RATE, semitones, spectral_peaks
from mousai.evaluation.features.waveform import Array
from mousai.evaluation.metrics.statistics import bootstrap_interval, median_of, share_of

NEAR_DISTANCE = 0.4
"""Distance of the genre judge's features below which two clips count as near.

Two overlapping halves of one song are 0.41 apart (median), two songs of one genre 1.14.
"""
SAME_NOTES_CORRELATION = 0.5
"""Correlation of notes above which two clips play the same; different songs of one style are near 0."""
SPLITS = 20
_SHIFTS = round(0.5 * FRAME_RATE)


def frechet_distance(first: Array, second: Array) -> float:
    """Fréchet distance of two sets of vectors `[pieces, axes]`, each taken as a normal distribution.

        |m1 - m2|^2 + tr( C1 + C2 - 2 (C1 C2)^(1/2) )        (arXiv 1706.08500, equation 6)

    The trace of the root is the sum of the square roots of the eigenvalues of C1 C2.
    """
    means = first.mean(axis=0) - second.mean(axis=0)
    one, other = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    shared = np.sqrt(np.maximum(np.linalg.eigvals(one @ other).real, 0)).sum()
    return max(float(means @ means + np.trace(one) + np.trace(other) - 2 * shared), 0.0)


def split_frechet_distance(pieces: Array, reference: Array, *, seed: int = 0) -> dict[str, Any]:
    """Fréchet distance of half of the pieces to half of the reference, and its floor: between reference halves.

    The distance of finite sets is never 0, the less so the smaller they are; so both are taken between sets of one
    size, as the mean over `SPLITS` random splits.

    Returns:
        `value`, `floor`, `total` (clips of a half), and `interval`: the 2.5th and 97.5th percentile over the splits.
    """
    half = min(len(pieces), len(reference)) // 2
    rng = np.random.default_rng(seed)
    found, floor = [], []
    for _ in range(SPLITS):
        order = rng.permutation(len(reference))
        one, other = reference[order[:half]], reference[order[half : 2 * half]]
        found.append(frechet_distance(pieces[rng.permutation(len(pieces))[:half]], other))
        floor.append(frechet_distance(one, other))
    interval = [float(each) for each in np.percentile(found, [2.5, 97.5])]
    return {"value": float(np.mean(found)), "interval": interval, "floor": float(np.mean(floor)), "total": half}


def melody_range(spectrogram: Array) -> Array:
    """The spectral peaks of a `pitch_spectrogram` on the semitones from C2 up to C7, `[60, frames]`."""
    return semitones(spectral_peaks(spectrogram))[12:72]


def note_correlation(one: Array, other: Array) -> float:
    """Correlation of the notes of two clips over time, 1 for the same clip.

    Each semitone's mean over time is taken off first, so that a shared key or register does not count. The best of the
    shifts up to half a second counts.
    """
    frames = min(one.shape[1], other.shape[1])
    first, second = (each[:, :frames].astype(np.float32) for each in (one, other))
    first, second = (each - each.mean(axis=1, keepdims=True) for each in (first, second))
    best = -1.0
    for shift in range(-_SHIFTS, _SHIFTS + 1):
        x = first[:, max(shift, 0) : frames + min(shift, 0)]
        y = second[:, max(-shift, 0) : frames + min(-shift, 0)]
        size = float(np.sqrt((x**2).sum() * (y**2).sum()))
        best = max(best, float((x * y).sum()) / size if size > 0 else 1.0)
    return best


def pairwise_diversity(distances: Array, prompts: Sequence[str], notes: Sequence[Array]) -> dict[str, Any]:
    """Distances between clips of one prompt, and between all clips.

    Args:
        distances: `[clips, clips]`.
        prompts: prompt of each clip.
        notes: `melody_range` of each clip.

    Returns:
        `same_prompt` with `distance` (median), `near` (share of pairs near in sound), `notes` (median correlation of
        the notes) and `alike` (share of pairs near in sound that play the same notes); `all` with `distance`. A part
        without pairs is left out. Intervals of `all` resample clips, the others pairs.
    """
    first, second = np.triu_indices(len(prompts), 1)
    apart = distances[first, second]
    texts = np.array(prompts)
    same = texts[first] == texts[second]
    found: dict[str, Any] = {}
    if same.any():
        near = apart[same] < NEAR_DISTANCE
        shared = np.array(
            [note_correlation(notes[int(a)], notes[int(b)]) for a, b in zip(first[same], second[same], strict=True)]
        )
        found["same_prompt"] = {
            "distance": median_of(apart[same]),
            "near": share_of(int(near.sum()), len(near)),
            "notes": median_of(shared),
            "alike": share_of(int((near & (shared > SAME_NOTES_CORRELATION)).sum()), len(near)),
        }
    if len(apart):

        def median_distance(clips: npt.NDArray[np.int_]) -> float:
            chosen = distances[np.ix_(clips, clips)][np.triu_indices(len(clips), 1)]
            different = clips[first] != clips[second]  # a clip drawn twice is no pair
            return float(np.median(chosen[different])) if different.any() else float("nan")

        interval = bootstrap_interval(np.arange(len(prompts)), median_distance)
        found["all"] = {"distance": {**median_of(apart), "interval": [round(each, 3) for each in interval]}}
    return found
