"""What the judge of style knows of a piece: its sound, rhythm and harmony as one vector."""

import numpy as np
import numpy.typing as npt

from mousai.evaluation.sound import MUSIC_RATE, Array, levelled

HOP = 512
MELS = 64


def hear(audio: Array, *, sample_rate: int) -> npt.NDArray[np.float32]:
    """What the judge knows of a piece, as one vector: sound, rhythm and harmony, whatever its level, key or tempo."""
    import librosa

    sound = levelled(audio, sample_rate=sample_rate)
    magnitude = np.abs(librosa.stft(sound, n_fft=2048, hop_length=HOP))
    power = magnitude**2
    mel = librosa.feature.melspectrogram(S=power, sr=MUSIC_RATE, n_mels=MELS)
    decibels = librosa.power_to_db(mel, ref=1.0, amin=1e-6, top_db=80.0)
    return np.concatenate([_sound(decibels, magnitude), _rhythm(decibels), _harmony(power)]).astype(np.float32)


def _sound(decibels: Array, magnitude: Array) -> Array:
    """Level and liveliness of every band, MFCC, contrast, and how much of a band is struck rather than held."""
    import librosa
    from scipy.ndimage import median_filter

    change = np.abs(np.diff(decibels, axis=1))
    cepstra = librosa.feature.mfcc(S=decibels, n_mfcc=20)
    contrast = librosa.feature.spectral_contrast(S=magnitude, sr=MUSIC_RATE)
    held = median_filter(decibels, size=(1, 17)) - median_filter(decibels, size=(9, 1))
    parts = [decibels.mean(axis=1), decibels.std(axis=1), change.mean(axis=1), held.mean(axis=1)]
    parts += list(np.percentile(decibels, [5, 25, 75, 95], axis=1))
    parts += [cepstra.mean(axis=1), cepstra.std(axis=1), np.diff(cepstra, axis=1).std(axis=1)]
    parts += [contrast.mean(axis=1), contrast.std(axis=1)]
    return np.concatenate(parts)


def _rhythm(decibels: Array) -> Array:
    """Autocorrelation of the onsets of four ranges up to 2 s, how sharp they are, and what they share."""
    import librosa

    rises = np.maximum(np.diff(decibels, axis=1), 0)
    edges = librosa.mel_frequencies(n_mels=MELS + 2, fmax=MUSIC_RATE / 2)[1:-1]
    ranges = [edges < 200, (edges >= 200) & (edges < 1500), (edges >= 1500) & (edges < 5000), edges >= 5000]
    onsets = [rises[chosen].mean(axis=0) for chosen in ranges]
    lags = round(2.0 * MUSIC_RATE / HOP)
    parts: list[Array] = []
    for onset in [*onsets, rises.mean(axis=0)]:
        sharp = np.percentile(onset, [50, 75, 90, 97])
        centred = onset - onset.mean()
        curve = librosa.autocorrelate(centred, max_size=lags)
        curve = curve / max(float(curve[0]), 1e-9)
        # The lags in order say the tempo; sorted they say how regular the piece is, whatever its tempo.
        parts += [curve[4::2], np.sort(curve[8:])[::-8], sharp, np.array([onset.mean(), onset.std()])]
    parts.append(_correlations(np.stack(onsets)))
    return np.concatenate(parts)


def _correlations(rows: Array) -> Array:
    """Correlation of every two rows; 0 where a row is constant, as in a piece without treble."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    centred = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
    found: Array = (centred @ centred.T)[np.triu_indices(len(rows), 1)]
    return found


def _harmony(power: Array) -> Array:
    """Chroma turned so that its strongest note is first (no key), its spread, and how often it changes."""
    import librosa

    chroma = librosa.feature.chroma_stft(S=power, sr=MUSIC_RATE, hop_length=HOP, tuning=0.0)
    mean = chroma.mean(axis=1)
    mean = np.roll(mean, -int(mean.argmax()))
    return np.concatenate([mean, np.sort(chroma, axis=0).mean(axis=1), [np.abs(np.diff(chroma, axis=1)).mean()]])
