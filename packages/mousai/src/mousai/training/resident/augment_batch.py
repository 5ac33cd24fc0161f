"""Gain, equaliser and stereo width of a whole batch at random, on its device."""

import math

import torch
from torch import Tensor

from mousai.training.config import Augmentation

_POINTS = 7  # of the equaliser's curve, from 40 Hz to 20 kHz
_LOWEST, _HIGHEST = 40.0, 20000.0


def augment_batch(wave: Tensor, generator: torch.Generator, config: Augmentation, *, sample_rate: int) -> Tensor:
    """Change waveforms [B, C, T], each otherwise, as `mousai.training.data.augment` does, without room and speed.

    Args:
        wave: the waveforms.
        generator: generator of all that is drawn, on the device of `wave`.
        config: which changes, and how often.
        sample_rate: Hz.
    """
    batch, channels, length = wave.shape
    device = wave.device

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(batch, 1, 1, device=device, generator=generator)

    if channels == 2 and config.width:
        mid, side = wave.mean(dim=1, keepdim=True), (wave[:, :1] - wave[:, 1:]) / 2
        side = side * torch.where(uniform(0, 1) < 0.5, uniform(0, 1.4), 1.0)
        wave = torch.cat([mid + side, mid - side], dim=1)
    if config.equaliser:
        changed = (torch.rand(batch, 1, device=device, generator=generator) < config.equaliser).float()
        points = torch.randn(batch, _POINTS, device=device, generator=generator) * 4.5 * changed
        frequency = torch.fft.rfftfreq(length, 1 / sample_rate, device=device).clamp(min=_LOWEST)
        place = (frequency / _LOWEST).log() / math.log(_HIGHEST / _LOWEST) * (_POINTS - 1)
        place = place.clamp(max=_POINTS - 1.001)
        low = place.long()
        decibels = torch.lerp(points[:, low], points[:, low + 1], (place - low)[None])
        wave = torch.fft.irfft(torch.fft.rfft(wave) * 10 ** (decibels[:, None] / 20), n=length)
    if config.gain:
        wave = wave * 10 ** (uniform(-15, 6) / 20)
    return wave / (wave.abs().amax(dim=(1, 2), keepdim=True) / 0.99).clamp(min=1)
