"""Features of the lead-instrument judge: a log-mel spectrogram of 20 s, which shows how notes begin and fade."""

import numpy as np
import numpy.typing as npt

from mousai.evaluation.features.waveform import ANALYSIS_RATE, CLIP_SECONDS, Array, analysis_waveform

BANDS, WINDOW, HOP = 128, 2048, 1024
FRAMES = round(CLIP_SECONDS * ANALYSIS_RATE) // HOP + 1
FLOOR = 1e-4
"""Power added before the logarithm, for a waveform of root mean square 1."""


def lead_features(audio: Array, *, sample_rate: int) -> npt.NDArray[np.float32]:
    """Natural logarithm of the power in mel bands of the analysis waveform; short audio is repeated.

    Args:
        audio: `[channels, samples]` or `[samples]`.
        sample_rate: sampling rate in Hz.

    Returns:
        `[BANDS, FRAMES]`.

    Raises:
        ValueError: the array has another shape than a waveform.
    """
    import librosa

    sound = analysis_waveform(audio, sample_rate=sample_rate)
    powers = librosa.feature.melspectrogram(y=sound, sr=ANALYSIS_RATE, n_fft=WINDOW, hop_length=HOP, n_mels=BANDS)
    found: npt.NDArray[np.float32] = np.log(powers + FLOOR).astype(np.float32)
    return found[:, np.arange(FRAMES) % found.shape[1]]
