"""First estimate of a waveform from predicted magnitudes: phases of the notes, then Griffin-Lim."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from dmae.phase.griffin_lim import Start, griffin_lim, griffin_lim_spectrum
from dmae.phase.noise_phases import noise_phases
from dmae.phase.spsi import as_spectrum, spsi

BASS = 8
"""The bass is what lies below the highest frequency divided by this: 3 kHz at 48 kHz, where the notes are."""
BASS_BORDER = 1 / 16
"""Part of the bass at its upper end whose phases are not kept, since the waveform ends there."""
SMALLEST_WINDOW = 64
"""Samples of a window of the bass; where it would be shorter, the bass gets no iterations of its own."""
BASS_SHARE, FULL_SHARE = 3 / 4, 1 / 16
"""Iterations of the bass and of everything, of those that are asked for. Together they bring the waveform as near as so
many iterations of everything do, at a quarter of the cost (experiments/2026-11-speed.md)."""


def initial_estimate(
    magnitudes: Tensor,
    first: Tensor,
    *,
    window: Tensor,
    hop_length: int,
    length: int,
    iterations: int,
    position: int = 0,
    circular: bool = False,
) -> tuple[Tensor, Tensor]:
    """Find a waveform for magnitudes, and return the phases of the notes that it started from.

        bass          single pass ── Griffin-Lim at an eighth of the rate ──> phases ──┐
                                                                                       ├── Griffin-Lim ──> waveform
        all above     phases of noise ─────────────────────────────────────────────────┘

    Above the bass the bands of the magnitudes are too wide to hold partials. A single pass finds one phase for a whole
    band there, which is a click in every frame; from independent phases a few iterations come nearer.

    Args:
        magnitudes: magnitudes of the spectrum [B, C, bins, frames].
        first: phases of the first frame [B, C, bins], at least those of the bass.
        window: window of a frame [n_fft].
        hop_length: samples from one frame to the next.
        length: samples of the waveform.
        iterations: iterations of Griffin-Lim whose result is wanted, 1 or more; 32 are done as 24 in the bass and 2
            over everything, which come as near. All are done, from a single pass of everything, where the window is too
            short for a bass of its own.
        position: number of the first frame in its piece, so that windows of it start from the same noise.
        circular: whether the waveform is a circle, see `griffin_lim` and `spsi`.

    Returns:
        The waveform [B, C, length], and the phases of the single pass at the middle of the frames [B, C, bins, frames],
        or of the bins of the bass. A spectrum that goes on can start from the phases of one of these frames.
    """
    if len(window) // BASS < SMALLEST_WINDOW or len(window) % (2 * BASS) or hop_length % BASS or length % BASS:
        phases = _single_pass(magnitudes, first, hop_length, circular)
        start: Start = as_spectrum(phases)
    else:
        bins = len(window) // (2 * BASS)
        bass = magnitudes[..., : bins + 1, :]  # the spectrum of a waveform at an eighth of the rate, in the same frames
        phases = _single_pass(bass, first[..., : bins + 1], hop_length // BASS, circular)
        # An iteration costs an eighth of one of everything. The notes lie there and need the most iterations.
        settled = griffin_lim_spectrum(
            bass,
            as_spectrum(phases),
            window=window[::BASS],
            hop_length=hop_length // BASS,
            length=length // BASS,
            iterations=math.ceil(BASS_SHARE * iterations),
            circular=circular,
        )
        kept = bins - round(BASS_BORDER * bins)

        def start(block: slice) -> Tensor:
            shape = (*magnitudes.shape[:-1], block.stop - block.start)
            part = noise_phases(shape, position=position + block.start).to(magnitudes.device)
            part[..., :kept, :] = settled[..., :kept, block]
            return part

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


def _single_pass(magnitudes: Tensor, first: Tensor, hop_length: int, circular: bool) -> Tensor:
    phases = spsi(magnitudes.flatten(0, 1), first.flatten(0, 1), hop_length=hop_length, circular=circular)
    return phases.view_as(magnitudes)


def random_phases(like: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
    """Random phases in [0, 2 pi) of the shape of `like` [B, ...], item i from CPU generator i in float64.

    With equal phases everywhere the first frame would be a click.
    """
    drawn = [
        torch.rand(like.shape[1:], generator=generator, dtype=torch.float64, device="cpu") for generator in generators
    ]
    return (2 * math.pi * torch.stack(drawn)).to(like)
