"""First estimate of a waveform from predicted magnitudes: single pass inversion, then Griffin-Lim."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from dmae.phase.griffin_lim import griffin_lim
from dmae.phase.spsi import as_spectrum, spsi


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
        iterations: iterations of Griffin-Lim, 1 or more.
        circular: whether the waveform is a circle, see `griffin_lim` and `spsi`.

    Returns:
        The waveform [B, C, length], and the phases of the single pass at the middle of the frames [B, C, bins, frames].
        A spectrum that goes on can start from the phases of one of these frames.
    """
    phases = spsi(magnitudes.flatten(0, 1), first.flatten(0, 1), hop_length=hop_length, circular=circular)
    phases = phases.view_as(magnitudes)
    wave = griffin_lim(
        magnitudes,
        as_spectrum(phases),
        window=window,
        hop_length=hop_length,
        length=length,
        iterations=iterations,
        circular=circular,
    )
    return wave, phases


def random_phases(like: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
    """Random phases in [0, 2 pi) of the shape of `like` [B, ...], item i from CPU generator i in float64.

    With equal phases everywhere the first frame would be a click.
    """
    drawn = [
        torch.rand(like.shape[1:], generator=generator, dtype=torch.float64, device="cpu") for generator in generators
    ]
    return (2 * math.pi * torch.stack(drawn)).to(like)
