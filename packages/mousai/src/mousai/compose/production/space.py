"""Rooms, plates, halls and echoes, as impulse responses that a sound is convolved with."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..writing.tempo import TempoMap
from .config import Delay, Reverb
from .filters import RATE, Floats, Wave, kernel, low_pass

_LOWEST, _LOW, _HIGH = 180.0, 500.0, 4000.0
_LOW_DECAY = 1.1
_CROSSFADE = 240
"""Samples on both sides of a change of echoes in which the old and the new ones overlap: 5 ms."""
_EARLY = 0.03
"""Seconds before a beat at which its echoes begin to count, since players are not exact."""


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
    return _response(delay, [step * (index + 1) for index in range(_echo_count(delay))])


def echoes(sound: Wave, delay: Delay, tempo: TempoMap) -> Wave:
    """The echoes `[2, samples]` of a sound `[2, samples]`, on the beats of a tempo that changes.

    Where the tempo stays, this is `send` with `delay_response`. The echoes of what sounds in a beat come as many beats
    later as they should, each by the tempos in between.
    """
    samples = sound.shape[1]
    parts: list[tuple[int, list[int]]] = []  # first sample, places of the echoes after it
    for beat in range(math.ceil(tempo.beat_at(samples / RATE))):
        start = tempo.seconds(beat)
        echo_beats = (beat + delay.beats * (index + 1) for index in range(_echo_count(delay)))
        places = [round((tempo.seconds(echo) - start) * RATE) for echo in echo_beats]
        # Rounding may move an echo by a sample; that is no change of tempo.
        if not parts or any(abs(new - old) > 1 for new, old in zip(places, parts[-1][1], strict=True)):
            parts.append((round((start - _EARLY) * RATE), places))
    total = np.zeros((2, samples), dtype=np.float32)
    for number, (first, places) in enumerate(parts):
        last = parts[number + 1][0] if number + 1 < len(parts) else samples
        begin, end = max(first - _CROSSFADE, 0), min(last + _CROSSFADE, samples)
        rise = np.clip((np.arange(begin, end) - first + _CROSSFADE) / (2 * _CROSSFADE), 0.0, 1.0)
        rise = rise if number else np.ones_like(rise)
        fall = 1.0 - np.clip((np.arange(begin, end) - last + _CROSSFADE) / (2 * _CROSSFADE), 0.0, 1.0)
        fall = fall if last < samples else np.ones_like(fall)
        response = _response(delay, places)
        reach = min(end + response.shape[1], samples)
        part = np.zeros((2, reach - begin), dtype=np.float32)
        part[:, : end - begin] = sound[:, begin:end] * np.asarray(rise * fall, dtype=np.float32)
        total[:, begin:reach] += send(part, response)
    return total


def _echo_count(delay: Delay) -> int:
    return 1 if delay.feedback == 0 else 1 + int(np.log(0.02) / np.log(delay.feedback))  # down to -34 dB


def _response(delay: Delay, places: Sequence[int]) -> Floats:
    """Echoes at places in samples as an impulse response `[2, taps]`."""
    dull = kernel([low_pass(delay.damping)], 512)
    response = np.zeros((2, places[-1] + 512))
    echo = np.ones(1)
    for index, place in enumerate(places):
        echo = np.convolve(echo, dull)[:512]
        channels = (index % 2,) if delay.ping_pong else (0, 1)
        for channel in channels:
            response[channel, place : place + len(echo)] += delay.feedback**index * echo
    return response


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
