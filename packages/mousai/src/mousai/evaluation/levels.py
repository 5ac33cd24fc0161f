"""How loud, how wide and how empty a piece is."""

from dataclasses import dataclass

import numpy as np

from mousai.audio.loudness import integrated_loudness
from mousai.evaluation.sound import RATE, Array


@dataclass(frozen=True, kw_only=True)
class Levels:
    """How loud, how wide and how empty a piece is.

    Args:
        rms: dB of full scale.
        peak: dB of full scale.
        loudness: LUFS, as hearing weighs it (ITU-R BS.1770-4, gated), -70 at the least.
        width: level of the side signal (L-R)/2 less that of the middle (L+R)/2 in dB, -60 (mono) to 60.
        silent: share of blocks of 50 ms below -60 dB.
        clipped: share of samples at 0.9999 or more.
    """

    rms: float
    peak: float
    loudness: float
    width: float
    silent: float
    clipped: float


def levels(audio: Array, *, sample_rate: int = RATE) -> Levels:
    """Measure `[channels, samples]`; the loudness of sound at another rate than 48 kHz is that of it resampled."""
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
        loudness=integrated_loudness(channels, sample_rate=sample_rate),
        width=min(max(decibel(float((side**2).mean())) - decibel(float((middle**2).mean())), -60.0), 60.0),
        silent=float((power / sizes < 1e-6).mean()),
        clipped=float((np.abs(channels) >= 0.9999).mean()),
    )


def decibel(power: float) -> float:
    """10 log10 of a power, -120 at the least."""
    return 10.0 * float(np.log10(max(power, 1e-12)))
