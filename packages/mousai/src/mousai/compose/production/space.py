"""Rooms, plates, halls and echoes, as impulse responses that a sound is convolved with."""

import numpy as np
import numpy.typing as npt

from .config import Delay, Reverb
from .filters import RATE, Floats, Wave, kernel, low_pass

_LOWEST, _LOW, _HIGH = 180.0, 500.0, 4000.0
_LOW_DECAY = 1.1


def reverb_response(reverb: Reverb, rng: np.random.Generator) -> Floats:
    """The impulse response of a space, `[2, taps]`, of unit energy in each channel.

    Noise that decays exponentially in three bands, each channel its own; below 180 Hz there is nothing, so that basses
    stay clear. A room has six early reflections and a hall twelve; the tail of a hall rises for 30 ms; a plate is dense
    from the start.

    Args:
        reverb: the space.
        rng: source of the noise.
    """
    taps = round(RATE * (reverb.decay * 1.1 + reverb.predelay)) + 1
    start = round(RATE * reverb.predelay)
    times = np.arange(taps - start) / RATE
    spectrum = np.fft.rfft(rng.standard_normal((2, len(times))), axis=1)
    frequencies = np.fft.rfftfreq(len(times), 1 / RATE)
    low = _step(frequencies, _LOW)
    high = 1 - _step(frequencies, _HIGH)
    tail = np.zeros((2, len(times)))
    for band, share in ((low, _LOW_DECAY), (1 - low - high, 1.0), (high, reverb.damping)):
        shaped = spectrum * band * (1 - _step(frequencies, _LOWEST))
        tail += np.fft.irfft(shaped, len(times), axis=1) * 10 ** (-3 * times / (share * reverb.decay))
    if reverb.space == "hall":
        tail *= np.minimum(times / 0.03, 1.0)
    response = np.zeros((2, taps))
    response[:, start:] = tail / np.sqrt((tail**2).sum(axis=1, keepdims=True))
    count = {"room": 6, "plate": 0, "hall": 12}[reverb.space]
    reach = {"room": 0.03, "plate": 0.0, "hall": 0.08}[reverb.space]
    for channel in range(2):
        places = start + np.minimum((rng.uniform(0.05, 1.0, count) * reach * RATE).astype(int), taps - start - 1)
        signs = rng.choice((-1.0, 1.0), count)
        response[channel, places] += signs * 0.25 * 10 ** (-0.5 * (places - start) / (reach * RATE + 1))
    return np.asarray(response / np.sqrt((response**2).sum(axis=1, keepdims=True)))


def _step(frequencies: npt.NDArray[np.floating], edge: float) -> Floats:
    """1 below an edge and 0 above it, crossing within an octave."""
    octaves = np.log2(np.maximum(frequencies, 1.0) / edge)
    return np.asarray(0.5 - 0.5 * np.sin(np.pi * np.clip(octaves, -0.5, 0.5)))


def delay_response(delay: Delay, seconds_per_beat: float) -> Floats:
    """Echoes as an impulse response `[2, taps]`: the first of level 1, in tempo, each duller than the one before.

    With `ping_pong` they sound from the left and from the right in turn.
    """
    step = round(delay.beats * seconds_per_beat * RATE)
    count = 1 if delay.feedback == 0 else 1 + int(np.log(0.02) / np.log(delay.feedback))  # down to -34 dB
    dull = kernel([low_pass(delay.damping)], 512)
    response = np.zeros((2, step * count + 512 * count))
    echo = np.ones(1)
    for index in range(count):
        echo = np.convolve(echo, dull)[:512]
        channels = (index % 2,) if delay.ping_pong else (0, 1)
        for channel in channels:
            place = step * (index + 1)
            response[channel, place : place + len(echo)] += delay.feedback**index * echo
    return response[:, : step * count + 512]


def send_response(reverb: Floats | None, delay: Floats | None) -> Floats | None:
    """The sum of two impulse responses, each already at its level."""
    if reverb is None or delay is None:
        return reverb if delay is None else delay
    total = np.zeros((2, max(reverb.shape[1], delay.shape[1])))
    total[:, : reverb.shape[1]] += reverb
    total[:, : delay.shape[1]] += delay
    return total


def send(sound: Wave, response: Floats) -> Wave:
    """The middle of a sound `[2, samples]` convolved with a response `[2, taps]`, cut to the length of the sound."""
    from scipy.signal import oaconvolve

    samples = sound.shape[1]
    middle = sound.mean(axis=0, keepdims=True)
    taps = response[:, :samples].astype(np.float32)
    return np.asarray(oaconvolve(middle, taps, axes=1)[:, :samples], dtype=np.float32)
