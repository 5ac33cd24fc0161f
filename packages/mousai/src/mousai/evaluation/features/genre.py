"""Features of the genre judge: timbre, rhythm and harmony of a clip as one vector."""

import numpy as np
import numpy.typing as npt

from mousai.evaluation.features.waveform import ANALYSIS_RATE, Array, analysis_waveform

HOP = 512
MELS = 64


def genre_features(audio: Array, *, sample_rate: int) -> npt.NDArray[np.float32]:
    """Timbre, rhythm and harmony as one vector `[902]`, independent of level and key.

    Args:
        audio: `[channels, samples]` or `[samples]`.
        sample_rate: sampling rate in Hz.
    """
    import librosa

    sound = analysis_waveform(audio, sample_rate=sample_rate)
    magnitude = np.abs(librosa.stft(sound, n_fft=2048, hop_length=HOP))
    power = magnitude**2
    mel = librosa.feature.melspectrogram(S=power, sr=ANALYSIS_RATE, n_mels=MELS)
    decibels = librosa.power_to_db(mel, ref=1.0, amin=1e-6, top_db=80.0)
    return np.concatenate([_timbre(decibels, magnitude), _rhythm(decibels), _harmony(power)]).astype(np.float32)


def _timbre(decibels: Array, magnitude: Array) -> Array:
    """Level and change of every mel band, MFCC, spectral contrast, and how much is sustained and not percussive."""
    import librosa
    from scipy.ndimage import median_filter

    change = np.abs(np.diff(decibels, axis=1))
    cepstra = librosa.feature.mfcc(S=decibels, n_mfcc=20)
    contrast = librosa.feature.spectral_contrast(S=magnitude, sr=ANALYSIS_RATE)
    sustained = median_filter(decibels, size=(1, 17)) - median_filter(decibels, size=(9, 1))
    parts = [decibels.mean(axis=1), decibels.std(axis=1), change.mean(axis=1), sustained.mean(axis=1)]
    parts += list(np.percentile(decibels, [5, 25, 75, 95], axis=1))
    parts += [cepstra.mean(axis=1), cepstra.std(axis=1), np.diff(cepstra, axis=1).std(axis=1)]
    parts += [contrast.mean(axis=1), contrast.std(axis=1)]
    return np.concatenate(parts)


def _rhythm(decibels: Array) -> Array:
    """Onset autocorrelation of four frequency ranges up to 2 s, onset sharpness, and correlations of the ranges."""
    import librosa

    rises = np.maximum(np.diff(decibels, axis=1), 0)
    edges = librosa.mel_frequencies(n_mels=MELS + 2, fmax=ANALYSIS_RATE / 2)[1:-1]
    ranges = [edges < 200, (edges >= 200) & (edges < 1500), (edges >= 1500) & (edges < 5000), edges >= 5000]
    onsets = [rises[chosen].mean(axis=0) for chosen in ranges]
    lags = round(2.0 * ANALYSIS_RATE / HOP)
    parts: list[Array] = []
    for onset in [*onsets, rises.mean(axis=0)]:
        sharp = np.percentile(onset, [50, 75, 90, 97])
        centred = onset - onset.mean()
        curve = librosa.autocorrelate(centred, max_size=lags)
        curve = curve / max(float(curve[0]), 1e-9)
        # The lags in order tell the tempo; sorted they tell how regular the piece is, whatever its tempo.
        parts += [curve[4::2], np.sort(curve[8:])[::-8], sharp, np.array([onset.mean(), onset.std()])]
    parts.append(_correlations(np.stack(onsets)))
    return np.concatenate(parts)


def _correlations(rows: Array) -> Array:
    """Correlations of all pairs of rows; 0 where a row is constant, as in a piece without treble."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    centred = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
    found: Array = (centred @ centred.T)[np.triu_indices(len(rows), 1)]
    return found


def _harmony(power: Array) -> Array:
    """Mean chroma rotated to its strongest note (the key does not count), its spread, and its rate of change."""
    import librosa

    chroma = librosa.feature.chroma_stft(S=power, sr=ANALYSIS_RATE, hop_length=HOP, tuning=0.0)
    mean = chroma.mean(axis=1)
    mean = np.roll(mean, -int(mean.argmax()))
    return np.concatenate([mean, np.sort(chroma, axis=0).mean(axis=1), [np.abs(np.diff(chroma, axis=1)).mean()]])
