"""Level, loudness, stereo width, silence and clipping of a waveform."""

from dataclasses import dataclass

import numpy as np

from mousai.audio.loudness import HIGH_PASS, SHELF
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
        loudness=loudness(channels, sample_rate=sample_rate),
        width=min(max(decibel(float((side**2).mean())) - decibel(float((middle**2).mean())), -60.0), 60.0),
        silent=float((power / sizes < 1e-6).mean()),
        clipped=float((np.abs(channels) >= 0.9999).mean()),
    )


def loudness(audio: Array, *, sample_rate: int = SAMPLE_RATE) -> float:
    """Integrated loudness in LUFS (ITU-R BS.1770-4: blocks of 0.4 s, gates at -70 LUFS and 10 below the mean)."""
    from scipy.signal import lfilter, resample_poly

    channels = np.atleast_2d(np.asarray(audio, dtype=np.float64))
    if sample_rate != SAMPLE_RATE:
        channels = resample_poly(channels, SAMPLE_RATE, sample_rate, axis=1)
    weighted = lfilter(*HIGH_PASS, lfilter(*SHELF, channels, axis=1), axis=1)
    step = SAMPLE_RATE // 10
    tenths = weighted.shape[1] // step
    power = (weighted[:, : tenths * step] ** 2).reshape(len(channels), tenths, step).mean(axis=2).sum(axis=0)
    if tenths < 4:
        return -70.0
    blocks = np.lib.stride_tricks.sliding_window_view(power, 4).mean(axis=1)
    for gate in (-70.0, None):
        loud = blocks > 10 ** ((-70.0 if gate is not None else _lufs(float(blocks.mean())) - 10.0) / 10 + 0.0691)
        if not loud.any():
            return -70.0
        blocks = blocks[loud]
    return max(_lufs(float(blocks.mean())), -70.0)


def _lufs(power: float) -> float:
    return -0.691 + decibel(power)


def decibel(power: float) -> float:
    """10 log10 of a power, at least -120."""
    return 10.0 * float(np.log10(max(power, 1e-12)))
