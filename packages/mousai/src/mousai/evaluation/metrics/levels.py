"""Level, loudness, stereo width, silence and clipping of a waveform."""

from dataclasses import dataclass

import numpy as np

from mousai.audio.loudness import integrated_loudness
from mousai.evaluation.features.waveform import SAMPLE_RATE, Array


@dataclass(frozen=True, kw_only=True)
class Levels:
    """Level, loudness, stereo width, silence and clipping of a waveform.

    Args:
        rms: root mean square in dB of full scale.
        peak: largest sample in dB of full scale.
        loudness: integrated loudness in LUFS (ITU-R BS.1770-4, gated), at least -70.
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


def levels(audio: Array, *, sample_rate: int = SAMPLE_RATE) -> Levels:
    """Measure a waveform `[channels, samples]`; for the loudness, other rates than 48 kHz are resampled to it."""
    channels = np.atleast_2d(np.asarray(audio, dtype=np.float64))
    block = max(1, sample_rate // 20)
    count = -(-channels.shape[1] // block)
    # The last block is padded with zeros, and its mean is taken over the samples that it really has.
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
    """10 log10 of a power, at least -120."""
    return 10.0 * float(np.log10(max(power, 1e-12)))
