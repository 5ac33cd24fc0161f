"""A piece as a weak decoder might give it, for judges that shall go by the music and not by how clean it is."""

import numpy as np

from mousai.evaluation.sound import MUSIC_RATE, Array, mono, resampled


def degraded(audio: Array, *, sample_rate: int, seed: int) -> Array:
    """A piece as a weak decoder might give it: magnitudes a little blurred and uneven, the phase made up.

    How much is drawn from the seed: a blur of up to 1.5 bins and frames, unevenness up to 4 dB. 8 Griffin-Lim
    iterations.
    """
    import librosa
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(seed)
    sound = resampled(mono(audio), sample_rate, MUSIC_RATE).astype(np.float32)
    # Windows of 46 ms, as long as the 2048 samples at 48 kHz that the models see.
    spectrum = np.abs(librosa.stft(sound, n_fft=1024, hop_length=256))
    logs = np.log(spectrum + 1e-4 * spectrum.max() + 1e-9)
    logs = gaussian_filter(logs, sigma=tuple(rng.uniform(0, 1.5, 2)))
    uneven = gaussian_filter(rng.standard_normal(logs.shape), sigma=1.0)
    logs += uneven * (rng.uniform(0, 4) / 8.686 / uneven.std())
    made_up = librosa.griffinlim(
        np.exp(logs).astype(np.float32), n_iter=8, n_fft=1024, hop_length=256, length=sound.size, random_state=seed
    )
    return resampled(made_up, MUSIC_RATE, sample_rate)
