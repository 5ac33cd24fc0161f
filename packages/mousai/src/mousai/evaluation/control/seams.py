"""Seams: how much happens at a border of new music, beside what happens at a beat."""

import statistics
from collections.abc import Sequence

import numpy as np

from mousai.evaluation.features.waveform import Array
from mousai.evaluation.judges.beats import onset_curve

NEAR = 0.025
"""Seconds to either side of a moment within which a peak of the flux belongs to it."""


def flux_near(sound: Array, sample_rate: int, seconds: Sequence[float]) -> list[float]:
    """Largest spectral flux within `NEAR` of each of some moments; those beyond the sound are left out.

    Args:
        sound: `[channels, samples]`.
        sample_rate: Hz.
        seconds: the moments.
    """
    curve, frames = onset_curve(sound, sample_rate=sample_rate)
    spans = [(round((second - NEAR) * frames), round((second + NEAR) * frames) + 1) for second in seconds]
    return [float(curve[max(first, 0) : last].max()) for first, last in spans if 0 < last <= len(curve)]


def seam_flux(sound: Array, sample_rate: int, borders: Sequence[float], beats: Sequence[float]) -> list[float | None]:
    """Flux at each border over the median flux at the beats: 1 is a beat, 0 is nothing; `None` without beats.

    Args:
        sound: `[channels, samples]`.
        sample_rate: Hz.
        borders: seconds at which new music begins or ends.
        beats: seconds of the piece's own beats.
    """
    usual = flux_near(sound, sample_rate, beats)
    middle = statistics.median(usual) if usual else 0.0
    found = flux_near(sound, sample_rate, borders)
    return [round(flux / middle, 4) if middle > 0 else None for flux in found]


def beats_of(tempo: float, any_beat: float, start: float, end: float) -> list[float]:
    """Seconds of all beats from `start` to below `end`, where `any_beat` is the second of one of them."""
    step = 60 / tempo
    first = any_beat + np.ceil((start - any_beat) / step - 1e-9) * step
    return [float(beat) for beat in np.arange(first, end, step)]
