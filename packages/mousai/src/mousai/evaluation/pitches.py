"""Which pitches sound when: a spectrum in thirds of a semitone, from which key, lead and structure are heard."""

from functools import cache

import numpy as np
import numpy.typing as npt

from mousai.evaluation.sound import MUSIC_RATE, Array, levelled

HOP = 1024
FRAME_RATE = MUSIC_RATE / HOP
"""Frames per second (21.5)."""
PER_SEMITONE = 3
LOWEST, HIGHEST = 24, 108
"""MIDI pitches: the picture reaches from C1 up to seven octaves above."""
SHORTEST = 3
"""Seconds that the lowest octave's window needs."""
QUIET = 1e-4
"""Magnitude under which nothing counts, of sound with root mean square 1."""


def pitch_picture(audio: Array, *, sample_rate: int) -> npt.NDArray[np.float32]:
    """The log magnitude of a constant-Q spectrum `[252, frames]`, bins C1 upwards, of the levelled mono sound.

    Tuned to A = 440 Hz, as all that is composed here is. Sound of less than `SHORTEST` is padded.
    """
    import librosa

    sound = levelled(audio, sample_rate=sample_rate)
    if sound.size < SHORTEST * MUSIC_RATE:
        sound = np.pad(sound, (0, SHORTEST * MUSIC_RATE - sound.size))
    bins = (HIGHEST - LOWEST) * PER_SEMITONE
    lowest = float(librosa.midi_to_hz(LOWEST))
    spectrum = librosa.cqt(
        sound, sr=MUSIC_RATE, hop_length=HOP, fmin=lowest, n_bins=bins, bins_per_octave=12 * PER_SEMITONE, tuning=0.0
    )
    found: npt.NDArray[np.float32] = np.log(np.abs(spectrum) + QUIET).astype(np.float32)
    return found


def peaks(picture: Array) -> Array:
    """How far every bin stands out of the octave around it, 0 at the least: notes do, drums and noise do not."""
    from scipy.ndimage import uniform_filter1d

    found: Array = np.maximum(picture - uniform_filter1d(picture, 12 * PER_SEMITONE + 1, axis=0), 0)
    return found


def semitones(standing_out: Array) -> Array:
    """The bins of `peaks` that lie on a semitone, `[84, frames]`."""
    return standing_out[::PER_SEMITONE]


def folded(notes: Array, low: int, high: int) -> Array:
    """Sum the semitones from MIDI pitch `low` up to `high` (left out) over the octaves, `[12, frames]`, C first."""
    return _octaves(low, high) @ notes


@cache
def _octaves(low: int, high: int) -> Array:
    matrix = np.zeros((12, HIGHEST - LOWEST), dtype=np.float32)
    for pitch in range(low, high):
        matrix[pitch % 12, pitch - LOWEST] = 1
    return matrix
