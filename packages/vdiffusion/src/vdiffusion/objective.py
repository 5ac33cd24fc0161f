"""The v-objective: conversions between x, eps and v, distributions of training times, the loss, preconditioning.

    v = alpha eps - sigma x     (Salimans & Ho, 2202.00512, section 4 and appendix D; Moûsai, 2301.11757)

(x, eps) -> (x_t, v) turns by the angle pi t / 2, so the way back is the turn by the opposite angle.
"""

import math
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from vdiffusion.net import Net, evaluate, in_working_precision
from vdiffusion.schedule import alpha_sigma, check_time


def to_noisy(x: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """Return x_t = alpha x + sigma noise, for x and noise `[B, ...]` and t `[B]` or a scalar tensor."""
    alpha, sigma = _coefficients(t, x, noise)
    return alpha * in_working_precision(x) + sigma * in_working_precision(noise)


def to_v(x: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """Return v = alpha noise - sigma x, for x and noise `[B, ...]` and t `[B]` or a scalar tensor."""
    alpha, sigma = _coefficients(t, x, noise)
    return alpha * in_working_precision(noise) - sigma * in_working_precision(x)


def x_from_v(x_t: Tensor, v: Tensor, t: Tensor) -> Tensor:
    """Return the clean estimate x = alpha x_t - sigma v, for x_t and v `[B, ...]` and t `[B]` or a scalar tensor."""
    alpha, sigma = _coefficients(t, x_t, v)
    return alpha * in_working_precision(x_t) - sigma * in_working_precision(v)


def noise_from_v(x_t: Tensor, v: Tensor, t: Tensor) -> Tensor:
    """Return the noise estimate eps = sigma x_t + alpha v, for x_t and v `[B, ...]` and t `[B]` or a scalar tensor."""
    alpha, sigma = _coefficients(t, x_t, v)
    return sigma * in_working_precision(x_t) + alpha * in_working_precision(v)


def _coefficients(t: Tensor, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Alpha and sigma, shaped so that they multiply two tensors [B, ...] of one shape."""
    if first.shape != second.shape:
        raise ValueError(f"shapes {list(first.shape)} and {list(second.shape)} differ; give two tensors of one shape")
    if t.ndim == 0:
        return alpha_sigma(t)
    if t.shape != first.shape[:1]:
        raise ValueError(
            f"t has shape {list(t.shape)} beside a tensor of shape {list(first.shape)}; "
            f"give one time per batch member, {list(first.shape[:1])}, or a scalar tensor"
        )
    check_time(t)
    t = t.to(torch.promote_types(first.dtype, torch.float32)).reshape(-1, *[1] * (first.ndim - 1))
    return alpha_sigma(t)


class TimeDistribution(Protocol):
    """Draws the training times of a batch: a float32 tensor `[batch]` in [0, 1]."""

    def __call__(self, batch: int, generator: torch.Generator | None, device: torch.device) -> Tensor:
        """Draw on the generator's device (without one: on `device`) and return the times on `device`."""
        ...


@dataclass(frozen=True)
class UniformTime:
    """Times uniform in [0, 1), as in Moûsai (2301.11757)."""

    def __call__(self, batch: int, generator: torch.Generator | None, device: torch.device) -> Tensor:
        """Draw `[batch]` times."""
        return torch.rand(batch, generator=generator, device=generator.device if generator else device).to(device)


@dataclass(frozen=True)
class LogitNormalTime:
    """Times whose logit log(t / (1 - t)) is normal: more training in the middle (Esser et al., 2403.03206, 3.1)."""

    mean: float = 0.0
    std: float = 1.0

    def __post_init__(self) -> None:
        """Check the settings."""
        if not math.isfinite(self.mean):
            raise ValueError(f"mean={self.mean}: must be finite; 0 centres the times on 1/2, above 0 is noisier")
        if not (math.isfinite(self.std) and self.std > 0):
            raise ValueError(f"std={self.std}: must be finite and above 0, for example 1.0")

    def __call__(self, batch: int, generator: torch.Generator | None, device: torch.device) -> Tensor:
        """Draw `[batch]` times."""
        logit = torch.randn(batch, generator=generator, device=generator.device if generator else device).to(device)
        return torch.sigmoid(self.mean + self.std * logit)


@dataclass(frozen=True, kw_only=True)
class VObjective:
    """The loss || net(x_t, t) - v ||^2 with t drawn from `time_distribution`."""

    time_distribution: TimeDistribution = field(default_factory=UniformTime)

    def loss(
        self,
        net: Net,
        x: Tensor,
        *,
        t: Tensor | None = None,
        noise: Tensor | None = None,
        target: Tensor | None = None,
        mask: Tensor | None = None,
        generator: torch.Generator | None = None,
        **conditions: Any,
    ) -> Tensor:
        """Return the mean of `loss_per_item` over the batch, a scalar; the arguments are the same."""
        return self.loss_per_item(
            net, x, t=t, noise=noise, target=target, mask=mask, generator=generator, **conditions
        ).mean()

    def loss_per_item(
        self,
        net: Net,
        x: Tensor,
        *,
        t: Tensor | None = None,
        noise: Tensor | None = None,
        target: Tensor | None = None,
        mask: Tensor | None = None,
        generator: torch.Generator | None = None,
        **conditions: Any,
    ) -> Tensor:
        """Return the mean square error of v of each batch member, `[B]`, in float32 (float64 if x is).

        Args:
            net: `net(x_t, t, **conditions) -> v`.
            x: clean data `[B, ...]`.
            t: times `[B]`; drawn from `time_distribution` if not given.
            noise: standard normal noise of the shape of x; drawn if not given.
            target: v `[B, ...]` to learn, such as a teacher's; by default that of x and noise.
            mask: boolean, as many dimensions as x and broadcastable to it, True where an element counts (for
                padding: `[B, 1, T]`). The mean is over the elements that count; a member without any has loss 0.
            generator: source of t and noise where they are drawn, on any device; torch's global one if not given.
            conditions: passed to the net as they are.

        Raises:
            ValueError: shapes of the arguments or of the net's output that do not fit, or t outside [0, 1].
        """
        x = in_working_precision(x)
        if t is None:
            t = self.time_distribution(x.shape[0], generator, x.device)
        if noise is None:
            drawn_on = generator.device if generator else x.device
            noise = torch.randn(x.shape, generator=generator, device=drawn_on, dtype=x.dtype).to(x.device)
        wanted = to_v(x, noise, t) if target is None else target
        if wanted.shape != x.shape:
            raise ValueError(f"target has shape {list(wanted.shape)}; must have that of x, {list(x.shape)}")
        error = evaluate(net, to_noisy(x, noise, t), t, conditions) - wanted
        if mask is None:
            return error.square().flatten(1).mean(1)
        counts = _mask_like(mask, x)
        return error.square().where(counts, 0.0).flatten(1).sum(1) / counts.flatten(1).sum(1).clamp(min=1)


def _mask_like(mask: Tensor, x: Tensor) -> Tensor:
    if mask.dtype != torch.bool:
        raise ValueError(f"mask has dtype {mask.dtype}; it must be boolean, True where an element counts")
    fits = mask.ndim == x.ndim and all(m in (1, n) for m, n in zip(mask.shape, x.shape, strict=True))
    if not fits:
        raise ValueError(
            f"mask of shape {list(mask.shape)} does not broadcast to x of shape {list(x.shape)}; "
            "give it as many dimensions as x, each of x's size or 1"
        )
    return mask.expand_as(x)


class Preconditioned(nn.Module):
    """A net that predicts only the remainder of v after its linear part, at unit variance.

    For data of standard deviation d, x_t has the variance c^2 = alpha^2 d^2 + sigma^2, the best linear estimate of v is
    k x_t with k = alpha sigma (1 - d^2) / c^2, and the remainder has the standard deviation d / c. So

        v = k x_t + (d / c) net(x_t / c, t)

    gives the inner net input and target of unit variance at every t: the preconditioning of Karras et al.
    (2206.00364, eq. 7 and appendix B.6), worked out for v on the circle. At d = 1 it is the inner net itself; for
    Gaussian data the inner net's ideal answer is zero.
    """

    def __init__(self, net: nn.Module, data_std: float) -> None:
        """Wrap `net`; `data_std` is the standard deviation of the data, finite and above 0, else ValueError."""
        super().__init__()
        if not (math.isfinite(data_std) and data_std > 0):
            raise ValueError(f"data_std={data_std}: must be finite and above 0; 1.0 leaves the net as it is")
        self.net = net
        self.data_std = float(data_std)

    def forward(self, x_t: Tensor, t: Tensor, **conditions: Any) -> Tensor:
        """Return v for x_t `[B, ...]` at times t `[B]`; `conditions` go to the inner net."""
        alpha, sigma = _coefficients(t, x_t, x_t)
        std = self.data_std
        scale = (alpha.square() * std**2 + sigma.square()).rsqrt()  # 1 / c
        remainder = evaluate(self.net, (x_t * scale).to(x_t.dtype), t, conditions)
        linear = alpha * sigma * (1 - std**2) * scale.square()
        return linear * in_working_precision(x_t) + std * scale * remainder
