"""The v-objective, which also says how the loss depends on the diffusion time."""

from typing import Any

from torch import Tensor

from vdiffusion import Net, VObjective

BINS = 10
"""Bins of the diffusion time, of which each has its own mean loss in the log."""
_FORGET = 0.98


class LossByTimestep(VObjective):
    """The v-objective, which keeps the loss and the time of every item of its last call.

    Attributes:
        times: diffusion times [B] of the last call, `None` where there was none since `clear`.
        losses: losses [B] of the last call.
    """

    times: Tensor | None
    losses: Tensor | None

    def __init__(self) -> None:
        super().__init__()
        self.means: dict[int, float] = {}
        self.clear()

    def clear(self) -> None:
        """Forget the last call."""
        self.times = self.losses = None

    def loss(self, net: Net, x: Tensor, *, t: Tensor | None = None, **given: Any) -> Tensor:
        """Mean of the losses of the items; see `VObjective.loss`."""
        per_item = self.loss_per_item(net, x, t=t, **given)
        self.times, self.losses = t, per_item.detach()
        return per_item.mean()

    def update_means(self) -> dict[str, float]:
        """Take the last call into a running mean of each bin of the time, and give them for the log."""
        if self.times is not None and self.losses is not None:
            for t, value in zip(self.times.tolist(), self.losses.tolist(), strict=True):
                place = min(int(t * BINS), BINS - 1)
                self.means[place] = _FORGET * self.means.get(place, value) + (1 - _FORGET) * value
        return {f"loss by t/{place / BINS:.1f}": value for place, value in sorted(self.means.items())}
