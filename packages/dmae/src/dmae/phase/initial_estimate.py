"""First estimate of a waveform from predicted magnitudes: single pass inversion, then Griffin-Lim."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from dmae.phase.griffin_lim import griffin_lim, griffin_lim_spectrum
from dmae.phase.spsi import as_spectrum, spsi

BASS = 8
"""The bass is what lies below the highest frequency divided by this: 3 kHz at 48 kHz, where the notes are."""
BASS_BORDER = 1 / 16
"""Part of the bass at its upper end whose phases are not kept, since the waveform ends there."""
SMALLEST_WINDOW = 64
"""Samples of a window of the bass; where it would be shorter, the bass gets no iterations of its own."""
BASS_SHARE, FULL_SHARE = 3 / 4, 3 / 16
"""Iterations of the bass and of everything, of those that are asked for. Together they bring the waveform as near as so
many iterations of everything do, at less than half the cost (experiments/2026-11-speed.md)."""


def initial_estimate(
    magnitudes: Tensor,
    first: Tensor,
    *,
    window: Tensor,
    hop_length: int,
    length: int,
    iterations: int,
    circular: bool = False,
) -> tuple[Tensor, Tensor]:
    """Find a waveform for magnitudes, and return the phases that it started from.

    Args:
        magnitudes: magnitudes of the spectrum [B, C, bins, frames].
        first: phases of the first frame [B, C, bins].
        window: window of a frame [n_fft].
        hop_length: samples from one frame to the next.
        length: samples of the waveform.
        iterations: iterations of Griffin-Lim whose result is wanted, 1 or more; 32 are done as 24 in the bass and 6
            over everything, which come as near. All are done where the window is too short for a bass of its own.
        circular: whether the waveform is a circle, see `griffin_lim` and `spsi`.

    Returns:
        The waveform [B, C, length], and the phases of the single pass at the middle of the frames [B, C, bins, frames].
        A spectrum that goes on can start from the phases of one of these frames.
    """
    phases = spsi(magnitudes.flatten(0, 1), first.flatten(0, 1), hop_length=hop_length, circular=circular)
    phases = phases.view_as(magnitudes)
    start = as_spectrum(phases)
    if not (len(window) // BASS < SMALLEST_WINDOW or len(window) % (2 * BASS) or hop_length % BASS or length % BASS):
        settle_bass(magnitudes, start, window, hop_length, length, math.ceil(BASS_SHARE * iterations), circular)
        iterations = math.ceil(FULL_SHARE * iterations)
    wave = griffin_lim(
        magnitudes,
        start,
        window=window,
        hop_length=hop_length,
        length=length,
        iterations=iterations,
        make_up=True,
        circular=circular,
    )
    return wave, phases


def settle_bass(
    magnitudes: Tensor, start: Tensor, window: Tensor, hop_length: int, length: int, iterations: int, circular: bool
) -> None:
    """Replace the phases of the bass in `start` by those that Griffin-Lim finds for the bass alone.

        bins of the bass ── spectrum of a waveform at an eighth of the rate, same frames ── Griffin-Lim ──> their phases

    An iteration costs an eighth of one of everything. The notes lie there and need the most iterations; above it the
    bands of the magnitudes are so wide that more iterations change little.

    Args:
        magnitudes: as in `initial_estimate` [..., bins, frames].
        start: complex spectrum of the same shape; changed in place.
        window: window of a frame [n_fft]; every eighth sample is that of the bass.
        hop_length: samples from one frame to the next, a multiple of 8.
        length: samples of the waveform, a multiple of 8.
        iterations: iterations of Griffin-Lim.
        circular: whether the waveform is a circle.
    """
    bins = len(window) // (2 * BASS)
    bass = griffin_lim_spectrum(
        magnitudes[..., : bins + 1, :],
        start[..., : bins + 1, :],
        window=window[::BASS],
        hop_length=hop_length // BASS,
        length=length // BASS,
        iterations=iterations,
        circular=circular,
    )
    kept = bins - round(BASS_BORDER * bins)
    start[..., :kept, :] = bass[..., :kept, :]


def random_phases(like: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
    """Random phases in [0, 2 pi) of the shape of `like` [B, ...], item i from CPU generator i in float64.

    With equal phases everywhere the first frame would be a click.
    """
    drawn = [
        torch.rand(like.shape[1:], generator=generator, dtype=torch.float64, device="cpu") for generator in generators
    ]
    return (2 * math.pi * torch.stack(drawn)).to(like)
