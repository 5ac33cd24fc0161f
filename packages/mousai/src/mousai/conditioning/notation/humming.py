"""A hummed, sung or whistled tune as notes: librosa's pYIN, and what makes notes of its curve."""

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from mousai.errors import UserError, install_hint

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Curve = NDArray[np.float64]

LOWEST, HIGHEST = 65.41, 2093.0
"""Hz: C2, the lowest of a low voice, to C7, the highest of a whistle."""
MIN_NOTE = 0.09
"""Seconds; what is shorter is a glide from one note to the next."""
LONGEST = 600.0
"""Seconds of a recording."""
RATE, HOP = 22050, 256
FRAME_RATE = RATE / HOP
"""Frames a second of the curve of pitch: 86."""
SILENCE = 1e-3
"""Root mean square below which a recording is silent."""

_SMOOTHED = 7  # frames of the median, 81 ms: a doubled octave or a crack of the voice is shorter
_DIP = 0.6  # a note is struck again where its level falls below so much of what it rises to


def transcribe_tune(path: Path) -> tuple[tuple[float, float, int], ...]:
    """Transcribe a recording of one voice: (start, end, MIDI pitch) of its notes.

    The pitch in each frame is pYIN's (Mauch and Dixon, ICASSP 2014), less what the singer is out of tune on the whole,
    smoothed by a median. A note lasts as long as the nearest semitone is the same and the level does not dip.

    Args:
        path: recording, WAV, FLAC, OGG or MP3.

    Raises:
        UserError: it cannot be read, is silent, too long, or has no pitch that could be followed.
    """
    import numpy as np

    try:
        import librosa
    except ImportError:
        missing = f"a tune is heard with librosa, which is not installed; {install_hint('melody')}"
        raise UserError("melody", hint=missing) from None
    from mousai.audio.files import audio_info, read_audio

    if (info := audio_info(path)).duration > LONGEST:
        raise UserError(path, hint=f"lasts {info.duration:.0f} s; a tune may last {LONGEST:g} s")
    sound = read_audio(path, sample_rate=RATE, channels=1)[0]
    if sound.size < RATE // 10 or float(np.sqrt(np.mean(np.square(sound)))) < SILENCE:
        raise UserError(path, hint="is silent; there is no tune to follow")
    # Quarters of a semitone: Viterbi's time is that of their number squared, 9 times less than at tenths.
    curve, voiced, _ = librosa.pyin(
        sound, fmin=LOWEST, fmax=HIGHEST, sr=RATE, frame_length=2048, hop_length=HOP, resolution=0.25, fill_na=np.nan
    )
    level = librosa.feature.rms(y=sound, frame_length=1024, hop_length=HOP)[0][: len(curve)]
    heard = voiced & np.isfinite(curve) & (level > 0.05 * level.max())
    pitch = np.where(heard, 12 * np.log2(np.where(heard, curve, 440.0) / 440.0) + 69, np.nan)
    notes = notes_of_curve(pitch, level)
    if not notes:
        raise UserError(path, hint="has no tune that can be followed; hum or play one note at a time")
    return notes


def notes_of_curve(pitch: "Curve", level: "Curve") -> tuple[tuple[float, float, int], ...]:
    """Make notes of a curve of pitch.

    Args:
        pitch: MIDI pitch in every frame, with fractions; NaN where there is none.
        level: root mean square in every frame.
    """
    import numpy as np

    there = np.isfinite(pitch)
    if not there.any():
        return ()
    # The mean angle of all fractions of a semitone: how far the tune as a whole lies beside A = 440 Hz.
    off = np.angle(np.exp(2j * np.pi * pitch[there]).mean()) / (2 * np.pi)
    half = _SMOOTHED // 2
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(pitch - off, half, constant_values=np.nan), _SMOOTHED)
    nearest = np.full(len(pitch), -1)
    for place in np.flatnonzero(there):
        nearest[place] = round(float(np.nanmedian(frames[place])))
    least = round(MIN_NOTE * FRAME_RATE)
    notes: list[list[int]] = []  # first frame, frame after the last, pitch
    borders = [0, *(np.flatnonzero(np.diff(nearest)) + 1).tolist(), len(nearest)]
    for first, last in pairwise(borders):
        if nearest[first] < 0:
            continue
        follows = bool(notes) and notes[-1][1] == first
        if last - first < least:
            if follows:  # a glide belongs to the note that it leaves
                notes[-1][1] = last
        elif follows and notes[-1][2] == nearest[first]:
            notes[-1][1] = last
        else:
            notes.append([first, last, int(nearest[first])])
    struck = [part for first, last, tone in notes for part in _struck(first, last, tone, level, least)]
    return tuple((first / FRAME_RATE, last / FRAME_RATE, tone) for first, last, tone in struck)


def _struck(first: int, last: int, tone: int, level: "Curve", least: int) -> list[tuple[int, int, int]]:
    """A stretch of one pitch as the notes that are struck in it: its level dips before each but the first."""
    parts, begun = [], first
    place = first + least
    while place < last - least:
        before, after = level[begun:place].max(), level[place : place + 2 * least].max()
        around = level[max(begun, place - least) : place + least]
        if level[place] == around.min() and level[place] < _DIP * min(before, after):
            parts.append((begun, place, tone))
            begun = place
            place += least
        else:
            place += 1
    return [*parts, (begun, last, tone)]
