"""The judge of the lead: which instrument plays the melody.

It looks for the strongest harmonic series in the register of melodies, frame by frame, and hears the spectrum around
it, how its notes begin, fade and waver, beside what sounds altogether.
"""

import numpy as np
import numpy.typing as npt

from mousai.evaluation.pitches import LOWEST, PER_SEMITONE, peaks, semitones
from mousai.evaluation.sound import Array

_HARMONICS = np.round(12 * PER_SEMITONE * np.log2(np.arange(1, 9))).astype(int)
_CANDIDATES = np.arange((58 - LOWEST) * PER_SEMITONE, (92 - LOWEST) * PER_SEMITONE)  # Bb3 to G6
_BELOW, _ABOVE = 8 * PER_SEMITONE, 42 * PER_SEMITONE  # of the melody's pitch, what is looked at around it
_LAGS = (1, 2, 3, 4, 6, 8)


def lead_features(picture: Array) -> npt.NDArray[np.float32]:
    """What the judge knows of a `pitch_picture`: about a thousand numbers."""
    standing = peaks(picture)
    reach = np.pad(standing, ((0, int(_HARMONICS[-1])), (0, 0)))
    salience = sum(0.75**number * reach[_CANDIDATES + step] for number, step in enumerate(_HARMONICS))
    found = np.argmax(salience, axis=0)
    strength = np.max(salience, axis=0)
    frames = np.arange(picture.shape[1])
    pitch = _CANDIDATES[found]
    clear = frames[strength >= np.median(strength)]
    padded = np.pad(picture, ((0, _ABOVE), (0, 0)), constant_values=float(picture.min()))
    around = np.arange(-_BELOW, _ABOVE)
    spectrum = padded[pitch[clear][:, None] + around, clear[:, None]]
    spectrum = spectrum - spectrum[:, _BELOW : _BELOW + 1]
    parts: list[Array] = [spectrum.mean(axis=0), spectrum.std(axis=0), *np.percentile(spectrum, (25, 75), axis=0)]
    for lag in _LAGS:  # how a note goes on, and how it came
        later, earlier = clear[clear + lag < len(frames)], clear[clear >= lag]
        for now, then in ((later, later + lag), (earlier, earlier - lag)):
            change = picture[pitch[now], then] - picture[pitch[now], now] if len(now) else np.zeros(1)
            parts.append(np.array([change.mean(), change.std(), *np.percentile(change, (10, 50, 90))]))
    near = np.exp(padded[pitch[clear][:, None] + np.arange(-3, 4), clear[:, None]])
    place = (near * np.arange(-3, 4)).sum(axis=1) / near.sum(axis=1)
    waver = np.abs(np.diff(place)).mean() if len(place) > 1 else 0.0
    parts.append(np.array([place.mean(), place.std(), waver]))
    edges = np.arange(_CANDIDATES[0], _CANDIDATES[-1] + 12, 12)
    parts.append(np.histogram(pitch[clear], bins=edges)[0] / max(len(clear), 1))
    notes = semitones(standing)
    parts += [notes.mean(axis=1), notes.std(axis=1), np.percentile(notes, 90, axis=1)]
    rises = np.maximum(np.diff(standing, axis=1), 0)[::PER_SEMITONE]
    parts.append(rises.mean(axis=1))
    return np.concatenate(parts).astype(np.float32)
