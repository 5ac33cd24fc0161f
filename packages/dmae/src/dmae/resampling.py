"""Resampling by a whole factor, down and up: windowed-sinc interpolation."""

import math

import torch
from einops import rearrange
from torch import Tensor, nn

from dmae.precision import without_autocast

ROLLOFF = 0.99
"""Cut-off of the low-pass, as a share of half the lower rate."""
ZEROS = 6
"""Zero crossings of the sinc to each side."""


def _taps(offsets: Tensor) -> Tensor:
    """Low-pass at `offsets`, in samples of the lower rate: r sinc(r x) under a squared cosine that ends at ZEROS.

    Smith, "Digital audio resampling" (ccrma.stanford.edu/~jos/resample), with the defaults of torchaudio, which the
    authors' upsampler uses too.
    """
    x = (ROLLOFF * offsets).clamp(-ZEROS, ZEROS)
    return ROLLOFF * torch.sinc(x) * torch.cos(math.pi * x / (2 * ZEROS)).square()


def downsample(wave: Tensor, factor: int) -> Tensor:
    """Downsample [B, C, T] -> float32 [B, C, ceil(T / factor)].

    Sample i is at the time of sample i * factor of the input, which is taken as zero outside.

    Args:
        wave: waveform.
        factor: samples of the input per sample of the result.
    """
    field = math.ceil(factor * ZEROS / ROLLOFF)
    kernel = _taps(torch.arange(-field, field + 1, dtype=torch.float64) / factor) / factor
    flat = rearrange(wave, "b c t -> (b c) 1 t").float()
    flat = nn.functional.pad(flat, (field, field))
    with without_autocast(wave):
        low = nn.functional.conv1d(flat, kernel.to(flat)[None, None], stride=factor)
    return rearrange(low, "(b c) 1 t -> b c t", b=wave.shape[0])


def upsample(wave: Tensor, factor: int) -> Tensor:
    """Upsample [B, C, T] -> float32 [B, C, T * factor].

    Sample i * factor is at the time of sample i of the input, which is taken as zero outside.

    Args:
        wave: waveform.
        factor: samples of the result per sample of the input.
    """
    field = math.ceil(ZEROS / ROLLOFF)
    phases = torch.arange(factor, dtype=torch.float64) / factor
    kernel = _taps(torch.arange(-field, field + 1, dtype=torch.float64) - phases[:, None])
    flat = nn.functional.pad(rearrange(wave, "b c t -> (b c) 1 t").float(), (field, field))
    with without_autocast(wave):
        high = nn.functional.conv1d(flat, kernel.to(flat)[:, None])
    return rearrange(high, "(b c) p t -> b c (t p)", b=wave.shape[0])
