"""Tempo of a clip by librosa's beat tracker, and the rule by which it counts as the tempo asked for."""

import numpy as np

from mousai.evaluation.features.waveform import ANALYSIS_RATE, SAMPLE_RATE, Array, mono, resample

TOLERANCE = 0.04
RULE = "within 4 % of the tempo asked for, of its half or of its double"


def estimate_tempo(audio: Array, *, sample_rate: int = SAMPLE_RATE) -> float:
    """Beats per minute by librosa's beat tracker with its default settings, from the beats that it places.

    The tracker's own tempo lies on a grid of whole frames (4 % apart at 200 bpm). The beats that it then places do
    not, so the tempo is the slope of a straight line through their times. 0 where it finds fewer than four beats.
    """
    import librosa

    sound = resample(mono(audio), sample_rate, ANALYSIS_RATE)
    _, beats = librosa.beat.beat_track(y=sound, sr=ANALYSIS_RATE, units="time")
    if len(beats) < 4:
        return 0.0
    return 60.0 / float(np.polyfit(np.arange(len(beats)), beats, 1)[0])


def tempo_matches(estimate: float, asked: float, *, tolerance: float = TOLERANCE) -> bool:
    """Tell whether an estimated tempo lies within the tolerance of the tempo asked for, its half or its double."""
    return any(abs(estimate - asked * factor) <= tolerance * asked * factor for factor in (0.5, 1.0, 2.0))
