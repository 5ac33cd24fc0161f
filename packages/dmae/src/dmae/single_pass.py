"""Phases for predicted magnitudes in a single pass over the frames, for Griffin-Lim to begin with."""

import math

import torch
from torch import Tensor

BLOCK = 64
"""Frames whose peaks are looked for at once: what is found of them stays in the cache."""


def single_pass_phases(magnitudes: Tensor, first: Tensor, *, hop_length: int) -> Tensor:
    """Find the phases of partials that turn on at their own frequencies (Beauregard, Harish & Wyse, DSP 2015).

        frame ── local maxima, each with a parabola through its log ──> frequencies of the partials
              ── phases at the maxima one frame before + 2 pi frequency hop ──> theirs now
              ── every bin takes that of the maximum nearest to it ──> phases of the frame

    Griffin-Lim from noise has to find out which bins belong together and how they go on. From here it knows, so that a
    few iterations do for what hundreds would otherwise: notes that hold their pitch.

    Args:
        magnitudes: of short-time spectra [N, bins, frames]; bins = n_fft / 2 + 1.
        first: phases of the first frame [N, bins], any; where a spectrum goes on that was begun elsewhere, its own.
        hop_length: samples from one frame to the next.

    Returns:
        Phases at the middle of the frames [N, bins, frames]; the first frame's are `first`.

    Raises:
        ValueError: the shapes do not fit; names both.
    """
    if magnitudes.ndim != 3 or first.shape != magnitudes.shape[:2]:
        raise ValueError(
            f"magnitudes, first: expected [N, bins, frames] and [N, bins], got {list(magnitudes.shape)} and "
            f"{list(first.shape)}"
        )
    phases = torch.empty_like(magnitudes)
    phases[..., 0] = now = first.to(magnitudes)
    for begin in range(1, magnitudes.shape[-1], BLOCK):
        step, nearest = _partials(magnitudes[..., begin : begin + BLOCK], hop_length)
        for frame in range(step.shape[0]):
            now = (now + step[frame]).gather(1, nearest[frame]).remainder_(2 * math.pi)
            phases[..., begin + frame] = now
    return phases


def as_spectrum(phases: Tensor) -> Tensor:
    """Phases at the middle of frames [..., bins, frames] -> numbers of magnitude 1, as `torch.stft` counts phases.

    It counts from the beginning of a frame, half a window earlier: every other bin is turned by half a turn.
    """
    signs = torch.ones(phases.shape[-2], 1, device=phases.device)
    signs[1::2] = -1
    return torch.polar(torch.ones_like(phases), phases) * signs


def _partials(magnitudes: Tensor, hop_length: int) -> tuple[Tensor, Tensor]:
    """Magnitudes [N, bins, frames] -> how far each bin's phase goes on, its nearest maximum [frames, N, bins]."""
    logs = magnitudes.clamp_min(1e-9).log().permute(2, 0, 1)
    bins = torch.arange(logs.shape[-1], device=logs.device)
    below, here, above = logs[..., :-2], logs[..., 1:-1], logs[..., 2:]
    peak = torch.zeros_like(logs, dtype=torch.bool)
    peak[..., 1:-1] = (here > below) & (here >= above)
    beside = torch.zeros_like(logs)
    beside[..., 1:-1] = (0.5 * (below - above) / (below - 2 * here + above).clamp_max(-1e-6)).clamp(-0.5, 0.5)
    step = (bins + beside) * (math.pi * hop_length / (logs.shape[-1] - 1))  # 2 pi hop / n_fft
    far = 2 * logs.shape[-1]
    left = torch.where(peak, bins, -far).cummax(-1).values
    right = torch.where(peak, bins, far).flip(-1).cummin(-1).values.flip(-1)
    nearest = torch.where(bins - left <= right - bins, left, right)
    return step, torch.where(peak.any(-1, keepdim=True), nearest, bins)
