"""Dynamics: compressor, saturation, pumping and the rounding of peaks.

Gains of compressor and pumping are worked out for every millisecond and drawn through as straight lines, so that no
loop over samples is needed.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .config import Compression, SideChain
from .filters import RATE, Floats, Wave

BLOCK = 48
"""Samples of a block: 1 ms."""
ATTACK = 0.004
"""Seconds in which pumping goes down; it is down at the kick."""
FLOOR = 1e-6


def block_peaks(sound: npt.NDArray[np.floating], block: int = BLOCK) -> Floats:
    """The largest absolute sample of any channel in each block `[blocks]`, of `[channels, samples]`."""
    starts = np.arange(0, sound.shape[1], block)
    highest = np.maximum.reduceat(sound, starts, axis=1).max(axis=0)
    return np.asarray(np.maximum(highest, -np.minimum.reduceat(sound, starts, axis=1).min(axis=0)), dtype=np.float64)


def spread(values: Floats, samples: int, block: int = BLOCK) -> Wave:
    """Values of the middles of blocks as straight lines through every sample."""
    blocks = len(values)
    edges = np.interp(np.arange(blocks + 1) - 0.5, np.arange(blocks), values)  # at the borders of the blocks
    steps = np.arange(block, dtype=np.float32) / block
    lines = edges[:-1, None].astype(np.float32) + np.diff(edges)[:, None].astype(np.float32) * steps
    return np.asarray(lines.reshape(-1)[:samples])


def static_curve(level: Floats, threshold: float, ratio: float, knee: float) -> Floats:
    """Gain in dB of a compressor at a steady level in dB (Giannoulis et al. 2012, eq. 4): 0 below the knee."""
    over = level - threshold
    bent = (over + knee / 2) ** 2 / (2 * max(knee, 1e-9))
    shaped = np.where(2 * over < -knee, 0.0, np.where(2 * np.abs(over) <= knee, bent, over))
    return np.asarray((1 / ratio - 1) * shaped)


def compressor_gain(sound: npt.NDArray[np.floating], settings: Compression, *, level: float | None = None) -> Floats:
    """Gain of a compressor in dB for every millisecond of `[channels, samples]`.

    The peak level falls by 60 dB within ten times `release` at a steady rate, which keeps the waves of a bass from
    being followed; the gain then approaches its goal with the time constant `attack`.

    Args:
        sound: what is compressed.
        settings: the compressor.
        level: what the threshold counts from, in dB; None is the RMS of the sound where it is heard.
    """
    from scipy.signal import lfilter

    if level is None:
        level = heard_level(sound)
    levels = 20 * np.log10(np.maximum(block_peaks(sound), FLOOR))
    rate = 6.0 * BLOCK / RATE / settings.release  # dB per block: 6 dB within the release time
    ramp = rate * np.arange(len(levels))
    envelope = np.maximum.accumulate(levels + ramp) - ramp
    gain = static_curve(envelope, level + settings.threshold, settings.ratio, settings.knee)
    pole = float(np.exp(-BLOCK / RATE / settings.attack))
    smooth, _ = lfilter([1 - pole], [1.0, -pole], gain, zi=[pole * gain[0]])
    return np.asarray(smooth)


def heard_level(sound: npt.NDArray[np.floating]) -> float:
    """RMS in dB of `[channels, samples]` over the blocks of 0.1 s within 30 dB of the loudest; -120 of silence."""
    block = RATE // 10
    count = max(sound.shape[1] // block, 1)
    parts = sound[:, : count * block].reshape(len(sound), count, -1)
    powers = np.einsum("cbs,cbs->b", parts, parts, dtype=np.float64) / parts[:, 0].size
    heard = powers[powers >= powers.max() / 1000]
    return float(10 * np.log10(max(float(heard.mean()), 1e-12)))


def compress(sound: Wave, settings: Compression) -> Wave:
    """Sound `[channels, samples]` through a compressor."""
    return np.asarray(sound * factor(compressor_gain(sound, settings), sound.shape[1]))


def factor(decibels: Floats, samples: int) -> Wave:
    """A gain in dB for every millisecond as a factor for every sample."""
    return spread(10 ** (decibels / 20), samples)


def saturate(sound: Wave, drive: float) -> Wave:
    """Sound through tanh, the RMS of which comes in at `drive` - 12 dB; quiet parts keep their level."""
    gain = np.float32(10 ** ((drive - 12.0 - heard_level(sound)) / 20))
    return np.asarray(np.tanh(sound * gain) / gain)


def rounded_peaks(sound: npt.NDArray[np.floating], ceiling: float) -> Wave:
    """Gain `[samples]`, alike for all channels, that rounds off what is above half of a ceiling and never passes it."""
    highest = np.abs(sound).max(axis=0).astype(np.float32)
    over = np.maximum(highest / np.float32(ceiling) - np.float32(0.5), np.float32(0.0))
    rounded = np.minimum(highest, np.float32(ceiling / 2)) + np.float32(ceiling / 2) * np.tanh(2 * over)
    return np.where(highest > 0, rounded / np.maximum(highest, np.float32(1e-30)), np.float32(1.0))


def pumping(kicks: Sequence[float], settings: SideChain, seconds_per_beat: float, samples: int) -> Wave:
    """Factor `[samples]` that is `depth` dB down at every kick and comes back in a smooth curve.

    Args:
        kicks: seconds.
        settings: depth and release.
        seconds_per_beat: duration of a beat.
        samples: how many.
    """
    blocks = -(-samples // BLOCK)
    times = (np.arange(blocks) + 0.5) * BLOCK / RATE
    starts = np.sort(np.asarray(kicks, dtype=np.float64))
    if not len(starts):
        return np.ones(samples, dtype=np.float32)
    last = np.searchsorted(starts, times, side="right") - 1
    since = np.where(last >= 0, times - starts[np.maximum(last, 0)], np.inf)
    following = np.minimum(last + 1, len(starts) - 1)
    before = np.where(last + 1 < len(starts), starts[following] - times, np.inf)
    back = np.clip(since / (settings.release * seconds_per_beat), 0.0, 1.0)
    down = np.maximum(0.5 + 0.5 * np.cos(np.pi * back), np.clip(1 - (before - BLOCK / RATE) / ATTACK, 0.0, 1.0))
    return factor(-settings.depth * down, samples)
