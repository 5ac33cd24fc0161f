"""A judge that hears how a spectrum goes on in time: a small convolutional net over log-mel pictures.

    [bands, frames] ──> every 2 frames of 4 ──> layers x (normalised, wider and wider steps in time, added) ──> mean and
        deviation over time ──> names

What a melody is played on is told by how its notes begin and fade while others sound; numbers that sum up a followed
pitch, which the judges before this one went by, lose that as soon as another pitch is followed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from mousai.evaluation.naming import NamingJudge, clipped
from mousai.evaluation.sound import Array

WIDTH, STEPS_IN_TIME = 128, (1, 1, 2, 4)
"""Channels, and how far apart in frames the taps of every layer lie."""
GROUPS = 8
PASSES, BATCH, RATE, DECAY = 36, 48, 2e-3, 0.05
CROP = 0.75
"""Of every piece as much as this is heard at a time, from anywhere."""
INPUT_DROP, DROP, LAST_DROP, SMOOTHING = 0.1, 0.1, 0.3, 0.1
NOISE, TILT, BLUR = 0.7, 0.5, 1.5
"""What is learned from is made worse at random, so that the music counts and not how clean it is: the standard
deviations of noise and of what is added to whole bands, in those of the pictures, and of the blur in time, in frames,
are at most these."""


@dataclass(frozen=True)
class ConvolutionalJudge(NamingJudge):
    """Names what a picture `[bands, frames]` is heard as.

    `mean` and `scale` are `[bands, 1]`.

    Args:
        first: weights of the first layer, `[WIDTH, bands, 4]`, which goes on by 2 frames.
        first_offsets: `[WIDTH]`.
        gains: of the normalised channels of every layer, `[layers, WIDTH]`.
        biases: `[layers, WIDTH]`.
        layers: `[layers, WIDTH, WIDTH, 3]`.
        offsets: `[layers, WIDTH]`.
        last: `[names, 2 * WIDTH]`.
        last_offsets: `[names]`.
    """

    HALF: ClassVar = ("first", "layers", "last")

    first: Array
    first_offsets: Array
    gains: Array
    biases: Array
    layers: Array
    offsets: Array
    last: Array
    last_offsets: Array

    @classmethod
    def learned(
        cls, features: Array, wanted: Sequence[str], *, seed: int = 0, passes: int = PASSES
    ) -> "ConvolutionalJudge":
        """A judge who knows these pieces.

        Args:
            features: `[pieces, bands, frames]`.
            wanted: name of each.
            seed: of all that is drawn.
            passes: how often every piece is heard.

        Raises:
            ValueError: the pictures have fewer than 8 frames.
        """
        if np.ndim(features) != 3 or np.shape(features)[2] < 8:
            raise ValueError(f"features have shape {np.shape(features)}; [pieces, bands, 8 frames or more] would do")
        pictures = np.asarray(features, dtype=np.float32)
        mean = pictures.mean(axis=(0, 2), dtype=np.float64)[:, None]
        # Band by band, since thousands of pictures in double precision are several gigabytes.
        deviations = [band.std(dtype=np.float64) for band in np.moveaxis(pictures, 1, 0)]
        scale = np.maximum(np.array(deviations), 1e-9)[:, None]
        names = sorted(set(wanted))
        labels = np.array([names.index(name) for name in wanted])
        scaled = clipped(pictures, mean.astype(np.float32), scale.astype(np.float32))
        weights = _learn(scaled, labels, seed=seed, passes=passes)
        return cls(tuple(names), mean, scale, *weights)

    def scores(self, features: Array) -> Array:
        """Log-odds, `[pieces, names]`, of pictures `[pieces, bands, frames]`."""
        import torch

        weights = [torch.from_numpy(np.asarray(getattr(self, name), np.float32)) for name in self._weights()]
        with torch.no_grad():
            found: Array = _net(torch.from_numpy(self.scaled(features).astype(np.float32)), weights).double().numpy()
        return found

    @classmethod
    def _weights(cls) -> list[str]:
        """What is learned, in the order that `_net` takes it: all that this judge has beside what every judge has."""
        return [field.name for field in fields(cls)[len(fields(NamingJudge)) :]]


def _net(x: Any, weights: Sequence[Any], dropped: Any = None) -> Any:
    """Log-odds of pictures `[pieces, bands, frames]`; `dropped` is what dropout is done by."""
    import torch
    import torch.nn.functional as F

    drop = dropped or (lambda values, share: values)
    first, first_offsets, gains, biases, layers, offsets, last, last_offsets = weights
    hidden = F.conv1d(drop(x, INPUT_DROP), first, first_offsets, stride=2, padding=1)
    for gain, bias, layer, offset, step in zip(gains, biases, layers, offsets, STEPS_IN_TIME, strict=True):
        heard = F.gelu(F.group_norm(hidden, GROUPS, gain, bias))
        hidden = hidden + drop(F.conv1d(heard, layer, offset, padding=step, dilation=step), DROP)
    summed = torch.cat([hidden.mean(dim=2), hidden.std(dim=2)], dim=1)
    return F.linear(drop(summed, LAST_DROP), last, last_offsets)


def _learn(scaled: Array, labels: npt.NDArray[np.int_], *, seed: int, passes: int) -> list[Array]:
    """The weights of a net that learned these pictures, `[pieces, bands, frames]`."""
    import torch
    import torch.nn.functional as F

    drawn = torch.Generator().manual_seed(seed)
    count, bands, _ = scaled.shape
    layers, names, batch = len(STEPS_IN_TIME), int(labels.max()) + 1, min(BATCH, count)

    def uniform(*size: int, inputs: int) -> torch.Tensor:
        return torch.empty(size).uniform_(-(inputs**-0.5), inputs**-0.5, generator=drawn)

    weights = [
        uniform(WIDTH, bands, 4, inputs=4 * bands),
        torch.zeros(WIDTH),
        torch.ones(layers, WIDTH),
        torch.zeros(layers, WIDTH),
        uniform(layers, WIDTH, WIDTH, 3, inputs=3 * WIDTH),
        torch.zeros(layers, WIDTH),
        uniform(names, 2 * WIDTH, inputs=2 * WIDTH),
        torch.zeros(names),
    ]
    for weight in weights:
        weight.requires_grad_()
    steps = max(passes * count // batch, 1)
    optimizer = torch.optim.AdamW(weights, lr=RATE, weight_decay=DECAY)
    warm = max(steps // 20, 1)

    def rate(step: int) -> float:  # rises along a straight line, falls along half a cosine
        falls = 0.5 + 0.5 * math.cos(math.pi * max(step - warm, 0) / max(steps - warm, 1))
        return float(min((step + 1) / warm, falls))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)

    def dropped(values: torch.Tensor, share: float) -> torch.Tensor:
        return values * (torch.rand(values.shape, generator=drawn) >= share) / (1 - share)

    order = torch.empty(0, dtype=torch.long)
    for _ in range(steps):
        if len(order) < batch:
            order = torch.randperm(count, generator=drawn)
        chosen, order = order[:batch], order[batch:]
        heard = _made_worse(_cropped(torch.from_numpy(scaled[chosen.numpy()]), drawn), drawn)
        scores = _net(heard, weights, dropped)
        loss = F.cross_entropy(scores, torch.from_numpy(labels)[chosen], label_smoothing=SMOOTHING)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return [weight.detach().double().numpy() for weight in weights]


def _cropped(heard: Any, drawn: Any) -> Any:
    """As many frames of every picture, from anywhere in it, `[pieces, bands, frames]`."""
    import torch

    count, _, frames = heard.shape
    length = max(round(CROP * frames), 1)
    first = torch.randint(frames - length + 1, (count,), generator=drawn)
    places = first[:, None] + torch.arange(length)
    return heard.gather(2, places[:, None].expand(-1, heard.shape[1], -1))


def _made_worse(heard: Any, drawn: Any) -> Any:
    """Half of the pictures blurred in time, all of them uneven over bands, and noisy: `NOISE`, `TILT`, `BLUR`."""
    import torch
    import torch.nn.functional as F

    count, bands, frames = heard.shape

    def up_to(most: float) -> torch.Tensor:
        return most * torch.rand((count, 1, 1), generator=drawn)

    reach = torch.arange(-3.0, 4.0)
    blur = torch.exp(-0.5 * (reach / (up_to(BLUR) * torch.randint(2, (count, 1, 1), generator=drawn) + 1e-3)) ** 2)
    padded = F.pad(heard, (3, 3), mode="replicate").reshape(1, count * bands, frames + 6)
    kernels = (blur / blur.sum(dim=2, keepdim=True)).expand(-1, bands, -1).reshape(count * bands, 1, 7)
    blurred = F.conv1d(padded, kernels, groups=count * bands).reshape(count, bands, frames)
    coarse = torch.randn((count, 1, 8), generator=drawn)
    tilt = F.interpolate(coarse, size=bands, mode="linear", align_corners=True).transpose(1, 2)
    noise = torch.randn(heard.shape, generator=drawn)
    return blurred + up_to(TILT) * tilt + up_to(NOISE) * noise
