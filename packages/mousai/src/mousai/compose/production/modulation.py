"""Sound read at a moving place: chorus, and the wow and flutter of tape."""

import numpy as np

from .config import Chorus, Tape
from .filters import RATE, Floats, Wave


def read_at(sound: Wave, places: Floats) -> Wave:
    """Sound `[channels, samples]` at fractional places in samples, by the cubic through four neighbours.

    Before its start and after its end there is silence.
    """
    whole = np.floor(places).astype(np.int64)
    x = (places - whole).astype(np.float32)
    padded = np.pad(sound, ((0, 0), (2, 3)))
    index = np.clip(whole + 2, 1, padded.shape[1] - 3)
    a, b, c, d = (padded[:, index + shift] for shift in (-1, 0, 1, 2))
    # Catmull and Rom's spline: through the samples, with the slope of their neighbours.
    return np.asarray(
        b + 0.5 * x * (c - a + x * (2 * a - 5 * b + 4 * c - d + x * (3 * (b - c) + d - a))), dtype=np.float32
    )


def chorus(sound: Wave, settings: Chorus) -> Wave:
    """Sound `[2, samples]` with two moving copies of itself, one to each side, at the level that it had."""
    samples = np.arange(sound.shape[1], dtype=np.float64)
    wet = np.empty_like(sound)
    for channel in range(2):
        swing = np.sin(2 * np.pi * settings.rate * samples / RATE + np.pi / 2 * channel)
        places = samples - RATE * (settings.delay + settings.depth * swing)
        wet[channel] = read_at(sound[channel : channel + 1], places)[0]
    mixed = np.float32(1 - settings.mix) * sound + np.float32(settings.mix) * wet
    return np.asarray(mixed / np.float32(np.hypot(1 - settings.mix, settings.mix)), dtype=np.float32)


def tape_places(settings: Tape, samples: int, phases: tuple[float, float]) -> Floats:
    """Positions at which tape reads each of its samples: around its own place, swinging with mean zero."""
    times = np.arange(samples) / RATE
    moved = np.zeros(samples)
    for bend, rate, phase in (
        (settings.wow, settings.wow_rate, phases[0]),
        (settings.flutter, settings.flutter_rate, phases[1]),
    ):
        moved += bend / (2 * np.pi * rate) * np.sin(2 * np.pi * rate * times + phase)
    return np.asarray(np.arange(samples) + RATE * moved)
