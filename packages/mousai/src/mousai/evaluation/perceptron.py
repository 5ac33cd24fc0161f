"""A judge with one hidden layer: for names that no straight line parts, such as the lead under whatever style plays.

Learned from the same songs, a linear discriminant had the lead right in 90 % of songs with a lead of their style and in
63 % with any lead; this one hears 94 % and 66 %. It is the mean of a few small nets, which together are one wide net.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from mousai.evaluation.linear import clipped
from mousai.evaluation.sound import Array

NETS, HIDDEN = 4, 32
"""How many nets, and hidden units of each."""
EPOCHS, BATCH, RATE, DECAY = 40, 64, 2e-3, 0.1
INPUT_DROP, HIDDEN_DROP, NOISE, SMOOTHING = 0.2, 0.4, 0.3, 0.1
"""Against learning pieces by heart: what is dropped, noise in standard deviations, and labels less than certain."""


@dataclass(frozen=True)
class PerceptronJudge:
    """Names what a vector of features is heard as.

    Args:
        names: in alphabetical order.
        mean: of every feature among the songs it learned from, `[features]`.
        scale: standard deviation, `[features]`.
        inner: weights of the hidden units, `[hidden, features]`.
        inner_offsets: `[hidden]`.
        outer: weights of the names, `[names, hidden]`.
        outer_offsets: `[names]`.
    """

    names: tuple[str, ...]
    mean: Array
    scale: Array
    inner: Array
    inner_offsets: Array
    outer: Array
    outer_offsets: Array

    @classmethod
    def learned(cls, features: Array, wanted: Sequence[str], *, seed: int = 0) -> "PerceptronJudge":
        """A judge who knows these pieces.

        Args:
            features: `[pieces, features]`.
            wanted: name of each.
            seed: of all that is drawn.
        """
        x = np.asarray(features, dtype=np.float64)
        mean, scale = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-9)
        names = sorted(set(wanted))
        labels = np.array([names.index(name) for name in wanted])
        nets = [_net(clipped(x, mean, scale), labels, seed=seed * NETS + number) for number in range(NETS)]
        inner, inner_offsets, outer, outer_offsets = zip(*nets, strict=True)
        return cls(
            tuple(names),
            mean,
            scale,
            np.concatenate(inner),
            np.concatenate(inner_offsets),
            np.concatenate(outer, axis=1) / NETS,
            np.mean(outer_offsets, axis=0),
        )

    def __call__(self, features: Array) -> list[str]:
        """The name of each row of features."""
        return [self.names[place] for place in self.scores(features).argmax(axis=1)]

    def scores(self, features: Array) -> Array:
        """Log-odds, `[pieces, names]`, the mean of all nets'."""
        hidden = np.maximum(clipped(features, self.mean, self.scale) @ self.inner.T + self.inner_offsets, 0)
        found: Array = hidden @ self.outer.T + self.outer_offsets
        return found

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """What `stored.write_arrays` takes, in half precision where that is enough."""
        full = ("mean", "scale", "inner_offsets", "outer_offsets")
        numbers = {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)[1:]}
        kinds = {name: np.float32 if name in full else np.float16 for name in numbers}
        return {"names": np.array(self.names), **{name: numbers[name].astype(kinds[name]) for name in numbers}}

    @classmethod
    def of_arrays(cls, arrays: dict[str, npt.NDArray[Any]]) -> "PerceptronJudge":
        """The way back."""
        numbers = {field.name: arrays[field.name].astype(np.float64) for field in fields(cls)[1:]}
        return cls(tuple(map(str, arrays["names"])), **numbers)


def _net(scaled: Array, labels: npt.NDArray[np.int_], *, seed: int) -> tuple[Array, Array, Array, Array]:
    """Weights and offsets of the hidden layer and of the last, of one net that learned these pieces."""
    import torch
    import torch.nn.functional as F

    drawn = torch.Generator().manual_seed(seed)
    x, y = torch.from_numpy(scaled).float(), torch.from_numpy(labels)
    count, width = x.shape
    batch = min(BATCH, count)
    sizes = ((HIDDEN, width), (HIDDEN,), (int(labels.max()) + 1, HIDDEN), (int(labels.max()) + 1,))
    reach = [size[-1] ** -0.5 if len(size) == 2 else 0.0 for size in sizes]
    weights = [
        torch.empty(size).uniform_(-far, far, generator=drawn).requires_grad_()
        for size, far in zip(sizes, reach, strict=True)
    ]
    steps = EPOCHS * max(count // batch, 1)
    optimizer = torch.optim.AdamW(weights, lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)

    def dropped(values: torch.Tensor, share: float) -> torch.Tensor:
        return values * (torch.rand(values.shape, generator=drawn) >= share) / (1 - share)

    order = torch.empty(0, dtype=torch.long)
    for _ in range(steps):
        if len(order) < batch:
            order = torch.randperm(count, generator=drawn)
        chosen, order = order[:batch], order[batch:]
        noisy = x[chosen] + NOISE * torch.randn((batch, width), generator=drawn)
        hidden = F.linear(dropped(noisy, INPUT_DROP), weights[0], weights[1]).relu()
        scores = F.linear(dropped(hidden, HIDDEN_DROP), weights[2], weights[3])
        loss = F.cross_entropy(scores, y[chosen], label_smoothing=SMOOTHING)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    inner, inner_offsets, outer, outer_offsets = (weight.detach().double().numpy() for weight in weights)
    return inner, inner_offsets, outer, outer_offsets
