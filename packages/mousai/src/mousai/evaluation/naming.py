"""What judges that name a piece by its features have in common: how features are scaled, the name, and their file."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from mousai.evaluation.sound import Array

FURTHEST = 6.0
"""Standard deviations beyond which a feature counts no more: no single one decides."""


def spread(features: Array) -> tuple[Array, Array]:
    """Mean and standard deviation of every feature, `[features]` each, of pieces `[pieces, features]`."""
    return features.mean(axis=0), np.maximum(features.std(axis=0), 1e-9)


def clipped(features: Array, mean: Array, scale: Array) -> Array:
    """Features less their mean in standard deviations, none further than `FURTHEST`."""
    found: Array = np.clip((np.asarray(features) - mean) / scale, -FURTHEST, FURTHEST)
    return found


@dataclass(frozen=True)
class NamingJudge(ABC):
    """Names what the features of a piece, numbers of any shape, are heard as.

    Args:
        names: in alphabetical order.
        mean: of every feature among the songs it learned from, of a shape that goes with one piece: `[features]`.
        scale: standard deviation, `[features]`.
    """

    HALF: ClassVar[tuple[str, ...]]
    """Numbers of which half precision is enough in a file."""

    names: tuple[str, ...]
    mean: Array
    scale: Array

    @abstractmethod
    def scores(self, features: Array) -> Array:
        """Log-odds, `[pieces, names]`."""

    def __call__(self, features: Array) -> list[str]:
        """The name of each piece, of features `[pieces, ...]`."""
        return [self.names[place] for place in self.scores(features).argmax(axis=1)]

    def scaled(self, features: Array) -> Array:
        """Features less their mean in standard deviations, none further than `FURTHEST`."""
        return clipped(features, self.mean, self.scale)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """What `stored.write_arrays` takes."""
        numbers = {
            field.name: np.asarray(getattr(self, field.name), np.float16 if field.name in self.HALF else np.float32)
            for field in fields(self)[1:]
        }
        return {"names": np.array(self.names), **numbers}

    @classmethod
    def of_arrays(cls, arrays: dict[str, npt.NDArray[Any]]) -> Self:
        """The way back."""
        return cls(
            tuple(map(str, arrays["names"])), *(arrays[field.name].astype(np.float64) for field in fields(cls)[1:])
        )
