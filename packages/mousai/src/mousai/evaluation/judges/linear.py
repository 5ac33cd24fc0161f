"""A linear discriminant classifier, for few songs: it has hardly any hyperparameter."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mousai.evaluation.features.waveform import Array
from mousai.evaluation.judges.classifier import Classifier, feature_statistics, standardize

AXES = 16
"""Principal axes of an embedding."""


@dataclass(frozen=True)
class LinearJudge(Classifier):
    """Linear discriminant analysis of a feature vector.

    Args:
        weights: `[names, features]`.
        offsets: `[names]`.
        axes: principal axes of the standardized features, `[AXES, features]`.
    """

    FLOAT16_FIELDS: ClassVar = ("weights", "axes")

    weights: Array
    offsets: Array
    axes: Array

    @classmethod
    def fit(cls, features: Array, labels: Sequence[str], *, shrinkage: float) -> "LinearJudge":
        """Fit a judge to labelled pieces.

        Args:
            features: `[pieces, features]`.
            labels: class of each piece.
            shrinkage: shrinkage of the covariance towards a multiple of the identity, 0 to 1; needed where there are
                hardly more pieces than features.
        """
        from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

        x = np.asarray(features, dtype=np.float64)
        mean, scale = feature_statistics(x)
        scaled = standardize(x, mean, scale)
        found = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage).fit(scaled, np.asarray(labels))
        weights, offsets = found.coef_, found.intercept_
        if len(weights) == 1:  # for two classes scikit-learn gives only the difference
            weights, offsets = np.concatenate([-weights, weights]) / 2, np.concatenate([-offsets, offsets]) / 2
        axes = np.linalg.svd(scaled - scaled.mean(axis=0), full_matrices=False)[2][:AXES]
        return cls(tuple(map(str, found.classes_)), mean, scale, weights, offsets, axes)

    def scores(self, features: Array) -> Array:
        """Log-odds, `[pieces, names]`."""
        found: Array = self.standardized(features) @ self.weights.T + self.offsets
        return found

    def probabilities(self, features: Array) -> Array:
        """Probability of each class, `[pieces, names]`; uncalibrated, higher than the judge's accuracy."""
        scores = self.scores(features)
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        found: Array = odds / odds.sum(axis=1, keepdims=True)
        return found

    def distances(self, features: Array, others: Array | None = None) -> Array:
        """Root mean square differences of the standardized features, `[pieces, others]`."""
        one = self.standardized(features)
        other = one if others is None else self.standardized(others)
        squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2 * one @ other.T
        found: Array = np.sqrt(np.maximum(squares, 0) / one.shape[1])
        if others is None:
            np.fill_diagonal(found, 0.0)
        return found

    def embed(self, features: Array) -> Array:
        """The pieces along the principal axes, `[pieces, AXES]`, in units of `distances`."""
        found: Array = self.standardized(features) @ self.axes.T / np.sqrt(self.axes.shape[1])
        return found
