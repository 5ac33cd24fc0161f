"""The judge of tempo: librosa's beat tracker, and the rule by which a tempo counts as kept."""

import numpy as np

from mousai.evaluation.sound import MUSIC_RATE, RATE, Array, mono, resampled

TOLERANCE = 0.04
RULE = "within 4 % of the tempo that was asked for, of its half or of its double"


def tempo_of(audio: Array, *, sample_rate: int = RATE) -> float:
    """Beats per minute by librosa's beat tracker with its own defaults, from the beats that it placed.

    The tracker's own figure lies on a grid of whole frames (4 % apart at 200 bpm); the beats it then places do not, so
    the tempo is the slope of a straight line through their times. 0 where it finds fewer than four beats.
    """
    import librosa

    sound = resampled(mono(audio), sample_rate, MUSIC_RATE)
    _, beats = librosa.beat.beat_track(y=sound, sr=MUSIC_RATE, units="time")
    if len(beats) < 4:
        return 0.0
    return 60.0 / float(np.polyfit(np.arange(len(beats)), beats, 1)[0])


def tempo_matches(found: float, asked: float, *, tolerance: float = TOLERANCE) -> bool:
    """Whether a found tempo lies within the tolerance of the asked one, of its half or of its double."""
    return any(abs(found - asked * factor) <= tolerance * asked * factor for factor in (0.5, 1.0, 2.0))
