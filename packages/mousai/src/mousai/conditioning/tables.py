"""Melody and chords as channels along the frames of a latent. This module knows nothing of the composer.

    melody_table   uint8 [14, frames]   notes 0 to 11 (C to B) that sound, onsets, MIDI pitch
    chord_table    uint8 [36, frames]   root, notes and bass of the chord, twelve pitch classes each

Frame k lasts from k to k + 1 divided by the frame rate. The bundled latent has `FRAME_RATE`.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mousai.conditioning.chord_labels import notes_of, parse_label

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FRAME_RATE = 48000 / 4096
"""Latent frames a second of the bundled model: 11.71875."""
ONSET, PITCH = 12, 13
"""Channels of `melody_table` after the twelve pitch classes."""
MELODY_CHANNELS = 14
ROOT, NOTES, BASS = 0, 12, 24
"""First channels of `chord_table`'s three parts."""
CHORD_CHANNELS = 36


def frame_count(duration: float, frame_rate: float = FRAME_RATE) -> int:
    """Number of frames that reach into a duration in seconds; the last one may end after it."""
    return math.ceil(round(duration * frame_rate, 6))


def melody_table(
    notes: Sequence[tuple[float, float, int]], frames: int, frame_rate: float = FRAME_RATE
) -> "NDArray[np.uint8]":
    """Notes of a melody as channels.

    A note counts in the frame in which it begins, and in those that it fills at least by half. `ONSET` is 1 where a
    note begins. `PITCH` is the MIDI pitch of the note that fills most of the frame among those that count, the higher
    one of two, and 0 where none does.

    Args:
        notes: (start, end, MIDI pitch), start and end in seconds.
        frames: how many frames.
        frame_rate: frames a second.

    Returns:
        uint8 `[14, frames]`.
    """
    import numpy as np

    table = np.zeros((MELODY_CHANNELS, frames), dtype=np.uint8)
    most = np.zeros(frames)
    for start, end, pitch in notes:
        first = math.floor(start * frame_rate)
        for frame in range(max(first, 0), min(math.ceil(end * frame_rate), frames)):
            share = min(end * frame_rate, frame + 1) - max(start * frame_rate, frame)
            if frame != first and share < 0.5:
                continue
            table[pitch % 12, frame] = 1
            table[ONSET, frame] |= frame == first
            if (share, pitch) > (most[frame], table[PITCH, frame]):
                most[frame], table[PITCH, frame] = share, pitch
    return table


def chord_table(
    chords: Sequence[tuple[float, float, str]], frames: int, frame_rate: float = FRAME_RATE
) -> "NDArray[np.uint8]":
    """Chords as channels; a frame has the chord at its middle, and zeros where there is none.

    A chord whose label names no bass has its root there.

    Args:
        chords: (start, end, label in Harte's syntax), start and end in seconds.
        frames: how many frames.
        frame_rate: frames a second.

    Returns:
        uint8 `[36, frames]`.

    Raises:
        ValueError: a label is unknown.
    """
    import numpy as np

    table = np.zeros((CHORD_CHANNELS, frames), dtype=np.uint8)
    for start, end, label in chords:
        root, quality, bass = parse_label(label)
        if root is None:
            continue
        first = max(math.ceil(start * frame_rate - 0.5), 0)
        last = max(math.ceil(end * frame_rate - 0.5), 0)
        table[ROOT + root, first:last] = 1
        for note in notes_of(quality):
            table[NOTES + (root + note) % 12, first:last] = 1
        table[BASS + (root if bass is None else bass), first:last] = 1
    return table
