"""The features of a clip for all three learned judges at once."""

import numpy as np
import numpy.typing as npt

from mousai.evaluation.features.genre import genre_features
from mousai.evaluation.features.key import key_features
from mousai.evaluation.features.lead import lead_features
from mousai.evaluation.features.pitch import pitch_spectrogram
from mousai.evaluation.features.waveform import Array


def extract_features(
    audio: Array, *, sample_rate: int, spectrogram: npt.NDArray[np.float32] | None = None
) -> dict[str, npt.NDArray[np.float32]]:
    """Features of a clip by judge: `genre` `[features]`, `key` `[features, 12]`, `lead` `[bands, frames]`.

    Args:
        audio: `[channels, samples]` or `[samples]`.
        sample_rate: sampling rate in Hz.
        spectrogram: the clip's `pitch_spectrogram`, where it is known already.
    """
    spectrogram = pitch_spectrogram(audio, sample_rate=sample_rate) if spectrogram is None else spectrogram
    return {
        "genre": genre_features(audio, sample_rate=sample_rate),
        "key": key_features(spectrogram),
        "lead": lead_features(audio, sample_rate=sample_rate),
    }
