"""The last chain: the same gains for every stem, found on their sum, so that the stems still add up."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ...audio.limiter import BLOCK, gain_at_borders, limit
from ...audio.loudness import SILENT, STEP, gated_loudness, k_weighted
from .config import PEAK, Master
from .dynamics import block_peaks, compressor_gain, factor, heard_level, rounded_peaks
from .filters import RATE, Wave

WIDTH = 0.6
"""Highest ratio of the RMS of the side (half the difference) to that of the middle (half the sum of the channels)."""
FURTHEST = 60.0
"""Most decibels that a song is turned up."""


def add_up(stems: Mapping[str, Wave]) -> npt.NDArray[np.float64]:
    """The sum of stems, float64 `[2, samples]`."""
    total = np.zeros(next(iter(stems.values())).shape, dtype=np.float64)
    for stem in stems.values():
        total += stem
    return total


def narrow(stems: Mapping[str, Wave]) -> None:
    """Bring the side of all stems down, in place, where that of their sum is more than `WIDTH` of the middle.

    Some pads are nearly out of phase, and would vanish on one loudspeaker.
    """
    total = add_up(stems)
    middle, side = (total[0] + total[1]) / 2, (total[0] - total[1]) / 2
    width = float(np.sqrt(np.mean(side**2) / max(float(np.mean(middle**2)), 1e-18)))
    if width > WIDTH:
        for stem in stems.values():
            surplus = (stem[0] - stem[1]) / 2 * np.float32(1 - WIDTH / width)
            stem[0] -= surplus
            stem[1] += surplus


def fades(samples: int, fade_in: float, fade_out: float) -> Wave:
    """Factor `[samples]` that rises from 0 within `fade_in` seconds and falls to 0 within the last `fade_out`."""
    curve = np.ones(samples, dtype=np.float32)
    rise, fall = (min(round(seconds * RATE), samples) for seconds in (fade_in, fade_out))
    curve[:rise] *= (0.5 - 0.5 * np.cos(np.linspace(0.0, np.pi, rise))).astype(np.float32)
    curve[samples - fall :] *= (0.5 + 0.5 * np.cos(np.linspace(0.0, np.pi, fall))).astype(np.float32)
    return curve


def master(stems: Mapping[str, Wave], settings: Master) -> tuple[Wave, float]:
    """Master stems `[2, samples]` in place; return their sum behind the limiter and its loudness in LUFS.

    The tilt is left to the buses, which have an equaliser each.
    """
    narrow(stems)
    total = add_up(stems).astype(np.float32)
    samples = total.shape[1]
    gain = fades(samples, settings.fade_in, settings.fade_out)
    if settings.compression is not None:
        gain *= factor(compressor_gain(total, settings.compression), samples)
    total *= gain
    if settings.crest is not None:
        rounding = rounded_peaks(total, 10 ** ((heard_level(total) + settings.crest) / 20))
        gain *= rounding
        total *= rounding
    turned, reached = gain_to_loudness(total, settings.loudness)
    gain *= np.float32(turned)
    for stem in stems.values():
        stem *= gain
    mix = add_up(stems)
    limit(mix, ceiling=PEAK)
    return mix.astype(np.float32), reached


def gain_to_loudness(sound: Wave, loudness: float) -> tuple[float, float]:
    """Factor that brings a sound `[2, samples]` to a loudness in LUFS behind the limiter, and the loudness reached.

    The factor is 1 for silence; sound shorter than the standard's block is brought to an RMS of as many decibels.

    Found step by step on the K-weighted power and the peaks of short blocks: the limiter is slow enough for its gain to
    count as one number a block.
    """
    blocks = sound.shape[1] // BLOCK
    peaks = block_peaks(sound, BLOCK)
    weighted = k_weighted(sound)[:, : blocks * BLOCK].reshape(len(sound), blocks, BLOCK)
    powers = np.einsum("cbs,cbs->b", weighted, weighted, dtype=np.float64)
    per_step = STEP // BLOCK
    steps = blocks // per_step

    def heard(gain: float) -> float:
        turned = gain_at_borders(peaks * gain, ceiling=PEAK)
        turned = (turned[:blocks] + turned[1 : blocks + 1]) / 2 * gain
        limited = (powers * turned**2)[: steps * per_step].reshape(steps, per_step)
        return gated_loudness(limited.sum(axis=1) / (per_step * BLOCK))

    if steps < 4 or not powers.any():
        level = heard_level(sound)  # too short for the standard
        return (float(10 ** ((loudness - level) / 20)) if level > -119 else 1.0), SILENT
    gain, reached = 1.0, heard(1.0)
    for _ in range(8):
        if abs(loudness - reached) < 0.02:
            break
        gain = min(gain * 10 ** ((loudness - reached) / 20), 10 ** (FURTHEST / 20))
        reached = heard(gain)
    return gain, reached
