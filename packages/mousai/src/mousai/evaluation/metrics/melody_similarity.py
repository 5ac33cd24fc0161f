"""Similarity of a generated piece and the tune it was to play, as MusicGen's paper measures it.

Chroma with one pitch class a frame, the strongest one, of the reference and of the generated audio; the mean cosine
similarity of the frames at the same times (Copet et al., "Simple and controllable music generation", arXiv 2306.05284,
sections 3.2 and 4.1). Of two frames with one pitch class each the cosine is 1 or 0.

MusicGen's reference is a recording. Here it may be one too (`recording_chroma`), or the notes themselves
(`tune_chroma`), seen through the same windows.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mousai.evaluation.features.waveform import Array, mono, resample

RATE, WINDOW, HOP = 32000, 2**14, 2**12
"""Hz and samples of the paper's chromagram: windows of 0.51 s, eight frames a second."""
_GRID = 16  # moments of a hop at which the notes are looked at

OneHot = npt.NDArray[np.bool_]
"""One pitch class, C first, or none in each frame: `[12, frames]`."""


def recording_chroma(audio: Array, *, sample_rate: int) -> OneHot:
    """Strongest pitch class of each frame of a recording, `[12, frames]`; none in silence.

    Args:
        audio: `[channels, samples]` or `[samples]`.
        sample_rate: Hz.
    """
    import librosa

    sound = resample(mono(audio), sample_rate, RATE)
    chroma = librosa.feature.chroma_stft(y=sound, sr=RATE, n_fft=WINDOW, hop_length=HOP, tuning=0.0, norm=None)
    return _strongest(chroma)


def tune_chroma(notes: Sequence[tuple[float, float, int]], seconds: float) -> OneHot:
    """Pitch class that fills most of each frame's window, `[12, frames]`; none where no note sounds.

    Args:
        notes: (start, end, MIDI pitch), start and end in seconds.
        seconds: length.
    """
    step, reach = HOP / RATE / _GRID, _GRID * WINDOW // HOP // 2
    frames = round(seconds * RATE) // HOP + 1
    sounding = np.zeros((12, (frames - 1) * _GRID + 2 * reach + 1))
    for start, end, pitch in notes:
        first, last = (max(int(np.ceil(second / step)) + reach, 0) for second in (start, min(end, seconds)))
        sounding[pitch % 12, first:last] = 1
    window = np.hanning(2 * reach + 1)
    weighed = [np.convolve(row, window, mode="valid")[::_GRID] for row in sounding]
    return _strongest(np.stack(weighed))


def melody_cosine(reference: OneHot, generated: OneHot) -> float:
    """Mean cosine similarity over the frames in which the reference has a pitch class; NaN where none has.

    Args:
        reference: `[12, frames]`.
        generated: `[12, frames]`; what goes beyond the shorter of the two is left out.
    """
    frames = min(reference.shape[1], generated.shape[1])
    sounding = reference[:, :frames].any(axis=0)
    if not sounding.any():
        return float("nan")
    same = np.logical_and(reference[:, :frames], generated[:, :frames])
    return float(same.sum() / sounding.sum())


def _strongest(chroma: Array) -> OneHot:
    first = np.arange(12)[:, None] == chroma.argmax(axis=0)
    found: OneHot = first & (chroma > 1e-6)
    return found
