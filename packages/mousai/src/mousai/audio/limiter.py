"""A limiter that looks ahead: the few moments that would clip are turned down, and nothing else.

peaks of blocks of 64 samples ── ceiling / peak ──> what each may be multiplied with, at most 1
    ── lowest in reach ── smoothed over as far ──> gain at the borders of the blocks ── straight lines ──> every sample
"""

from typing import Any

import numpy as np
import numpy.typing as npt

BLOCK = 64
"""Samples over which the gain is a straight line."""
REACH = 16
"""Blocks before and after a peak over which its gain stays, and again as many over which it comes and goes: 43 ms at
48 kHz."""
BLOCKS_AT_ONCE = 2**12
"""Blocks whose gain is computed at once, so that of a long piece there is no second copy."""

Array = npt.NDArray[np.floating[Any]]


def gain_at_borders(peaks: Array, *, ceiling: float) -> npt.NDArray[np.float64]:
    """Gain of a limiter at the borders of blocks.

    A block between two borders is nowhere multiplied with more than `ceiling` over its peak: both of its borders are
    means of lowest values that all count it.

    Args:
        peaks: the largest absolute sample of each block `[blocks]`.
        ceiling: level that no sample may pass.

    Returns:
        `[blocks + 1]`, in (0, 1].
    """
    allowed = np.minimum(1.0, ceiling / np.maximum(np.asarray(peaks, np.float64), 1e-9))
    either = np.minimum(np.append(allowed, 1.0), np.append(1.0, allowed))
    padded = np.pad(either, 2 * REACH, constant_values=1.0)
    lowest = np.lib.stride_tricks.sliding_window_view(padded, 2 * REACH + 1).min(axis=1)
    window = np.hanning(2 * REACH + 3)[1:-1]
    smooth = np.convolve(lowest, window / window.sum(), mode="valid")
    gain: npt.NDArray[np.float64] = np.minimum(smooth, either)  # which it is but for the last bit
    return gain


def limit(sound: Array, *, ceiling: float) -> None:
    """Turn down, in place, what would pass a ceiling.

    Args:
        sound: `[channels, samples]`, all channels alike so that nothing moves in the room.
        ceiling: as above.
    """
    samples = sound.shape[1]
    starts = np.arange(0, samples, BLOCK)
    peaks = np.maximum(
        np.maximum.reduceat(sound, starts, axis=1).max(axis=0), -np.minimum.reduceat(sound, starts, axis=1).min(axis=0)
    )
    if float(peaks.max(initial=0.0)) <= ceiling:
        return
    gain = gain_at_borders(peaks, ceiling=ceiling)
    steps = np.arange(BLOCK) / BLOCK
    for first in range(0, len(starts), BLOCKS_AT_ONCE):
        here = gain[first : first + BLOCKS_AT_ONCE + 1]
        curve = (here[:-1, None] + np.diff(here)[:, None] * steps).reshape(-1)
        part = sound[:, first * BLOCK : (first + BLOCKS_AT_ONCE) * BLOCK]
        part *= curve[: part.shape[1]].astype(sound.dtype)
        np.clip(part, -ceiling, ceiling, out=part)  # the last bit of rounding, never more
