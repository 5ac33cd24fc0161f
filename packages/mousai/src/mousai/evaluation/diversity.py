"""How unlike each other pieces are, and how far a set of them is from another set."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mousai.evaluation.sound import Array

ALIKE = 0.4
"""A distance as small as that of two overlapping halves of one song (median 0.41; two songs of one genre: 1.14)."""
SPLITS = 20


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


def within_prompts(distances: Array, prompts: Sequence[str]) -> dict[str, Any]:
    """The distances between pieces of one prompt, and of all: median, least, and how many pairs are alike."""
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
                "alike": int((chosen < ALIKE).sum()),
            }
    return found
