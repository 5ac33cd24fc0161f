"""How unlike each other pieces are, and how far a set of them is from another set."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mousai.evaluation.pitches import FRAME_RATE, peaks, semitones
from mousai.evaluation.sound import Array

ALIKE = 0.4
"""A distance as small as that of two overlapping halves of one song (median 0.41; two songs of one genre: 1.14)."""
SAME_NOTES = 0.5
"""Correlation of the notes of two pieces above which they play the same; different songs of one style are near 0."""
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


def frechet_of_halves(pieces: Array, true: Array, *, seed: int = 0) -> tuple[float, float]:
    """The distance of half of the pieces to half of the true ones, and its floor: of the true halves to each other.

    The distance of finite sets is never 0, the less so the smaller they are; so both are of sets of one size, and the
    mean over `SPLITS` random splits.
    """
    half = min(len(pieces), len(true)) // 2
    rng = np.random.default_rng(seed)
    found, floor = [], []
    for _ in range(SPLITS):
        order = rng.permutation(len(true))
        one, other = true[order[:half]], true[order[half : 2 * half]]
        found.append(frechet_distance(pieces[rng.permutation(len(pieces))[:half]], other))
        floor.append(frechet_distance(one, other))
    return float(np.mean(found)), float(np.mean(floor))


def melodic(picture: Array) -> Array:
    """The semitones from C2 up to C7 that stand out of a `pitch_picture`, `[60, frames]`."""
    return semitones(peaks(picture))[12:72]


def same_notes(one: Array, other: Array) -> float:
    """How far two pieces play the same notes at the same time: the correlation of their semitones, 1 for one piece.

    The mean of each semitone over time is taken off first, so that one key or one register is no likeness. The best of
    the shifts up to half a second counts.
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


def within_prompts(distances: Array, prompts: Sequence[str], notes: Sequence[Array]) -> dict[str, Any]:
    """The distances between pieces of one prompt, and of all: median, least, and how many pairs are near in sound.

    Of pieces of one prompt also how far they play the same notes (median and most), and how many pairs are `alike`:
    near in sound and the same notes.
    """
    pairs = np.triu_indices(len(prompts), 1)
    apart = distances[pairs]
    texts = np.array(prompts)
    same = texts[pairs[0]] == texts[pairs[1]]
    found: dict[str, Any] = {}
    for name, chosen in (("same_prompt", apart[same]), ("all", apart)):
        if len(chosen):
            found[name] = {
                "pairs": len(chosen),
                "median": round(float(np.median(chosen)), 3),
                "least": round(float(chosen.min()), 3),
                "near": int((chosen < ALIKE).sum()),
            }
    if "same_prompt" in found:
        which = zip(pairs[0][same], pairs[1][same], strict=True)
        shared = np.array([same_notes(notes[int(a)], notes[int(b)]) for a, b in which])
        found["same_prompt"] |= {
            "notes_median": round(float(np.median(shared)), 3),
            "notes_most": round(float(shared.max()), 3),
            "alike": int(((apart[same] < ALIKE) & (shared > SAME_NOTES)).sum()),
        }
    return found
