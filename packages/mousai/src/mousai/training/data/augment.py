"""Gain, equaliser, room, width and speed at random: what stands between composed songs and real recordings."""

import numpy as np
import numpy.typing as npt
import soxr
from scipy import fft

from mousai.training.config import Augmentation

Wave = npt.NDArray[np.float32]


def augment(wave: Wave, rng: np.random.Generator, config: Augmentation, *, sample_rate: int) -> Wave:
    """Change a waveform [C, samples] as another tuning, mixing desk and room would; the length stays.

    The result stays within [-1, 1]: where a change would pass it, the whole waveform is made quieter.

    Args:
        wave: the waveform; not changed itself.
        rng: generator of all that is drawn.
        config: which changes, and how often.
        sample_rate: Hz.
    """
    length = wave.shape[-1]
    if rng.random() < config.speed:
        wave = _speed(wave, rng, config.semitones)
    spectrum = None
    if rng.random() < config.equaliser:
        spectrum = _equaliser(length, rng, sample_rate)
    if rng.random() < config.room:
        wave = _room(wave, rng, sample_rate)
    if spectrum is not None:
        wave = fft.irfft(fft.rfft(wave) * spectrum, n=length)
    if wave.shape[0] == 2 and config.width:
        wave = _width(wave, rng)
    if config.gain:
        wave = wave * np.float32(10 ** (rng.uniform(-15, 6) / 20))
    return np.asarray(wave / max(1.0, float(np.abs(wave).max()) / 0.99), dtype=np.float32)


def _speed(wave: Wave, rng: np.random.Generator, semitones: float) -> Wave:
    """Faster or slower by up to `semitones`, pitch and all; the end is mirrored where samples are missing."""
    length = wave.shape[-1]
    rate = 48000 * 2 ** (rng.uniform(-1, 1) * semitones / 12)
    faster = soxr.resample(wave.T, 48000, rate, quality="LQ").T[:, :length]
    return np.pad(faster, ((0, 0), (0, length - faster.shape[-1])), mode="reflect")


def _equaliser(length: int, rng: np.random.Generator, sample_rate: int) -> Wave:
    """A smooth gain curve over log-frequency, within about 9 dB, for the bins of a transform of the whole length."""
    points = np.log(np.geomspace(40, 20000, 7))
    gains = rng.normal(0, 4.5, size=points.shape)
    frequency = np.fft.rfftfreq(length, 1 / sample_rate)
    decibels = np.interp(np.log(np.maximum(frequency, 20)), points, gains)
    return np.asarray(10 ** (decibels / 20), dtype=np.float32)


def _room(wave: Wave, rng: np.random.Generator, sample_rate: int) -> Wave:
    """Reverberation: exponentially decaying noise, another for each channel, 0.2 to 1.5 s long, some of it mixed in."""
    seconds = rng.uniform(0.2, 1.5)
    count = int(seconds * sample_rate)
    decay = np.exp(-6.9 * np.arange(count) / count)
    impulse = (rng.standard_normal(size=(wave.shape[0], count)) * decay).astype(np.float32)
    impulse /= np.linalg.norm(impulse, axis=-1, keepdims=True)
    size = fft.next_fast_len(wave.shape[-1] + count, real=True)
    wet = fft.irfft(fft.rfft(wave, size) * fft.rfft(impulse, size), size)[:, : wave.shape[-1]]
    return np.asarray(wave + np.float32(10 ** (rng.uniform(-22, -8) / 20)) * wet)


def _width(wave: Wave, rng: np.random.Generator) -> Wave:
    """Narrower or wider stereo, or left and right exchanged."""
    mid, side = (wave[0] + wave[1]) / 2, (wave[0] - wave[1]) / 2
    side = side * rng.choice([0.0, 1.0, rng.uniform(0.3, 1.4)], p=[0.1, 0.5, 0.4]) * rng.choice([-1, 1])
    return np.stack([mid + side, mid - side])
