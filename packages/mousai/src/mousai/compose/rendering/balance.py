"""Loudness of the melody beside the rest, as one who mixes a song would set it: by ear, where it plays.

The General MIDI sounds differ in loudness by more than any table of volumes makes up for: rendered apart, a flute over
power chords was 14 dB under the rest, a piano in its own style 6 dB. So lead and rest are rendered apart and mixed by
what comes out.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEAD_LEVEL = 0.0
"""Loudness of the lead less that of everything else, in dB, where the lead plays, where nothing else is said."""
LOUDEST = 12.0
"""Range over or under the rest a data set may have its leads, in dB."""
LARGEST = 24.0
"""Most decibels that a lead is moved."""
SOUNDS = 20.0
"""A lead plays in the blocks that are at most that many dB softer than its loudest."""

_BLOCK = 19200  # 0.4 s, the standard's block


def lead_gain(lead: "NDArray[np.float32]", rest: "NDArray[np.float32]", level: float = LEAD_LEVEL) -> float:
    """Factor for the lead that brings it to `level` over the rest; 1 where one of them is silent.

    Args:
        lead: [2, samples] at 48 kHz.
        rest: as many samples.
        level: in dB.
    """
    import numpy as np

    powers = [_powers(sound) for sound in (lead, rest)]
    sounds = powers[0] >= powers[0].max(initial=0.0) / 10 ** (SOUNDS / 10)
    ours, theirs = (float(power[sounds].sum()) for power in powers)
    if not (ours > 0 and theirs > 0):
        return 1.0
    decibels = level - 10 * float(np.log10(ours / theirs))
    return float(10 ** (min(max(decibels, -LARGEST), LARGEST) / 20))


def heard_power(sound: "NDArray[np.float32]") -> float:
    """K-weighted power of `[2, samples]` in the blocks of 0.4 s at most `SOUNDS` dB softer than the loudest."""
    powers = _powers(sound, every=2)  # half of them tell as much
    return float(powers[powers >= powers.max(initial=0.0) / 10 ** (SOUNDS / 10)].mean())


def _powers(sound: "NDArray[np.float32]", *, every: int = 1) -> "NDArray[np.float64]":
    """K-weighted power of both channels in blocks of 0.4 s: in all, or in one of `every`."""
    import numpy as np
    from scipy.fft import rfft

    from ...audio.loudness import HIGH_PASS, SHELF

    padded = np.pad(sound, ((0, 0), (0, max(_BLOCK - sound.shape[1], 0))))
    count = padded.shape[1] // _BLOCK
    blocks = padded[:, : count * _BLOCK].reshape(len(padded), count, _BLOCK)[:, ::every]
    # The window keeps bass from leaking into the treble that the weighting favours.
    spectra = rfft(blocks * np.hanning(_BLOCK).astype(np.float32), axis=2)
    energy = np.einsum("cbf,cbf->bf", spectra.real, spectra.real) + np.einsum("cbf,cbf->bf", spectra.imag, spectra.imag)
    turn = np.exp(-2j * np.pi * np.arange(energy.shape[1]) / _BLOCK)
    weight = np.ones(energy.shape[1])
    for above, below in (SHELF, HIGH_PASS):
        weight *= np.abs(np.polyval(above[::-1], turn) / np.polyval(below[::-1], turn)) ** 2
    return np.asarray(energy @ weight.astype(energy.dtype), dtype=np.float64)
