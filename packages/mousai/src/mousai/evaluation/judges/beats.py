"""Clock of a recording: its tempo, and where its bars begin, by librosa's beat tracker."""

import numpy as np

from mousai.evaluation.features.waveform import ANALYSIS_RATE, Array, mono, resample

BEATS_PER_BAR = 4
_HOP = 256  # samples of the onset curve: 12 ms
_WINDOW = 2048


def onset_curve(audio: Array, *, sample_rate: int) -> tuple[Array, float]:
    """Onset strength `[frames]` by spectral flux, and its frames per second; frame i is at i over these.

    Args:
        audio: `[channels, samples]` or `[samples]`.
        sample_rate: Hz.
    """
    import librosa

    sound = resample(mono(audio), sample_rate, ANALYSIS_RATE)
    curve: Array = librosa.onset.onset_strength(y=sound, sr=ANALYSIS_RATE, hop_length=_HOP, n_fft=_WINDOW)
    return curve, ANALYSIS_RATE / _HOP


def beat_phase(audio: Array, *, sample_rate: int, tempo: float, beats: int = 1) -> float:
    """Second at which the grid of every `beats`-th beat begins that catches most onsets, from 0 to below its period.

    Args:
        audio: `[channels, samples]` or `[samples]`.
        sample_rate: Hz.
        tempo: beats per minute.
        beats: beats from one line of the grid to the next.
    """
    curve, rate = onset_curve(audio, sample_rate=sample_rate)
    period = beats * 60 / tempo
    shifts = np.arange(0.0, period, 0.004)
    lines = np.arange(0.0, len(curve) / rate - period, period)
    frames = np.arange(len(curve)) / rate
    caught = [np.interp(lines + shift, frames, curve).mean() if len(lines) else 0.0 for shift in shifts]
    return float(shifts[int(np.argmax(caught))])


def estimate_clock(audio: Array, *, sample_rate: int, tempo: float | None = None) -> tuple[float, float] | None:
    """Tempo in beats per minute and first downbeat in seconds; `None` where fewer than four beats are found.

    The beat is librosa's. Of the four beats of a bar that one counts as the downbeat on which most onsets fall.

    Args:
        audio: `[channels, samples]` or `[samples]`.
        sample_rate: Hz.
        tempo: where it is known already.
    """
    from mousai.evaluation.judges.tempo import estimate_tempo

    found = tempo or estimate_tempo(audio, sample_rate=sample_rate)
    if not found:
        return None
    beat = beat_phase(audio, sample_rate=sample_rate, tempo=found)
    curve, rate = onset_curve(audio, sample_rate=sample_rate)
    frames, step = np.arange(len(curve)) / rate, 60 / found
    starts = [beat + place * step for place in range(BEATS_PER_BAR)]
    grids = [np.arange(start, len(curve) / rate, BEATS_PER_BAR * step) for start in starts]
    strengths = [np.interp(grid, frames, curve).mean() if len(grid) else 0.0 for grid in grids]
    return found, starts[int(np.argmax(strengths))]
