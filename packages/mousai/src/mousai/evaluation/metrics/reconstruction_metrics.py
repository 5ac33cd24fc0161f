"""Distances and similarities of an original and its reconstruction, both `[channels, samples]` or `[samples]`."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mousai.evaluation.features.waveform import ANALYSIS_RATE, SAMPLE_RATE, Array, mono, resample


def mel_power(
    audio: Array, *, sample_rate: int = SAMPLE_RATE, n_fft: int = 2048, hop_length: int = 512, bands: int = 80
) -> Array:
    """Mel spectrogram of the mono signal `[bands, frames]`, as power."""
    import librosa

    found: Array = librosa.feature.melspectrogram(
        y=mono(audio), sr=sample_rate, n_fft=n_fft, hop_length=hop_length, n_mels=bands
    )
    return found


def relative_db(power: Array, *, loudest: float) -> Array:
    """Power in dB relative to `loudest`, clipped to -60 dB from below."""
    import librosa

    found: Array = np.maximum(librosa.power_to_db(power / max(loudest, 1e-10), ref=1.0, amin=1e-10, top_db=None), -60.0)
    return found


def log_mel(audio: Array, *, sample_rate: int = SAMPLE_RATE) -> Array:
    """Log-mel spectrogram of the mono signal in dB `[80, frames]` (n_fft 2048, hop 512), clipped to -60 to 0.

    0 dB is the power of the loudest bin.
    """
    power = mel_power(audio, sample_rate=sample_rate)
    return relative_db(power, loudest=float(power.max()))


def log_mel_correlation(original: Array, output: Array, *, sample_rate: int = SAMPLE_RATE) -> float:
    """Pearson correlation of the two log-mel spectrograms over all bins; blind to level, and nearly to pitch."""
    check_pair(original, output)
    first, second = (log_mel(audio, sample_rate=sample_rate).ravel() for audio in (original, output))
    first, second = first - first.mean(), second - second.mean()
    size = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(first @ second) / size if size > 0 else float("nan")


def log_mel_distance(original: Array, output: Array, *, sample_rate: int = SAMPLE_RATE) -> float:
    """Mean absolute difference of the log-mel spectrograms in dB, both relative to the original's loudest bin."""
    return float(log_mel_differences(original, output, sample_rate=sample_rate).mean())


def log_mel_differences(original: Array, output: Array, **mel: int) -> Array:
    """Absolute differences in dB `[bands, frames]`, both relative to the original's loudest bin.

    Args:
        original: `[channels, samples]` or `[samples]`.
        output: its reconstruction, of the same length.
        **mel: arguments of `mel_power`.
    """
    check_pair(original, output)
    powers = [mel_power(audio, **mel) for audio in (original, output)]
    first, second = (relative_db(power, loudest=float(powers[0].max())) for power in powers)
    return np.abs(first - second)


def stft_distance(original: Array, output: Array, *, sizes: Sequence[int] = (512, 1024, 2048)) -> float:
    """Multi-resolution STFT distance of the mono signals (arXiv 1910.11480, equations 3 to 6), 0 for equal magnitudes.

    Mean over the window sizes (hop a quarter) of the spectral convergence ‖|S| − |Ŝ|‖ / ‖|S|‖ plus the mean absolute
    difference of the log magnitudes, floored 80 dB under the original's loudest bin.
    """
    import librosa

    check_pair(original, output)
    total = 0.0
    for size in sizes:
        first, second = (
            np.abs(librosa.stft(mono(audio), n_fft=size, hop_length=size // 4)) for audio in (original, output)
        )
        floor = max(float(first.max()) * 1e-4, 1e-8)
        convergence = float(np.linalg.norm(first - second) / max(float(np.linalg.norm(first)), 1e-8))
        logs = np.abs(np.log(np.maximum(first, floor)) - np.log(np.maximum(second, floor)))
        total += convergence + float(logs.mean())
    return total / len(sizes)


def centred_chroma(audio: Array, *, sample_rate: int = SAMPLE_RATE) -> Array:
    """`chroma_cqt` of the harmonic part (22.05 kHz, hop 512), each frame less its mean, `[12, frames]`."""
    chroma = _chroma(audio, sample_rate)
    found: Array = chroma - chroma.mean(axis=0, keepdims=True)
    return found


def _chroma(audio: Array, sample_rate: int) -> Array:
    import librosa

    sound = resample(mono(audio), sample_rate, ANALYSIS_RATE)
    if not sound.any():  # librosa warns when it estimates the tuning of silence
        return np.zeros((12, 1 + sound.size // 512))
    chroma: Array = librosa.feature.chroma_cqt(y=librosa.effects.harmonic(sound), sr=ANALYSIS_RATE, hop_length=512)
    return chroma


def chroma_cosine(original: Array, output: Array, *, sample_rate: int = SAMPLE_RATE) -> float:
    """Mean over frames of the cosine between the centred chromas: 1 for the same notes, 0 for unrelated ones.

    Frames in which both are silent are left out; notes against silence count 0.
    """
    check_pair(original, output)
    return chroma_agreement(
        centred_chroma(original, sample_rate=sample_rate), centred_chroma(output, sample_rate=sample_rate)
    )


def chroma_agreement(first: Array, second: Array) -> float:
    """`chroma_cosine` of two centred chromas `[12, frames]`."""
    if first.shape != second.shape:
        raise ValueError(f"chromas of shape {first.shape} and {second.shape}; must be equal")
    sizes = np.linalg.norm(first, axis=0), np.linalg.norm(second, axis=0)
    sounding = (sizes[0] > 1e-6) | (sizes[1] > 1e-6)
    if not sounding.any():
        return float("nan")
    cosine = (first * second).sum(axis=0) / np.maximum(sizes[0] * sizes[1], 1e-12)
    return float(cosine[sounding].mean())


def check_pair(original: Array, output: Array) -> None:
    """Raise a ValueError unless the two are of one length."""
    if mono(original).shape != mono(output).shape:
        raise ValueError(
            f"original and output have {mono(original).size} and {mono(output).size} samples; must be of one length"
        )


def griffin_lim(
    audio: Array, *, iterations: int = 32, n_fft: int = 2048, hop: int = 512, seed: int = 0
) -> npt.NDArray[np.float32]:
    """Waveform that fast Griffin-Lim (momentum 0.99, random start) finds for the true magnitudes.

    It shows what losing only the phase costs, the ceiling of every decoder that goes through magnitudes. Stereo is
    taken as middle and side, because independent phases of left and right would cancel in the middle.
    """
    import librosa

    sound = np.asarray(audio, dtype=np.float32)
    if sound.ndim == 2 and sound.shape[0] == 2:
        middle, side = (
            griffin_lim(part, iterations=iterations, n_fft=n_fft, hop=hop, seed=seed)
            for part in ((sound[0] + sound[1]) / 2, (sound[0] - sound[1]) / 2)
        )
        return np.stack([middle + side, middle - side])
    magnitude = np.abs(librosa.stft(sound, n_fft=n_fft, hop_length=hop))
    found: npt.NDArray[np.float32] = librosa.griffinlim(
        magnitude, n_iter=iterations, hop_length=hop, n_fft=n_fft, length=sound.shape[-1], random_state=seed
    )
    return found
