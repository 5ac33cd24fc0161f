"""Synthetic audio for the tests of the evaluation."""

import numpy as np

RATE = 22050


def beat(seed: int, *, high: bool, seconds: float = 4.0) -> np.ndarray:
    """Noise bursts or plucked tones: two synthetic genres."""
    rng = np.random.default_rng(seed)
    sound = 0.005 * rng.standard_normal(round(seconds * RATE))
    length = RATE // 5
    fall = np.exp(-np.linspace(0, 5, length))
    pitch = rng.uniform(200, 400)
    for start in range(0, sound.size - length, round(RATE * rng.uniform(0.3, 0.6))):
        tone = np.sin(2 * np.pi * pitch * np.arange(length) / RATE)
        sound[start : start + length] += 0.15 * fall * (rng.standard_normal(length) if high else tone)
    return sound.astype(np.float32)


def tone(pitch: float, seconds: float, *, partials: int = 6) -> np.ndarray:
    """A note of a MIDI pitch that fades, with overtones that fall as 1/n."""
    time = np.arange(round(seconds * RATE)) / RATE
    frequency = 440.0 * 2 ** ((pitch - 69) / 12)
    sound = sum(np.sin(2 * np.pi * frequency * n * time) / n for n in range(1, partials + 1))
    return np.exp(-2.0 * time) * sound


def chords(progression: list[tuple[int, ...]], *, seconds: float = 1.0, times: int = 1) -> np.ndarray:
    """Chords of MIDI pitches one after the other, the first pitch of each doubled an octave below."""
    parts = [sum(tone(pitch, seconds) for pitch in (chord[0] - 12, *chord)) for chord in progression]
    sound = np.concatenate(parts * times)
    return (0.1 * sound).astype(np.float32)
