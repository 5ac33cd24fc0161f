"""Augmentation of training songs: audio as a weak decoder would give it.

Judges that have heard it classify by the music and not by how clean the audio is.
"""

import numpy as np

from mousai.evaluation.features.waveform import ANALYSIS_RATE, Array, mono, resample


def degrade(audio: Array, *, sample_rate: int, seed: int) -> Array:
    """Audio with its magnitudes a little blurred and uneven, and phases by 8 Griffin-Lim iterations.

    The strength is drawn from the seed: a blur of up to 1.5 bins and frames, unevenness of up to 4 dB.
    """
    import librosa
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(seed)
    sound = resample(mono(audio), sample_rate, ANALYSIS_RATE).astype(np.float32)
    # Windows of 46 ms, as long as the 2048 samples at 48 kHz of the models.
    spectrum = np.abs(librosa.stft(sound, n_fft=1024, hop_length=256))
    logs = np.log(spectrum + 1e-4 * spectrum.max() + 1e-9)
    logs = gaussian_filter(logs, sigma=tuple(rng.uniform(0, 1.5, 2)))
    uneven = gaussian_filter(rng.standard_normal(logs.shape), sigma=1.0)
    logs += uneven * (rng.uniform(0, 4) / 8.686 / uneven.std())
    degraded = librosa.griffinlim(
        np.exp(logs).astype(np.float32), n_iter=8, n_fft=1024, hop_length=256, length=sound.size, random_state=seed
    )
    return resample(degraded, ANALYSIS_RATE, sample_rate)
