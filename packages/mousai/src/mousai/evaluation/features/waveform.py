"""Waveforms as the features take them: NumPy arrays `[channels, samples]` or `[samples]`."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating]

SAMPLE_RATE = 48000
"""Hz of the models, and of the metrics whose definition names window sizes."""
ANALYSIS_RATE = 22050
"""Hz of the waveform that tempo, key, genre and lead instrument are estimated from."""
CLIP_SECONDS = 20.0
"""Length of what is judged of a clip, in seconds."""


def mono(audio: Array) -> Array:
    """Average the channels, `[samples]`.

    Raises:
        ValueError: the array has another shape than a waveform.
    """
    samples = np.asarray(audio)
    if samples.ndim not in (1, 2) or samples.shape[-1] == 0:
        raise ValueError(f"audio has shape {samples.shape}; must be [channels, samples] or [samples]")
    return samples if samples.ndim == 1 else samples.mean(axis=0)


def resample(audio: Array, sample_rate: int, target_rate: int) -> Array:
    """Resample along the last axis with soxr (medium quality); unchanged where the rates are equal."""
    if sample_rate == target_rate:
        return audio
    import librosa

    found: Array = librosa.resample(audio, orig_sr=sample_rate, target_sr=target_rate, res_type="soxr_mq")
    return found


def analysis_waveform(audio: Array, *, sample_rate: int) -> npt.NDArray[np.float32]:
    """The waveform that features are computed from: mono, `ANALYSIS_RATE`, root mean square 1 (silence stays 0)."""
    sound = resample(mono(audio), sample_rate, ANALYSIS_RATE).astype(np.float32)
    return sound / max(float(np.sqrt(np.mean(sound**2))), 1e-5)
