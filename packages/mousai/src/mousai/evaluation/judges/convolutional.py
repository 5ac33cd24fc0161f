"""The lead-instrument judge: a small convolutional net over log-mel spectrograms.

    [bands, frames] ──> conv, stride 2 ──> residual layers with growing dilation ──> mean and deviation over time ──>
        linear ──> names

The instrument of a melody shows in how its notes begin and fade while others sound. Features that summarize a tracked
pitch lose that as soon as the tracker follows another note.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from mousai.evaluation.features.waveform import Array
from mousai.evaluation.judges.classifier import Classifier, standardize

WIDTH, DILATIONS = 128, (1, 1, 2, 4)
"""Channels, and the dilation of each layer in frames."""
GROUPS = 8
EPOCHS, BATCH, LEARNING_RATE, WEIGHT_DECAY = 36, 48, 2e-3, 0.05
CROP = 0.75
"""Share of a spectrogram that a training crop keeps."""
INPUT_DROPOUT, DROPOUT, LAST_DROPOUT, LABEL_SMOOTHING = 0.1, 0.1, 0.3, 0.1
NOISE, TILT, BLUR = 0.7, 0.5, 1.5
"""Augmentation, so that the music counts and not how clean it is: the largest standard deviations of the noise and of
the offset of whole bands, both in those of the spectrograms, and of the blur in time, in frames."""


@dataclass(frozen=True)
class ConvolutionalJudge(Classifier):
    """A residual convolutional net over spectrograms `[bands, frames]`.

    `mean` and `scale` are `[bands, 1]`.

    Args:
        first: weights of the first convolution, of stride 2, `[WIDTH, bands, 4]`.
        first_offsets: its biases, `[WIDTH]`.
        gains: gains of the group norm of every layer, `[layers, WIDTH]`.
        biases: biases of the group norm of every layer, `[layers, WIDTH]`.
        layers: weights of the convolution of every layer, `[layers, WIDTH, WIDTH, 3]`.
        offsets: biases of the convolution of every layer, `[layers, WIDTH]`.
        last: weights of the last linear map, `[names, 2 * WIDTH]`.
        last_offsets: its biases, `[names]`.
    """

    FLOAT16_FIELDS: ClassVar = ("first", "layers", "last")

    first: Array
    first_offsets: Array
    gains: Array
    biases: Array
    layers: Array
    offsets: Array
    last: Array
    last_offsets: Array

    @classmethod
    def fit(
        cls, features: Array, labels: Sequence[str], *, seed: int = 0, epochs: int = EPOCHS
    ) -> "ConvolutionalJudge":
        """Fit a judge to labelled pieces.

        Args:
            features: `[pieces, bands, frames]`.
            labels: class of each piece.
            seed: seed of the initial weights, the crops, the augmentation and the order.
            epochs: number of passes over the pieces.

        Raises:
            ValueError: the spectrograms have fewer than 8 frames.
        """
        if np.ndim(features) != 3 or np.shape(features)[2] < 8:
            raise ValueError(f"features have shape {np.shape(features)}; must be [pieces, bands, 8 frames or more]")
        spectrograms = np.asarray(features, dtype=np.float32)
        mean = spectrograms.mean(axis=(0, 2), dtype=np.float64)[:, None]
        # Band by band, since thousands of spectrograms in double precision are several gigabytes.
        deviations = [band.std(dtype=np.float64) for band in np.moveaxis(spectrograms, 1, 0)]
        scale = np.maximum(np.array(deviations), 1e-9)[:, None]
        names = sorted(set(labels))
        classes = np.array([names.index(name) for name in labels])
        scaled = standardize(spectrograms, mean.astype(np.float32), scale.astype(np.float32))
        weights = _train(scaled, classes, seed=seed, epochs=epochs)
        return cls(tuple(names), mean, scale, *weights)

    def scores(self, features: Array) -> Array:
        """Log-odds `[pieces, names]` of spectrograms `[pieces, bands, frames]`."""
        import torch

        weights = [torch.from_numpy(np.asarray(getattr(self, name), np.float32)) for name in self._weights()]
        scaled = torch.from_numpy(self.standardized(features).astype(np.float32))
        with torch.no_grad():
            found: Array = _net(scaled, weights).double().numpy()
        return found

    @classmethod
    def _weights(cls) -> list[str]:
        """Names of the learned arrays in the order of `_net`: the fields that `Classifier` does not have."""
        return [field.name for field in fields(cls)[len(fields(Classifier)) :]]


def _net(x: Any, weights: Sequence[Any], dropout: Any = None) -> Any:
    """Log-odds of spectrograms `[pieces, bands, frames]`; `dropout(values, share)` is given while training."""
    import torch
    import torch.nn.functional as F

    drop = dropout or (lambda values, share: values)
    first, first_offsets, gains, biases, layers, offsets, last, last_offsets = weights
    hidden = F.conv1d(drop(x, INPUT_DROPOUT), first, first_offsets, stride=2, padding=1)
    for gain, bias, layer, offset, dilation in zip(gains, biases, layers, offsets, DILATIONS, strict=True):
        active = F.gelu(F.group_norm(hidden, GROUPS, gain, bias))
        hidden = hidden + drop(F.conv1d(active, layer, offset, padding=dilation, dilation=dilation), DROPOUT)
    pooled = torch.cat([hidden.mean(dim=2), hidden.std(dim=2)], dim=1)
    return F.linear(drop(pooled, LAST_DROPOUT), last, last_offsets)


def _train(scaled: Array, classes: npt.NDArray[np.int_], *, seed: int, epochs: int) -> list[Array]:
    """The weights of a net trained on spectrograms `[pieces, bands, frames]`, with AdamW and one cosine cycle."""
    import torch
    import torch.nn.functional as F

    generator = torch.Generator().manual_seed(seed)
    count, bands, _ = scaled.shape
    layers, names, batch = len(DILATIONS), int(classes.max()) + 1, min(BATCH, count)

    def uniform(*size: int, inputs: int) -> torch.Tensor:
        return torch.empty(size).uniform_(-(inputs**-0.5), inputs**-0.5, generator=generator)

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
    steps = max(epochs * count // batch, 1)
    optimizer = torch.optim.AdamW(weights, lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    warmup = max(steps // 20, 1)

    def rate(step: int) -> float:  # linear warm-up, then half a cosine
        decay = 0.5 + 0.5 * math.cos(math.pi * max(step - warmup, 0) / max(steps - warmup, 1))
        return float(min((step + 1) / warmup, decay))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)

    def dropout(values: torch.Tensor, share: float) -> torch.Tensor:
        return values * (torch.rand(values.shape, generator=generator) >= share) / (1 - share)

    order = torch.empty(0, dtype=torch.long)
    for _ in range(steps):
        if len(order) < batch:
            order = torch.randperm(count, generator=generator)
        chosen, order = order[:batch], order[batch:]
        batched = _augment(_random_crop(torch.from_numpy(scaled[chosen.numpy()]), generator), generator)
        scores = _net(batched, weights, dropout)
        loss = F.cross_entropy(scores, torch.from_numpy(classes)[chosen], label_smoothing=LABEL_SMOOTHING)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return [weight.detach().double().numpy() for weight in weights]


def _random_crop(spectrograms: Any, generator: Any) -> Any:
    """A crop of `CROP` of the frames of every spectrogram `[pieces, bands, frames]`, each from its own start."""
    import torch

    count, bands, frames = spectrograms.shape
    length = max(round(CROP * frames), 1)
    first = torch.randint(frames - length + 1, (count,), generator=generator)
    places = first[:, None] + torch.arange(length)
    return spectrograms.gather(2, places[:, None].expand(-1, bands, -1))


def _augment(spectrograms: Any, generator: Any) -> Any:
    """Half of the spectrograms blurred in time; all of them with an offset of whole bands, and noise."""
    import torch
    import torch.nn.functional as F

    count, bands, frames = spectrograms.shape

    def up_to(most: float) -> torch.Tensor:
        return most * torch.rand((count, 1, 1), generator=generator)

    offsets = torch.arange(-3.0, 4.0)
    blur = torch.exp(
        -0.5 * (offsets / (up_to(BLUR) * torch.randint(2, (count, 1, 1), generator=generator) + 1e-3)) ** 2
    )
    padded = F.pad(spectrograms, (3, 3), mode="replicate").reshape(1, count * bands, frames + 6)
    kernels = (blur / blur.sum(dim=2, keepdim=True)).expand(-1, bands, -1).reshape(count * bands, 1, 7)
    blurred = F.conv1d(padded, kernels, groups=count * bands).reshape(count, bands, frames)
    coarse = torch.randn((count, 1, 8), generator=generator)
    tilt = F.interpolate(coarse, size=bands, mode="linear", align_corners=True).transpose(1, 2)
    noise = torch.randn(spectrograms.shape, generator=generator)
    return blurred + up_to(TILT) * tilt + up_to(NOISE) * noise
