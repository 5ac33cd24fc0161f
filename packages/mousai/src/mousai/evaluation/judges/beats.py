"""Clock of a recording: its tempo, and where its bars begin, by librosa's beat tracker."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mousai.evaluation.features.waveform import ANALYSIS_RATE, Array, mono, resample

BEATS_PER_BAR = 4
FEWEST_CHANGES, FEWEST_AGREEING = 2, 0.1
"""Changes of the chord, and confidence that they give, from which on they say where bars begin."""
TONAL = 0.6
"""Confidence in the chords below which there is more noise than harmony."""
_HOP = 256  # samples of the onset curve: 12 ms
_WINDOW = 2048


Onsets = tuple[Array, float]
"""Onset strength `[frames]`, and its frames per second; frame i is at i over these."""


def onset_curve(audio: Array, *, sample_rate: int) -> Onsets:
    """Onset strength `[frames]` by spectral flux, and its frames per second.

    Args:
        audio: `[channels, samples]` or `[samples]`.
        sample_rate: Hz.
    """
    import librosa

    sound = resample(mono(audio), sample_rate, ANALYSIS_RATE)
    curve: Array = librosa.onset.onset_strength(y=sound, sr=ANALYSIS_RATE, hop_length=_HOP, n_fft=_WINDOW)
    # Flux is what a frame has more than the one before: a click shows in the frame after its own.
    return np.append(curve[1:], 0.0), ANALYSIS_RATE / _HOP


def beat_phase(audio: Array, *, sample_rate: int, tempo: float, beats: int = 1, onsets: Onsets | None = None) -> float:
    """Second at which the grid of every `beats`-th beat begins that catches most onsets, from 0 to below its period.

    Args:
        audio: `[channels, samples]` or `[samples]`.
        sample_rate: Hz.
        tempo: beats per minute.
        beats: beats from one line of the grid to the next.
        onsets: the recording's `onset_curve`, where it is known already.
    """
    curve, rate = onsets = onset_curve(audio, sample_rate=sample_rate) if onsets is None else onsets
    period = beats * 60 / tempo
    shifts = np.arange(0.0, period, 0.004)
    lines = np.arange(0.0, len(curve) / rate - period, period)
    caught = [_strength(onsets, lines + shift) for shift in shifts]
    return float(shifts[int(np.argmax(caught))])


def estimate_clock(
    audio: Array,
    *,
    sample_rate: int,
    tempo: float | None = None,
    spectrogram: npt.NDArray[np.float32] | None = None,
) -> tuple[float, float] | None:
    """Tempo in beats per minute and first downbeat in seconds; `None` where fewer than four beats are found.

    The beat is librosa's. The downbeat is the beat of the bar on which most chords change; where none change, the one
    on which most onsets fall. In the first 20 s of 23 composed songs that was right in 13, and onsets alone in 5.

    Args:
        audio: `[channels, samples]` or `[samples]`.
        sample_rate: Hz.
        tempo: where it is known already.
        spectrogram: the recording's `pitch_spectrogram`, where it is known already.
    """
    from mousai.evaluation.features.pitch import pitch_spectrogram
    from mousai.evaluation.judges.chords import chord_confidence, estimate_chords
    from mousai.evaluation.judges.tempo import estimate_tempo

    found = tempo or estimate_tempo(audio, sample_rate=sample_rate)
    if not found:
        return None
    curve, rate = onsets = onset_curve(audio, sample_rate=sample_rate)
    beat = beat_phase(audio, sample_rate=sample_rate, tempo=found, onsets=onsets)
    if spectrogram is None:
        spectrogram = pitch_spectrogram(audio, sample_rate=sample_rate)
    chords = estimate_chords(audio, sample_rate=sample_rate, spectrogram=spectrogram)
    changes = [start for start, _, _ in chords[1:]]
    downbeat, agreeing = downbeat_by_changes(changes, tempo=found, beat=beat)
    tonal = chord_confidence(spectrogram, chords) >= TONAL
    if tonal and len(changes) >= FEWEST_CHANGES and agreeing >= FEWEST_AGREEING:
        return found, downbeat
    step = 60 / found
    starts = [beat + place * step for place in range(BEATS_PER_BAR)]
    bars = [np.arange(start, len(curve) / rate, BEATS_PER_BAR * step) for start in starts]
    return found, starts[int(np.argmax([_strength(onsets, lines) for lines in bars]))]


def beat_confidence(
    audio: Array, *, sample_rate: int, tempo: float, beat: float, onsets: Onsets | None = None
) -> float:
    """Confidence, 0 to 1, that beats lie on a clock: one less the onsets at all times over those on the beats.

    Args:
        audio: `[channels, samples]` or `[samples]`.
        sample_rate: Hz.
        tempo: beats per minute.
        beat: second of any beat.
        onsets: the recording's `onset_curve`, where it is known already.
    """
    curve, rate = onsets = onset_curve(audio, sample_rate=sample_rate) if onsets is None else onsets
    on = _strength(onsets, np.arange(beat % (60 / tempo), len(curve) / rate, 60 / tempo))
    return float(np.clip(1 - curve.mean() / on, 0, 1)) if on > 0 else 0.0


def _strength(onsets: Onsets, lines: Array) -> float:
    """Mean strength of the onsets at the lines of a grid, in seconds; 0 without lines."""
    curve, rate = onsets
    return float(np.interp(lines, np.arange(len(curve)) / rate, curve).mean()) if len(lines) else 0.0


def downbeat_by_changes(changes: Sequence[float], *, tempo: float, beat: float) -> tuple[float, float]:
    """Second of the first downbeat as the beat of the bar near which most chords change, and a confidence, 0 to 1.

    A drum may be loudest on any beat; chords change where a bar begins. The confidence is the share of the changes
    that are nearest to that beat, from 0 for a quarter of them to 1 for all.

    Args:
        changes: seconds at which the chord changes.
        tempo: beats per minute.
        beat: second of any beat.
    """
    step = 60 / tempo
    first = beat % step
    if not len(changes):
        return first, 0.0
    places = np.round((np.asarray(changes) - first) / step).astype(int) % BEATS_PER_BAR
    counts = np.bincount(places, minlength=BEATS_PER_BAR)
    best = int(counts.argmax())
    share = counts[best] / counts.sum()
    return first + best * step, float(max(share - 1 / BEATS_PER_BAR, 0) / (1 - 1 / BEATS_PER_BAR))
