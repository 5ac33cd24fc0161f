"""Classifier two-sample test (Lopez-Paz & Oquab 2017, arXiv 1610.06545): can a net tell decoded from true excerpts?

    excerpts of some songs, true and decoded ──> a small net learns which is which
    excerpts of other songs                  ──> share that it names right: 50 % where it cannot tell, 100 % where
                                                 it always can

The net sees spectra at three resolutions, so that notes, noise and attacks may each give the decoder away. Levels do
not: every excerpt is brought to one level first.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mousai.evaluation.features.waveform import Array, mono
from mousai.evaluation.metrics.statistics import share_of

Excerpts = npt.NDArray[np.float32]
"""Excerpts `[songs, excerpts, samples]`, mono, each of root mean square 1."""

EXCERPT, PER_SONG = 16384, 16
"""Samples of an excerpt (0.34 s at 48 kHz), and excerpts of a song."""
WINDOWS = (2048, 512, 128)
"""Windows of the three spectra in samples; their hop is a half."""
RANGE = 70.0
"""Decibels below an excerpt's loudest bin that the net sees."""
HELD_OUT = 1 / 3
"""Share of the songs that the net is tested on."""
STEPS, PAIRS, LEARNING_RATE, WEIGHT_DECAY, DROPOUT = 300, 16, 2e-3, 0.02, 0.3
"""Training steps, pairs of a true and a decoded excerpt in each, and their usual companions."""

_STRIDES = {2048: (8, 1), 512: (8, 2), 128: (4, 4)}
"""Strides of the first convolution in frequency and time, by window: what is left has about the same size for all."""
_CHANNELS = (8, 16, 32)
_POOLED = 8  # bands that the last convolution's output is averaged to


def cut_excerpts(audio: Array, *, samples: int = EXCERPT, count: int = PER_SONG) -> Excerpts:
    """Excerpts `[count, samples]` of a song, mono, at even distances, each of root mean square 1 (silence stays 0).

    Raises:
        ValueError: the song is shorter than one excerpt.
    """
    sound = mono(audio)
    if sound.size < samples:
        raise ValueError(f"audio has {sound.size} samples; must be {samples} or more, the length of an excerpt")
    starts = np.linspace(0, sound.size - samples, count).round().astype(int)
    cut = np.stack([sound[start : start + samples] for start in starts]).astype(np.float32)
    level = np.sqrt(np.mean(cut**2, axis=1, keepdims=True))
    found: Excerpts = np.where(level > 1e-4, cut / np.maximum(level, 1e-4), 0.0).astype(np.float32)
    return found


def two_sample_test(
    true: Excerpts, decoded: Excerpts, *, seed: int = 0, steps: int = STEPS, windows: Sequence[int] = WINDOWS
) -> dict[str, Any]:
    """Share of true and decoded excerpts that a net names right, on songs that it did not learn from.

    The same seed gives the same songs held out, and on one machine the same figure. Excerpts of which one of the two is
    silent are left out.

    Args:
        true: excerpts of the originals, see `cut_excerpts`.
        decoded: the same excerpts after a decoder.
        seed: seed of the songs held out, the weights and the order.
        steps: training steps.
        windows: windows of the spectra that the net sees, of `WINDOWS`.

    Returns:
        `value`, Wilson's `interval`, `count` and `total` of the excerpts held out, both kinds counted; `songs` and
        `held_out`, numbers of songs.

    Raises:
        ValueError: the shapes differ, or there are fewer than three songs.
    """
    right, held_out = verdicts(true, decoded, seed=seed, steps=steps, windows=windows)
    return {**share_of(int(right.sum()), right.size), "songs": len(true), "held_out": held_out}


def verdicts(
    true: Excerpts, decoded: Excerpts, *, seed: int, steps: int, windows: Sequence[int]
) -> tuple[npt.NDArray[np.bool_], int]:
    """Whether each excerpt held out is named right `[excerpts, 2]`, and how many songs are held out."""
    import torch

    if true.shape != decoded.shape or true.ndim != 3 or len(true) < 3:
        raise ValueError(
            f"true and decoded have shapes {true.shape} and {decoded.shape}; must be one shape [songs, excerpts, "
            "samples] of three songs or more"
        )
    order = np.random.default_rng(seed).permutation(len(true))
    tested = max(round(HELD_OUT * len(true)), 1)
    learned_pairs, tested_pairs = (_pairs(true[songs], decoded[songs]) for songs in (order[tested:], order[:tested]))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        views = [_view(learned_pairs, window) for window in windows]
        net = _net(windows)
        scales = [(view.mean(dim=(0, 1, 3)), view.std(dim=(0, 1, 3)).clamp_min(1.0)) for view in views]
        _train(net, [_scaled(view, scale) for view, scale in zip(views, scales, strict=True)], steps)
        net.eval()
        with torch.no_grad():
            seen = [_view(tested_pairs, window) for window in windows]
            scores = _scores(net, [_scaled(view, scale) for view, scale in zip(seen, scales, strict=True)])
    # The first of a pair is true and should score below 0. A score of exactly 0 is a guess: right for one of the two.
    return np.stack([scores[:, 0] < 0, scores[:, 1] >= 0], axis=1), tested


def _pairs(true: Excerpts, decoded: Excerpts) -> Excerpts:
    """Pairs `[pairs, 2, samples]` of which neither is silent."""
    pairs = np.stack([true, decoded], axis=2).reshape(-1, 2, true.shape[-1])
    found: Excerpts = pairs[(pairs != 0).any(axis=2).all(axis=1)]
    if not len(found):
        raise ValueError("all excerpts are silent; give songs that sound")
    return found


def _view(pairs: Excerpts, window: int) -> Any:
    """Spectra `[pairs, 2, bins, frames]` in dB below each excerpt's loudest bin."""
    import torch

    shape = torch.hann_window(window)
    found = []
    for pair in torch.from_numpy(pairs):
        power = torch.stft(pair, window, window // 2, window=shape, return_complex=True).abs().square()
        power = power / power.amax(dim=(1, 2), keepdim=True)
        found.append((10 * power.clamp_min(10 ** (-RANGE / 10)).log10()).half())
    return torch.stack(found).float()


def _scaled(view: Any, scale: tuple[Any, Any]) -> Any:
    mean, deviation = scale
    return (view - mean[:, None]) / deviation[:, None]


def _net(windows: Sequence[int]) -> Any:
    """One branch of three convolutions for each window, averaged over time, then a linear map to one number."""
    from torch import nn

    branches = []
    for window in windows:
        strides = _STRIDES[window]
        first, second, third = _CHANNELS
        branches.append(
            nn.Sequential(
                nn.Conv2d(1, first, (strides[0] + 1, strides[1] + 2), strides, padding=(strides[0] // 2, 1)),
                nn.GELU(),
                nn.Conv2d(first, second, 3, 2, padding=1),
                nn.GELU(),
                nn.Conv2d(second, third, 3, 2, padding=1),
                nn.GELU(),
                nn.AdaptiveAvgPool2d((_POOLED, 1)),
                nn.Flatten(),
            )
        )
    last = nn.Sequential(nn.Dropout(DROPOUT), nn.Linear(len(windows) * _CHANNELS[-1] * _POOLED, 1))
    return nn.ModuleDict({"branches": nn.ModuleList(branches), "last": last})


def _forward(net: Any, views: Sequence[Any]) -> Any:
    """Log-odds `[excerpts]` of being decoded, of spectra `[excerpts, bins, frames]`."""
    import torch

    parts = [branch(view[:, None]) for branch, view in zip(net["branches"], views, strict=True)]
    return net["last"](torch.cat(parts, dim=1))[:, 0]


def _train(net: Any, views: Sequence[Any], steps: int) -> None:
    """Train on spectra `[pairs, 2, bins, frames]`: both of a pair are in one batch, so that the music says nothing."""
    import torch
    import torch.nn.functional as F

    optimizer = torch.optim.AdamW(net.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(steps, 1))
    count = len(views[0])
    labels = torch.tensor([0.0, 1.0]).repeat(min(PAIRS, count))
    order = torch.empty(0, dtype=torch.long)
    for _ in range(steps):
        if len(order) < min(PAIRS, count):
            order = torch.randperm(count)
        chosen, order = order[:PAIRS], order[PAIRS:]
        batch = [view[chosen].flatten(0, 1) for view in views]
        loss = F.binary_cross_entropy_with_logits(_forward(net, batch), labels[: 2 * len(chosen)])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()


def _scores(net: Any, views: Sequence[Any]) -> Array:
    """Log-odds `[pairs, 2]`."""
    import torch

    parts = [
        _forward(net, [view[first : first + PAIRS].flatten(0, 1) for view in views])
        for first in range(0, len(views[0]), PAIRS)
    ]
    found: Array = torch.cat(parts).view(-1, 2).numpy()
    return found
