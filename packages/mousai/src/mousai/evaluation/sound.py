"""Waveforms as the judges take them: numpy arrays `[channels, samples]` or `[samples]`."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating]

RATE = 48000
"""Hz of the models and of the figures whose definition names window sizes."""
MUSIC_RATE = 22050
"""Hz at which tempo, key, style and instruments are listened for."""
SECONDS = 20.0
"""Length of what the judges hear."""


def mono(audio: Array) -> Array:
    """The mean over the channels, `[samples]`.

    Raises:
        ValueError: it is no waveform.
    """
    samples = np.asarray(audio)
    if samples.ndim not in (1, 2) or samples.shape[-1] == 0:
        raise ValueError(f"audio has shape {samples.shape}; [channels, samples] or [samples] would do")
    return samples if samples.ndim == 1 else samples.mean(axis=0)


def resampled(audio: Array, sample_rate: int, wanted: int) -> Array:
    """Sound at another rate."""
    if sample_rate == wanted:
        return audio
    import librosa

    found: Array = librosa.resample(audio, orig_sr=sample_rate, target_sr=wanted, res_type="soxr_mq")
    return found


def levelled(audio: Array, *, sample_rate: int) -> npt.NDArray[np.float32]:
    """What a judge listens to: mono, `MUSIC_RATE`, root mean square 1 (silence stays silence)."""
    sound = resampled(mono(audio), sample_rate, MUSIC_RATE).astype(np.float32)
    return sound / max(float(np.sqrt(np.mean(sound**2))), 1e-5)
