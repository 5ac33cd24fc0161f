"""The judge of key: what sounds around a tonic, learned from composed songs.

Every feature is twelve numbers, one for each pitch class (`key_features`). The same weights look at it from each of the
twelve tonics, so what is learned in one key holds in all:

    score(tonic, mode) = sum over features f and steps s of weights[mode, f, s] * x[f, tonic + s]  +  offsets[mode]

A softmax of the 24 scores names the key. It hears how strong the notes are in four registers, the bass, the chords and
how they move. Where in the piece a chord stands it does not hear, though composed songs begin and end on the tonic: a
generated piece may begin in the middle of a song.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mousai.evaluation.pitches import FRAME_RATE, folded, peaks, semitones
from mousai.evaluation.sound import Array

MODES = ("major", "minor")
NOTES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_REGISTERS = {"all": (28, 100), "bass": (28, 52), "middle": (48, 72), "top": (64, 96)}
_STEP = 0.5  # seconds over which a chord moves
_HELD = 0.4  # seconds that a note holds and a drum does not


def key_features(picture: Array) -> npt.NDArray[np.float32]:
    """What the judge knows of a `pitch_picture`, `[features, 12]`, C first."""
    from scipy.ndimage import median_filter, uniform_filter1d

    notes = semitones(peaks(picture))
    frames = round(_HELD * FRAME_RATE) // 2 * 2 + 1
    held = median_filter(notes, size=(1, frames))
    chroma = {name: folded(notes, *span) for name, span in _REGISTERS.items()}
    rows: list[Array] = []
    for name, span in _REGISTERS.items():
        steady = folded(held, *span)
        rows += [_shares(each.mean(axis=1)) for each in (chroma[name], steady, np.sqrt(chroma[name]))]
    for name in ("bass", "top"):  # how long each note is the strongest one
        rows.append(_shares((chroma[name] == chroma[name].max(axis=0)).mean(axis=1)))
    full = uniform_filter1d(chroma["all"] + chroma["middle"], frames, axis=1)
    bass = uniform_filter1d(chroma["bass"], frames, axis=1)
    bass = bass / np.maximum(bass.sum(axis=0), 1e-6)
    chords = _chords(full, bass)
    rows += list(chords.mean(axis=2))
    rows += _moves(chords.sum(axis=0)) + _moves(bass)
    return np.sqrt(np.maximum(np.stack(rows), 0)).astype(np.float32)


def _shares(strengths: Array) -> Array:
    return strengths / max(float(strengths.sum()), 1e-9)


def _chords(full: Array, bass: Array) -> Array:
    """How likely each major and minor triad sounds in each frame, `[2, 12, frames]`, by its root."""
    centred = full - full.mean(axis=0)
    centred = centred / np.maximum(np.linalg.norm(centred, axis=0), 1e-6)
    scores = []
    for third in (4, 3):
        triad = np.zeros(12)
        triad[[0, third, 7]] = 1.0, 0.8, 0.9
        triad = triad / np.linalg.norm(triad)
        scores.append(np.stack([np.roll(triad - triad.mean(), root) @ centred for root in range(12)]))
    score = 8 * np.stack(scores) + 3 * bass
    odds = np.exp(score - score.max(axis=(0, 1)))
    found: Array = odds / odds.sum(axis=(0, 1))
    return found


def _moves(roots: Array) -> list[Array]:
    """How often each root moves up by 1 to 11 semitones within `_STEP`: eleven rows by the root that is left."""
    lag = round(_STEP * FRAME_RATE)
    if roots.shape[1] <= lag:
        return [np.zeros(12)] * 11
    pairs = roots[:, :-lag] @ roots[:, lag:].T / (roots.shape[1] - lag)
    return [np.array([pairs[root, (root + step) % 12] for root in range(12)]) for step in range(1, 12)]


@dataclass(frozen=True)
class KeyJudge:
    """Names the key of a piece.

    Args:
        mean: of each feature over the pitch classes and the songs it learned from, `[features]`.
        scale: standard deviation, `[features]`.
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
        turned = np.stack([np.roll(scaled, -tonic, axis=2) for tonic in range(12)], axis=1)
        found: Array = np.einsum("ntfs,mfs->nmt", turned, self.weights) + self.offsets[:, None]
        return found

    def __call__(self, features: Array) -> list[str]:
        """The key of each piece, such as "A minor"."""
        best = self.scores(features).reshape(len(features), 24).argmax(axis=1)
        return [f"{NOTES[place % 12]} {MODES[place // 12]}" for place in best]

    @classmethod
    def learned(cls, features: Array, keys: Sequence[str], *, penalty: float = 0.01) -> "KeyJudge":
        """A judge who knows these pieces: multinomial logistic regression with a penalty on the squared weights."""
        import torch

        x = np.asarray(features, dtype=np.float32)
        mean, scale = x.mean(axis=(0, 2)), np.maximum(x.std(axis=(0, 2)), 1e-6)
        scaled = (x - mean[:, None]) / scale[:, None]
        turned = torch.from_numpy(np.stack([np.roll(scaled, -tonic, axis=2) for tonic in range(12)], axis=1)).flatten(2)
        pitches = [parts_of(key) for key in keys]
        wanted = torch.tensor([12 * minor + tonic for tonic, minor in pitches])
        weights = torch.zeros(2, turned.shape[2], requires_grad=True)
        offsets = torch.zeros(2, requires_grad=True)
        optimiser = torch.optim.LBFGS([weights, offsets], max_iter=200, line_search_fn="strong_wolfe")

        def loss() -> torch.Tensor:
            optimiser.zero_grad()
            scores = (turned @ weights.T + offsets).transpose(1, 2).flatten(1)
            found = torch.nn.functional.cross_entropy(scores, wanted) + penalty * weights.square().sum()
            found.backward()
            return found

        optimiser.step(loss)
        return cls(mean, scale, weights.detach().numpy().reshape(2, -1, 12), offsets.detach().numpy())


def parts_of(key: str) -> tuple[int, int]:
    """ "A minor" -> (9, 1): pitch class of the tonic, and whether it is minor.

    Raises:
        ValueError: it is no key.
    """
    from mousai.compose.theory import parse_key

    tonic, quality = parse_key(key)
    return tonic, MODES.index(quality)


def same_key(one: str, other: str) -> bool:
    """Whether two names are of one key: "Db minor" is "C# minor"."""
    return parts_of(one) == parts_of(other)


def kinship(asked: str, heard: str) -> str:
    """How a heard key stands to the asked one: exact, relative, parallel, fifth (mode kept) or other."""
    (tonic, minor), (found, found_minor) = parts_of(asked), parts_of(heard)
    step = (found - tonic) % 12
    if (step, found_minor) == (0, minor):
        return "exact"
    if found_minor != minor:
        return "relative" if step == (3 if minor else 9) else "parallel" if step == 0 else "other"
    return "fifth" if step in (5, 7) else "other"


KINSHIPS = ("exact", "relative", "fifth", "parallel", "other")
