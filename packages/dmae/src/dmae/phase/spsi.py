"""Single pass spectrogram inversion: the phases that Griffin-Lim starts from."""

import math

import torch
from torch import Tensor

BLOCK = 64
"""Frames whose peaks are searched at once, few enough to stay in the cache."""


def spsi(magnitudes: Tensor, first: Tensor, *, hop_length: int, circular: bool = False) -> Tensor:
    """Single pass spectrogram inversion (Beauregard, Harish & Wyse, DAFx 2015): phases for magnitudes.

        frame ── local maxima, refined by a parabola through the log-magnitudes ──> frequencies of the partials
              ── phase of the maximum in the frame before + 2 pi frequency hop ──> its phase in this frame
              ── every bin takes the phase of the nearest maximum ──> phases of the frame

    Every partial advances at its own frequency, so notes hold their pitch. From here a few iterations of Griffin-Lim do
    what takes hundreds from random phases.

    Args:
        magnitudes: magnitudes of short-time spectra [N, bins, frames]; bins = n_fft / 2 + 1.
        first: phases of the first frame [N, bins]: any, or those that an earlier call found for this frame.
        hop_length: samples from one frame to the next.
        circular: whether the last frame is followed by the first. Every bin is then tuned by less than half a turn over
            the whole circle, so that its phase closes; all bins of a partial begin alike.

    Returns:
        Phases at the middle of the frames [N, bins, frames]; those of the first frame are `first`, on a circle that of
        the nearest maximum.

    Raises:
        ValueError: the shapes do not fit; names both.
    """
    if magnitudes.ndim != 3 or first.shape != magnitudes.shape[:2]:
        raise ValueError(
            f"magnitudes, first: expected [N, bins, frames] and [N, bins], got {list(magnitudes.shape)} and "
            f"{list(first.shape)}"
        )
    if circular:
        _, nearest = _partials(magnitudes[..., :1], hop_length)
        first = first.to(magnitudes).gather(1, nearest[0])
        around = torch.cat([magnitudes, magnitudes[..., :1]], dim=-1)
        phases = spsi(around, first, hop_length=hop_length)
        missing = torch.remainder(first - phases[..., -1] + math.pi, 2 * math.pi) - math.pi
        share = torch.arange(magnitudes.shape[-1], device=magnitudes.device) / magnitudes.shape[-1]
        return phases[..., :-1] + missing[..., None] * share
    phases = torch.empty_like(magnitudes)
    phases[..., 0] = now = first.to(magnitudes)
    for begin in range(1, magnitudes.shape[-1], BLOCK):
        step, nearest = _partials(magnitudes[..., begin : begin + BLOCK], hop_length)
        found = torch.empty_like(step)
        for advance, maximum, frame in zip(step.unbind(), nearest.unbind(), found.unbind(), strict=True):
            now = torch.gather(now + advance, 1, maximum, out=frame).remainder_(2 * math.pi)
        phases[..., begin : begin + len(found)] = found.permute(1, 2, 0)
    return phases


def as_spectrum(phases: Tensor) -> Tensor:
    """Phases at the middle of frames [..., bins, frames] -> spectrum of magnitude 1, with the phases of `torch.stft`.

    `torch.stft` measures phases at the beginning of a frame, half a window earlier, so every other bin changes sign.
    """
    signs = torch.ones(phases.shape[-2], 1, device=phases.device, dtype=phases.dtype)
    signs[1::2] = -1
    # Sine and cosine one after the other, which are vectorised where `torch.polar` is not.
    return torch.view_as_complex(torch.stack([phases.cos() * signs, phases.sin() * signs], dim=-1))


def _partials(magnitudes: Tensor, hop_length: int) -> tuple[Tensor, Tensor]:
    """Magnitudes [N, bins, frames] -> phase advance of each bin and its nearest maximum, both [frames, N, bins]."""
    logs = magnitudes.permute(2, 0, 1).contiguous().clamp_min(1e-9).log_()
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
