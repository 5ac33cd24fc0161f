"""The noise of a record: hiss, rumble and crackles."""

import numpy as np

from .config import Vinyl
from .filters import RATE, Wave, convolve, high_pass, kernel, low_pass


def vinyl_noise(settings: Vinyl, samples: int, rng: np.random.Generator) -> Wave:
    """Noise `[2, samples]` of RMS 1: hiss that is equally loud on both sides, and crackles in the middle."""
    hiss = rng.standard_normal((2, samples), dtype=np.float32) * np.float32(0.3)
    hiss += rng.standard_normal(samples, dtype=np.float32) * np.float32(0.3)
    places = rng.integers(0, samples, rng.poisson(settings.crackles * samples / RATE))
    sizes = rng.exponential(12.0, len(places)) * rng.choice((-1.0, 1.0), len(places))
    clicks = np.zeros(samples, dtype=np.float32)
    np.add.at(clicks, places, sizes.astype(np.float32))
    taps = kernel([high_pass(90.0), low_pass(6500.0)], 2048)
    noise = convolve(hiss + clicks, taps)
    return noise / np.float32(max(float(np.sqrt(np.mean(noise**2))), 1e-9))
