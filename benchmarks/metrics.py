"""Figures for sound: how close an output is to its original, and what a listener would notice about it alone.

Waveforms are numpy arrays `[channels, samples]` or `[samples]`. Everything here is a plain function of sound; the
scripts beside it decide what to compare.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import librosa
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating]

RATE = 48000
"""Hz of the models and of the figures whose definition names window sizes."""
MUSIC_RATE = 22050
"""Hz at which chroma, key and tempo are looked for."""
NOTES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")

# How well each degree fits a major and a minor key (Krumhansl and Kessler 1982, the probe tone ratings).
_MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
_MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])


def mono(audio: Array) -> Array:
    """The mean over the channels, `[samples]`."""
    samples = np.asarray(audio)
    if samples.ndim not in (1, 2) or samples.shape[-1] == 0:
        raise ValueError(f"audio has shape {samples.shape}; [channels, samples] or [samples] would do")
    return samples if samples.ndim == 1 else samples.mean(axis=0)


def resampled(audio: Array, sample_rate: int, wanted: int) -> Array:
    """Sound at another rate."""
    if sample_rate == wanted:
        return audio
    return librosa.resample(audio, orig_sr=sample_rate, target_sr=wanted, res_type="soxr_mq")


# ---- an output beside its original


def log_mel(audio: Array, *, sample_rate: int = RATE, loudest: float | None = None) -> Array:
    """Log-mel spectrogram of the mono signal in dB `[80, frames]` (n_fft 2048, hop 512), from 0 down to -60.

    0 dB is the power `loudest`, by default that of the loudest cell.
    """
    power = librosa.feature.melspectrogram(y=mono(audio), sr=sample_rate, n_fft=2048, hop_length=512, n_mels=80)
    top = max(float(power.max()) if loudest is None else loudest, 1e-10)
    return np.maximum(librosa.power_to_db(power / top, ref=1.0, amin=1e-10, top_db=None), -60.0)


def log_mel_correlation(original: Array, output: Array, *, sample_rate: int = RATE) -> float:
    """Pearson correlation of the two log-mel spectrograms over all their cells; blind to level, and nearly to pitch."""
    _check_pair(original, output)
    first, second = (log_mel(audio, sample_rate=sample_rate).ravel() for audio in (original, output))
    first, second = first - first.mean(), second - second.mean()
    size = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(first @ second) / size if size > 0 else float("nan")


def log_mel_distance(original: Array, output: Array, *, sample_rate: int = RATE) -> float:
    """Mean absolute difference of the log-mel spectrograms in dB, both measured from the original's loudest cell."""
    _check_pair(original, output)
    power = librosa.feature.melspectrogram(y=mono(original), sr=sample_rate, n_fft=2048, hop_length=512, n_mels=80)
    top = float(power.max())
    first, second = (log_mel(audio, sample_rate=sample_rate, loudest=top) for audio in (original, output))
    return float(np.abs(first - second).mean())


def stft_distance(original: Array, output: Array, *, sizes: Sequence[int] = (512, 1024, 2048)) -> float:
    """Multi-resolution STFT distance of the mono signals (arXiv 1910.11480, equations 3 to 6), 0 for equal magnitudes.

    Mean over the window sizes (hop a quarter) of the spectral convergence ‖|S| − |Ŝ|‖ / ‖|S|‖ plus the mean absolute
    difference of the log magnitudes, floored 80 dB under the original's loudest bin.
    """
    _check_pair(original, output)
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


def centred_chroma(audio: Array, *, sample_rate: int = RATE) -> Array:
    """Which notes sound: `chroma_cqt` of the harmonic part (22.05 kHz, hop 512), each frame less its mean `[12, N]`."""
    chroma = _chroma(audio, sample_rate)
    return chroma - chroma.mean(axis=0, keepdims=True)


def _chroma(audio: Array, sample_rate: int) -> Array:
    sound = resampled(mono(audio), sample_rate, MUSIC_RATE)
    if not sound.any():  # librosa would warn that there is nothing to tune to
        return np.zeros((12, 1 + sound.size // 512))
    chroma: Array = librosa.feature.chroma_cqt(y=librosa.effects.harmonic(sound), sr=MUSIC_RATE, hop_length=512)
    return chroma


def chroma_cosine(original: Array, output: Array, *, sample_rate: int = RATE) -> float:
    """Mean over frames of the cosine between the centred chromas: 1 the same notes, 0 unrelated ones.

    Frames in which neither sounds any note are left out; a note against none counts 0.
    """
    _check_pair(original, output)
    return chroma_agreement(
        centred_chroma(original, sample_rate=sample_rate), centred_chroma(output, sample_rate=sample_rate)
    )


def chroma_agreement(first: Array, second: Array) -> float:
    """`chroma_cosine` of two centred chromas `[12, frames]`."""
    if first.shape != second.shape:
        raise ValueError(f"chromas of shape {first.shape} and {second.shape}; two equal shapes would do")
    sizes = np.linalg.norm(first, axis=0), np.linalg.norm(second, axis=0)
    sounding = (sizes[0] > 1e-6) | (sizes[1] > 1e-6)
    if not sounding.any():
        return float("nan")
    cosine = (first * second).sum(axis=0) / np.maximum(sizes[0] * sizes[1], 1e-12)
    return float(cosine[sounding].mean())


def _check_pair(original: Array, output: Array) -> None:
    if mono(original).shape != mono(output).shape:
        raise ValueError(
            f"original and output have {mono(original).size} and {mono(output).size} samples; equal lengths would do"
        )


def griffin_lim(
    audio: Array, *, iterations: int = 32, n_fft: int = 2048, hop: int = 512, seed: int = 0
) -> npt.NDArray[np.float32]:
    """The sound that fast Griffin-Lim (momentum 0.99, random start) makes of the true magnitudes.

    What is lost when only the phase is: the ceiling of every route that goes through magnitudes. Stereo is taken as
    middle and side, because phases made up for left and right would cancel where they meet.
    """
    sound = np.asarray(audio, dtype=np.float32)
    if sound.ndim == 2 and sound.shape[0] == 2:
        middle, side = (
            griffin_lim(part, iterations=iterations, n_fft=n_fft, hop=hop, seed=seed)
            for part in ((sound[0] + sound[1]) / 2, (sound[0] - sound[1]) / 2)
        )
        return np.stack([middle + side, middle - side])
    magnitude = np.abs(librosa.stft(sound, n_fft=n_fft, hop_length=hop))
    made_up: npt.NDArray[np.float32] = librosa.griffinlim(
        magnitude, n_iter=iterations, hop_length=hop, n_fft=n_fft, length=sound.shape[-1], random_state=seed
    )
    return made_up


# ---- a piece by itself


def tempo_of(audio: Array, *, sample_rate: int = RATE) -> float:
    """Beats per minute by librosa's beat tracker with its own defaults, from the beats that it placed.

    The tracker's own figure lies on a grid of whole frames (4 % apart at 200 bpm); the beats it then places do not, so
    the tempo is the slope of a straight line through their times. 0 where it finds fewer than four beats.
    """
    sound = resampled(mono(audio), sample_rate, MUSIC_RATE)
    _, beats = librosa.beat.beat_track(y=sound, sr=MUSIC_RATE, units="time")
    if len(beats) < 4:
        return 0.0
    return 60.0 / float(np.polyfit(np.arange(len(beats)), beats, 1)[0])


def tempo_matches(found: float, asked: float, *, tolerance: float = 0.04) -> bool:
    """Whether a found tempo lies within the tolerance of the asked one, of its half or of its double."""
    return any(abs(found - asked * factor) <= tolerance * asked * factor for factor in (0.5, 1.0, 2.0))


def key_of(audio: Array, *, sample_rate: int = RATE) -> str:
    """The major or minor key, such as "A minor", whose tone profile (Krumhansl and Kessler) the chroma fits best.

    "" where there is no sound.
    """
    chroma = _chroma(audio, sample_rate).mean(axis=1)
    return key_of_chroma(chroma) if chroma.any() else ""


def key_of_chroma(chroma: Array) -> str:
    """The best key for twelve note strengths, C first."""
    fits = {
        f"{NOTES[tonic]} {mode}": float(np.corrcoef(np.roll(profile, tonic), chroma)[0, 1])
        for mode, profile in (("major", _MAJOR), ("minor", _MINOR))
        for tonic in range(12)
    }
    return max(fits, key=lambda name: fits[name])


@dataclass(frozen=True, kw_only=True)
class Levels:
    """How loud, how wide and how empty a piece is.

    `rms` and `peak` are in dB of full scale; `width` is the level of the side signal (L-R)/2 less that of the middle
    (L+R)/2 in dB, -60 (mono) to 60; `silent` is the share of blocks of 50 ms below -60 dB,
    `clipped` that of samples at 0.9999 or more.
    """

    rms: float
    peak: float
    width: float
    silent: float
    clipped: float


def levels(audio: Array, *, sample_rate: int = RATE) -> Levels:
    """Measure loudness, width, silence and clipping of `[channels, samples]`."""
    channels = np.atleast_2d(np.asarray(audio, dtype=np.float64))
    block = max(1, sample_rate // 20)
    count = -(-channels.shape[1] // block)
    # The last block is filled with nothing, and its mean taken over what it holds.
    power = np.pad((channels**2).mean(axis=0), (0, count * block - channels.shape[1])).reshape(count, block).sum(axis=1)
    sizes = np.full(count, block)
    sizes[-1] = channels.shape[1] - (count - 1) * block
    middle, side = (channels[0] + channels[-1]) / 2, (channels[0] - channels[-1]) / 2
    return Levels(
        rms=decibel(float((channels**2).mean())),
        peak=decibel(float(np.abs(channels).max()) ** 2),
        width=min(max(decibel(float((side**2).mean())) - decibel(float((middle**2).mean())), -60.0), 60.0),
        silent=float((power / sizes < 1e-6).mean()),
        clipped=float((np.abs(channels) >= 0.9999).mean()),
    )


def decibel(power: float) -> float:
    """10 log10 of a power, -120 at the least."""
    return 10.0 * float(np.log10(max(power, 1e-12)))


# ---- pictures


def spectrogram_png(
    path: str | os.PathLike[str],
    first: Array,
    second: Array,
    *,
    titles: tuple[str, str] = ("original", "output"),
    sample_rate: int = RATE,
) -> None:
    """Write the log-mel spectrograms of two signals side by side, on one colour scale, as a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    bands = 160
    settings = {"sr": sample_rate, "n_fft": 4096, "hop_length": 512, "n_mels": bands}
    powers = [librosa.feature.melspectrogram(y=mono(audio), **settings) for audio in (first, second)]
    top = max(float(powers[0].max()), 1e-10)
    centres = librosa.mel_frequencies(n_mels=bands, fmax=sample_rate / 2)
    ticks = [100, 300, 1000, 3000, 10000]
    figure = Figure(figsize=(14, 4.5), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    for axes, power, title in zip(figure.subplots(1, 2, sharey=True), powers, titles, strict=True):
        picture = axes.imshow(
            librosa.power_to_db(power / top, ref=1.0, amin=1e-10, top_db=None),
            origin="lower",
            aspect="auto",
            vmin=-70,
            vmax=0,
            cmap="magma",
            extent=(0, power.shape[1] * 512 / sample_rate, 0, bands),
        )
        axes.set(title=title, xlabel="seconds")
        axes.set_yticks([float(np.interp(tick, centres, np.arange(bands))) + 0.5 for tick in ticks], map(str, ticks))
    figure.axes[0].set_ylabel("Hz")
    figure.colorbar(picture, ax=figure.axes, label="dB")
    figure.savefig(path)
