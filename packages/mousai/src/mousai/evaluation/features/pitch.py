"""A constant-Q spectrogram in thirds of a semitone, from which key, notes and repetition are computed."""

from functools import cache

import numpy as np
import numpy.typing as npt

from mousai.evaluation.features.waveform import ANALYSIS_RATE, Array, analysis_waveform

HOP = 1024
FRAME_RATE = ANALYSIS_RATE / HOP
"""Frames per second (21.5)."""
BINS_PER_SEMITONE = 3
LOWEST, HIGHEST = 24, 108
"""MIDI pitches: the spectrogram covers seven octaves from C1 upwards."""
MIN_SECONDS = 3
"""Seconds that the window of the lowest octave needs."""
FLOOR = 1e-4
"""Magnitude added before the logarithm, for a waveform of root mean square 1."""


def pitch_spectrogram(audio: Array, *, sample_rate: int) -> npt.NDArray[np.float32]:
    """Log magnitude of a constant-Q transform `[252, frames]`, bins from C1 upwards, of the analysis waveform.

    The tuning is fixed at A = 440 Hz, that of all composed songs. Audio shorter than `MIN_SECONDS` is padded.
    """
    import librosa

    sound = analysis_waveform(audio, sample_rate=sample_rate)
    if sound.size < MIN_SECONDS * ANALYSIS_RATE:
        sound = np.pad(sound, (0, MIN_SECONDS * ANALYSIS_RATE - sound.size))
    bins = (HIGHEST - LOWEST) * BINS_PER_SEMITONE
    lowest = float(librosa.midi_to_hz(LOWEST))
    spectrum = librosa.cqt(
        sound,
        sr=ANALYSIS_RATE,
        hop_length=HOP,
        fmin=lowest,
        n_bins=bins,
        bins_per_octave=12 * BINS_PER_SEMITONE,
        tuning=0.0,
    )
    found: npt.NDArray[np.float32] = np.log(np.abs(spectrum) + FLOOR).astype(np.float32)
    return found


def spectral_peaks(spectrogram: Array) -> Array:
    """Each bin less the mean of the octave around it, at least 0: large for notes, small for drums and noise."""
    from scipy.ndimage import uniform_filter1d

    found: Array = np.maximum(spectrogram - uniform_filter1d(spectrogram, 12 * BINS_PER_SEMITONE + 1, axis=0), 0)
    return found


def semitones(peaks: Array) -> Array:
    """The bins of `spectral_peaks` that lie on a semitone, `[84, frames]`."""
    return peaks[::BINS_PER_SEMITONE]


def fold_octaves(notes: Array, low: int, high: int) -> Array:
    """Sum the semitones from MIDI pitch `low` to `high` (exclusive) over octaves: chroma `[12, frames]`, C first."""
    return _octaves(low, high) @ notes


@cache
def _octaves(low: int, high: int) -> Array:
    matrix = np.zeros((12, HIGHEST - LOWEST), dtype=np.float32)
    for pitch in range(low, high):
        matrix[pitch % 12, pitch - LOWEST] = 1
    return matrix
