"""A judge that tells a few names apart by a linear discriminant: it needs few songs and has hardly a thing to tune."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mousai.evaluation.naming import NamingJudge, clipped, spread
from mousai.evaluation.sound import Array

AXES = 16
"""Principal axes that an embedding keeps."""


@dataclass(frozen=True)
class LinearJudge(NamingJudge):
    """Names what a vector of features is heard as.

    Args:
        weights: `[names, features]`.
        offsets: `[names]`.
        axes: principal axes of the scaled features, `[AXES, features]`.
    """

    HALF: ClassVar = ("weights", "axes")

    weights: Array
    offsets: Array
    axes: Array

    @classmethod
    def learned(cls, features: Array, wanted: Sequence[str], *, shrinkage: float) -> "LinearJudge":
        """A judge who knows these pieces.

        Args:
            features: `[pieces, features]`.
            wanted: name of each.
            shrinkage: of the covariance towards a multiple of the identity, 0 to 1; needed where there are hardly more
                pieces than features.
        """
        from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

        x = np.asarray(features, dtype=np.float64)
        mean, scale = spread(x)
        scaled = clipped(x, mean, scale)
        found = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage).fit(scaled, np.asarray(wanted))
        weights, offsets = found.coef_, found.intercept_
        if len(weights) == 1:  # of two names only the difference is given
            weights, offsets = np.concatenate([-weights, weights]) / 2, np.concatenate([-offsets, offsets]) / 2
        axes = np.linalg.svd(scaled - scaled.mean(axis=0), full_matrices=False)[2][:AXES]
        return cls(tuple(map(str, found.classes_)), mean, scale, weights, offsets, axes)

    def scores(self, features: Array) -> Array:
        """Log-odds, `[pieces, names]`."""
        found: Array = self.scaled(features) @ self.weights.T + self.offsets
        return found

    def probabilities(self, features: Array) -> Array:
        """How likely each of `names` is, `[pieces, names]`; a judge is surer of itself than it is right."""
        scores = self.scores(features)
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        found: Array = odds / odds.sum(axis=1, keepdims=True)
        return found

    def distances(self, features: Array, others: Array | None = None) -> Array:
        """How unlike pieces are, `[pieces, others]`: the root mean square difference of the scaled features."""
        one = self.scaled(features)
        other = one if others is None else self.scaled(others)
        squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2 * one @ other.T
        found: Array = np.sqrt(np.maximum(squares, 0) / one.shape[1])
        if others is None:
            np.fill_diagonal(found, 0.0)
        return found

    def embedded(self, features: Array) -> Array:
        """The pieces along the principal axes, `[pieces, AXES]`, in units of `distances`."""
        found: Array = self.scaled(features) @ self.axes.T / np.sqrt(self.axes.shape[1])
        return found
