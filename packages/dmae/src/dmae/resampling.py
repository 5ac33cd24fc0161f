"""A waveform at a whole fraction of its rate, and back: windowed-sinc interpolation."""

import math

import torch
from einops import rearrange
from torch import Tensor, nn

from dmae.precision import without_autocast

ROLLOFF = 0.99
"""Where the low-pass ends, as a share of half the lower rate."""
ZEROS = 6
"""Zero crossings of the sinc to each side."""


def _taps(offsets: Tensor) -> Tensor:
    """The low-pass at `offsets`, in samples of the lower rate: r sinc(r x) under a squared cosine that ends at ZEROS.

    Smith, "Digital audio resampling" (ccrma.stanford.edu/~jos/resample), with torchaudio's default sizes, which the
    authors' upsampler has too.
    """
    x = (ROLLOFF * offsets).clamp(-ZEROS, ZEROS)
    return ROLLOFF * torch.sinc(x) * torch.cos(math.pi * x / (2 * ZEROS)).square()


def downsample(wave: Tensor, factor: int) -> Tensor:
    """[B, C, T] -> float32 [B, C, ceil(T / factor)]; sample i stands where sample i * factor stood, zeros beyond."""
    reach = math.ceil(factor * ZEROS / ROLLOFF)
    kernel = _taps(torch.arange(-reach, reach + 1, dtype=torch.float64) / factor) / factor
    flat = rearrange(wave, "b c t -> (b c) 1 t").float()
    flat = nn.functional.pad(flat, (reach, reach))
    with without_autocast(wave):
        low = nn.functional.conv1d(flat, kernel.to(flat)[None, None], stride=factor)
    return rearrange(low, "(b c) 1 t -> b c t", b=wave.shape[0])


def upsample(wave: Tensor, factor: int) -> Tensor:
    """[B, C, T] -> float32 [B, C, T * factor]; sample i * factor stands where sample i stood, zeros beyond."""
    reach = math.ceil(ZEROS / ROLLOFF)
    phases = torch.arange(factor, dtype=torch.float64) / factor
    kernel = _taps(torch.arange(-reach, reach + 1, dtype=torch.float64) - phases[:, None])
    flat = nn.functional.pad(rearrange(wave, "b c t -> (b c) 1 t").float(), (reach, reach))
    with without_autocast(wave):
        high = nn.functional.conv1d(flat, kernel.to(flat)[:, None])
    return rearrange(high, "(b c) p t -> b c (t p)", b=wave.shape[0])
