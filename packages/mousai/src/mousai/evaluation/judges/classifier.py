"""The base of the judges that classify features of any shape: standardization, the decision, and their file."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from mousai.evaluation.features.waveform import Array

MAX_DEVIATION = 6.0
"""Standard deviations at which a feature is clipped, so that no single feature decides."""


def feature_statistics(features: Array) -> tuple[Array, Array]:
    """Mean and standard deviation of every feature, `[features]` each, over pieces `[pieces, features]`."""
    return features.mean(axis=0), np.maximum(features.std(axis=0), 1e-9)


def standardize(features: Array, mean: Array, scale: Array) -> Array:
    """Features less their mean in standard deviations, clipped at `MAX_DEVIATION`."""
    found: Array = np.clip((np.asarray(features) - mean) / scale, -MAX_DEVIATION, MAX_DEVIATION)
    return found


def log_softmax(scores: Array, axis: int = -1) -> Array:
    """Log-probabilities of log-odds along an axis: scores less the logarithm of the sum of their exponentials."""
    found: Array = scores - np.logaddexp.reduce(scores, axis=axis, keepdims=True)
    return found


@dataclass(frozen=True)
class Classifier(ABC):
    """A judge that names the class of a piece from its features.

    Args:
        names: names of the classes, in alphabetical order.
        mean: mean of every feature over the training songs, of a shape that broadcasts with one piece: `[features]`.
        scale: standard deviation of every feature, `[features]`.
    """

    FLOAT16_FIELDS: ClassVar[tuple[str, ...]]
    """Arrays that are stored in half precision."""

    names: tuple[str, ...]
    mean: Array
    scale: Array

    @abstractmethod
    def scores(self, features: Array) -> Array:
        """Log-odds, `[pieces, names]`."""

    def __call__(self, features: Array) -> list[str]:
        """The class of each piece, of features `[pieces, ...]`."""
        return [self.names[place] for place in self.scores(features).argmax(axis=1)]

    def standardized(self, features: Array) -> Array:
        """Features less their mean in standard deviations, clipped at `MAX_DEVIATION`."""
        return standardize(features, self.mean, self.scale)

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Arrays for `npz.save_npz`."""
        numbers = {
            field.name: np.asarray(
                getattr(self, field.name), np.float16 if field.name in self.FLOAT16_FIELDS else np.float32
            )
            for field in fields(self)[1:]
        }
        return {"names": np.array(self.names), **numbers}

    @classmethod
    def from_arrays(cls, arrays: dict[str, npt.NDArray[Any]]) -> Self:
        """A judge from the arrays of `to_arrays`."""
        return cls(
            tuple(map(str, arrays["names"])), *(arrays[field.name].astype(np.float64) for field in fields(cls)[1:])
        )
