"""What the judge of the lead hears: a log-mel picture of 20 s, in which sounds begin and fade."""

import numpy as np
import numpy.typing as npt

from mousai.evaluation.sound import MUSIC_RATE, SECONDS, Array, levelled

BANDS, WINDOW, HOP = 128, 2048, 1024
FRAMES = round(SECONDS * MUSIC_RATE) // HOP + 1
QUIET = 1e-4
"""Power under which nothing counts, of sound with root mean square 1."""


def lead_features(audio: Array, *, sample_rate: int) -> npt.NDArray[np.float32]:
    """The natural log of the power in mel bands, of the levelled mono sound; short sound is repeated.

    Args:
        audio: `[channels, samples]` or `[samples]`.
        sample_rate: Hz.

    Returns:
        `[BANDS, FRAMES]`.

    Raises:
        ValueError: it is no waveform.
    """
    import librosa

    sound = levelled(audio, sample_rate=sample_rate)
    powers = librosa.feature.melspectrogram(y=sound, sr=MUSIC_RATE, n_fft=WINDOW, hop_length=HOP, n_mels=BANDS)
    found: npt.NDArray[np.float32] = np.log(powers + QUIET).astype(np.float32)
    return found[:, np.arange(FRAMES) % found.shape[1]]
