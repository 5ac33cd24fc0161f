"""The key judge: a classifier with the same weights for all twelve tonics.

Every feature is twelve numbers, one for each pitch class (`features.key`). The same weights see them from each of the
twelve tonics, so what is learned in one key holds in all:

    score(tonic, mode) = sum over features f and steps s of weights[mode, f, s] * x[f, tonic + s]  +  offsets[mode]

The largest of the 24 scores names the key.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mousai.conditioning.attributes import MODES, key_name
from mousai.evaluation.features.waveform import Array
from mousai.evaluation.judges.classifier import log_softmax

KEYS = tuple(key_name((tonic, minor)) for minor in (False, True) for tonic in range(12))
"""Names of the 24 keys in the order of `KeyJudge.log_probabilities`: major from C upwards, then minor."""


@dataclass(frozen=True)
class KeyJudge:
    """Multinomial logistic regression over 24 keys with weights shared by the twelve tonics.

    Args:
        mean: mean of each feature over the pitch classes and the training songs, `[features]`.
        scale: standard deviation of each feature, `[features]`.
        weights: `[2 modes, features, 12 steps above the tonic]`.
        offsets: `[2]`.
    """

    mean: Array
    scale: Array
    weights: Array
    offsets: Array

    def scores(self, features: Array) -> Array:
        """`[pieces, features, 12]` -> log-odds `[pieces, 2 modes, 12 tonics]`."""
        scaled = (np.asarray(features) - self.mean[:, None]) / self.scale[:, None]
        rotated = np.stack([np.roll(scaled, -tonic, axis=2) for tonic in range(12)], axis=1)
        found: Array = np.einsum("ntfs,mfs->nmt", rotated, self.weights) + self.offsets[:, None]
        return found

    def log_probabilities(self, features: Array) -> Array:
        """Log-probability of each of `KEYS`, `[pieces, 24]`, from features `[pieces, features, 12]`."""
        return log_softmax(self.scores(features).reshape(len(features), 24))

    def __call__(self, features: Array) -> list[str]:
        """The key of each piece, such as "A minor"."""
        return [KEYS[place] for place in self.log_probabilities(features).argmax(axis=1)]

    @classmethod
    def fit(cls, features: Array, keys: Sequence[str], *, penalty: float = 0.01) -> "KeyJudge":
        """Fit a judge to pieces `[pieces, features, 12]` and their keys, with a penalty on the squared weights."""
        import torch

        x = np.asarray(features, dtype=np.float32)
        mean, scale = x.mean(axis=(0, 2)), np.maximum(x.std(axis=(0, 2)), 1e-6)
        scaled = (x - mean[:, None]) / scale[:, None]
        rotated = torch.from_numpy(np.stack([np.roll(scaled, -tonic, axis=2) for tonic in range(12)], axis=1)).flatten(
            2
        )
        pitches = [key_parts(key) for key in keys]
        wanted = torch.tensor([12 * minor + tonic for tonic, minor in pitches])
        weights = torch.zeros(2, rotated.shape[2], requires_grad=True)
        offsets = torch.zeros(2, requires_grad=True)
        optimiser = torch.optim.LBFGS([weights, offsets], max_iter=200, line_search_fn="strong_wolfe")

        def loss() -> torch.Tensor:
            optimiser.zero_grad()
            scores = (rotated @ weights.T + offsets).transpose(1, 2).flatten(1)
            found = torch.nn.functional.cross_entropy(scores, wanted) + penalty * weights.square().sum()
            found.backward()
            return found

        optimiser.step(loss)
        return cls(mean, scale, weights.detach().numpy().reshape(2, -1, 12), offsets.detach().numpy())


def key_parts(key: str) -> tuple[int, int]:
    """ "A minor" -> (9, 1): pitch class of the tonic, and 1 for minor.

    Raises:
        ValueError: the name is not a key.
    """
    from mousai.compose.theory import parse_key

    tonic, quality = parse_key(key)
    return tonic, MODES.index(quality)


def same_key(one: str, other: str) -> bool:
    """Tell whether two names mean the same key: "Db minor" is "C# minor"."""
    return key_parts(one) == key_parts(other)


def key_relation(asked: str, predicted: str) -> str:
    """Relation of a predicted key to the key asked for: exact, relative, parallel, fifth (same mode) or other."""
    (tonic, minor), (found, found_minor) = key_parts(asked), key_parts(predicted)
    step = (found - tonic) % 12
    if (step, found_minor) == (0, minor):
        return "exact"
    if found_minor != minor:
        return "relative" if step == (3 if minor else 9) else "parallel" if step == 0 else "other"
    return "fifth" if step in (5, 7) else "other"


KEY_RELATIONS = ("exact", "relative", "fifth", "parallel", "other")
