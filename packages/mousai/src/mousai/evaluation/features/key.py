"""Features of the key judge: twelve numbers each, one for every pitch class, C first."""

import numpy as np
import numpy.typing as npt

from mousai.evaluation.features.pitch import FRAME_RATE, fold_octaves, semitones, spectral_peaks
from mousai.evaluation.features.waveform import Array

_REGISTERS = {"all": (28, 100), "bass": (28, 52), "middle": (48, 72), "top": (64, 96)}
_CHORD_STEP = 0.5  # seconds within which a chord moves to the next
_SUSTAIN = 0.4  # seconds that a note is sustained and a drum is not


def key_features(spectrogram: Array) -> npt.NDArray[np.float32]:
    """Features `[features, 12]` of a `pitch_spectrogram`: notes in four registers, bass, chords and chord changes.

    Nothing says where in the piece a chord sounds, though composed songs begin and end on the tonic: a generated piece
    may begin in the middle of a song.
    """
    from scipy.ndimage import median_filter, uniform_filter1d

    notes = semitones(spectral_peaks(spectrogram))
    frames = round(_SUSTAIN * FRAME_RATE) // 2 * 2 + 1
    sustained = median_filter(notes, size=(1, frames))
    chroma = {name: fold_octaves(notes, *span) for name, span in _REGISTERS.items()}
    rows: list[Array] = []
    for name, span in _REGISTERS.items():
        steady = fold_octaves(sustained, *span)
        rows += [_normalize(each.mean(axis=1)) for each in (chroma[name], steady, np.sqrt(chroma[name]))]
    for name in ("bass", "top"):  # how long each note is the strongest one
        rows.append(_normalize((chroma[name] == chroma[name].max(axis=0)).mean(axis=1)))
    full = uniform_filter1d(chroma["all"] + chroma["middle"], frames, axis=1)
    bass = uniform_filter1d(chroma["bass"], frames, axis=1)
    bass = bass / np.maximum(bass.sum(axis=0), 1e-6)
    chords = _triads(full, bass)
    rows += list(chords.mean(axis=2))
    rows += _root_moves(chords.sum(axis=0)) + _root_moves(bass)
    return np.sqrt(np.maximum(np.stack(rows), 0)).astype(np.float32)


def _normalize(strengths: Array) -> Array:
    return strengths / max(float(strengths.sum()), 1e-9)


def _triads(full: Array, bass: Array) -> Array:
    """Probability of each major and minor triad in each frame, `[2, 12, frames]`, by its root."""
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


def _root_moves(roots: Array) -> list[Array]:
    """Counts of each root moving up by 1 to 11 semitones within `_CHORD_STEP`: eleven rows, by the root before."""
    lag = round(_CHORD_STEP * FRAME_RATE)
    if roots.shape[1] <= lag:
        return [np.zeros(12)] * 11
    pairs = roots[:, :-lag] @ roots[:, lag:].T / (roots.shape[1] - lag)
    return [np.array([pairs[root, (root + step) % 12] for root in range(12)]) for step in range(1, 12)]
