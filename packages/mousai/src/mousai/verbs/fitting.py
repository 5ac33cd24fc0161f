"""Fitting: a loop of nearly the right length brought to exactly that length, still a loop.

within 5 cents   spectrum of the whole circle, cut or continued with zeros     the pitch moves by those cents
further away     a few short jumps where the music resembles itself most       the pitch stays
"""

import math

import torch
from torch import Tensor

MOST_CENTS = 5.0
"""Largest change of pitch by resampling; trained listeners hear 5 to 6 cents at best."""
JUMP = 480
"""Samples of a usual jump: 10 ms at 48 kHz, so that no beat is further from its place."""
FADE = 1024
"""Samples of the cross-fade over a jump, and of what must resemble each other there."""


def fit_circle(wave: Tensor, samples: int) -> tuple[Tensor, float]:
    """Bring a loop to a length.

    Args:
        wave: waveform [B, C, T], whose end is followed by its start.
        samples: samples wanted, within a quarter of T.

    Returns:
        The waveform [B, C, samples], and by how many cents its pitch has risen.

    Raises:
        ValueError: the length is too far away, or the loop too short for jumps.
    """
    rise = cents(wave.shape[-1], samples)
    if abs(rise) <= MOST_CENTS:
        return resampled_circle(wave, samples), rise
    return torch.stack([_jumped(one, samples) for one in wave]), 0.0


def cents(samples: int, wanted: int) -> float:
    """Return by how many cents the pitch rises where so many samples are resampled to the wanted number."""
    return 1200 * math.log2(samples / wanted)


def resampled_circle(wave: Tensor, samples: int) -> Tensor:
    """Resample a loop [B, C, T] to [B, C, samples], exactly: a circle's spectrum has one line for each number of turns.

    Lines that the shorter of the two cannot hold are left out.
    """
    length = wave.shape[-1]
    if length == samples:
        return wave
    lines = torch.fft.rfft(wave.double())
    shared = (min(length, samples) - 1) // 2 + 1  # below the middle, where positive and negative turns are one
    kept = torch.zeros(*wave.shape[:-1], samples // 2 + 1, dtype=lines.dtype, device=wave.device)
    kept[..., :shared] = lines[..., :shared]
    resampled: Tensor = torch.fft.irfft(kept, n=samples) * (samples / length)
    return resampled.to(wave.dtype)


def _jumped(wave: Tensor, samples: int) -> Tensor:
    """Loop [C, T] made [C, samples] by leaving out, or repeating, some milliseconds in several places.

    The circle is parted into as many stretches as there are jumps. In each the place and the jump are taken at which
    what is left and what follows are most alike (normalised correlation); the last jump is what remains.
    """
    length = wave.shape[-1]
    left = length - samples  # to be left out; negative: to be repeated
    count = max(1, math.ceil(abs(left) / JUMP))
    widest = 2 * JUMP + FADE  # how far a jump reads beyond its stretch
    stretch = (length - 2 * widest) // count
    if abs(left) > length // 4 or stretch < FADE:
        raise ValueError(f"samples={samples}: too far from a loop of {length} samples")
    parts, begin = [], 0
    for number in range(count):
        first = widest + number * stretch
        place, jump = _most_alike(wave, first, first + stretch, left / (count - number), final=number + 1 == count)
        parts.append(wave[:, begin : place - FADE])
        rise = torch.sin((torch.arange(FADE, device=wave.device) + 0.5) * (math.pi / 2 / FADE)).square()
        parts.append(torch.lerp(wave[:, place - FADE : place], wave[:, place - FADE + jump : place + jump], rise))
        begin, left = place + jump, left - jump
    return torch.cat([*parts, wave[:, begin:]], dim=1)


def _most_alike(wave: Tensor, first: int, last: int, wanted: float, *, final: bool) -> tuple[int, int]:
    """Place in first..last, and jump of about the wanted one, whose two sides are most alike."""
    jumps = [round(wanted)] if final else sorted({round(wanted * (0.5 + k / 32)) for k in range(33)})
    best, found = -2.0, (last, round(wanted))
    for jump in jumps:
        here = wave[:, first - FADE : last].double()
        there = wave[:, first - FADE + jump : last + jump].double()
        products = torch.stack([here * there, here.square(), there.square()]).sum(1)
        sums = torch.nn.functional.pad(products.cumsum(-1), (1, 0))
        both, one, other = sums[:, FADE:] - sums[:, :-FADE]
        alike = both / (one * other).clamp_min(1e-12).sqrt()
        place = int(alike.argmax())
        if float(alike[place]) > best:
            best, found = float(alike[place]), (first + place, jump)
    return found
