"""Phases for predicted magnitudes: the fast Griffin-Lim algorithm."""

from collections.abc import Callable

import torch
from torch import Tensor


def griffin_lim(
    magnitudes: Tensor,
    start: Tensor,
    *,
    iterations: int,
    to_spectrum: Callable[[Tensor], Tensor],
    to_waveform: Callable[[Tensor], Tensor],
    momentum: float = 0.99,
) -> Tensor:
    """Find a waveform whose spectrum has given magnitudes, nearly; return it.

        start's phase ── magnitudes ──> waveform ──> spectrum ── its phase, moved on by momentum ── magnitudes ──> ...

    Griffin & Lim (1984), accelerated as by Perraudin, Balazs & Sondergaard (2013).

    Args:
        magnitudes: of the spectrum [..., bins, frames].
        start: complex spectrum of the same shape, whose phases are begun with.
        iterations: 1 or more.
        to_spectrum: waveform -> complex spectrum.
        to_waveform: complex spectrum -> the waveform nearest to it.
        momentum: 0 is the plain algorithm.

    Raises:
        ValueError: `iterations` is below 1.
    """
    if iterations < 1:
        raise ValueError(f"iterations={iterations}: must be 1 or more")
    spectrum = _with_magnitude(start, magnitudes)
    previous: Tensor | None = None
    for _ in range(iterations):
        wave = to_waveform(spectrum)
        consistent = to_spectrum(wave)
        ahead = consistent if previous is None else consistent + momentum * (consistent - previous)
        previous = consistent
        spectrum = _with_magnitude(ahead, magnitudes)
    return to_waveform(spectrum)


def _with_magnitude(spectrum: Tensor, magnitudes: Tensor) -> Tensor:
    power = spectrum.real.square() + spectrum.imag.square()
    return spectrum * (magnitudes * torch.rsqrt(power + 1e-20))
