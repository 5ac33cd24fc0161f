"""Gaps filled by a net that reads what is kept: the ideal net of a Gaussian process under that condition."""

from typing import Any

import pytest
import torch
from torch import Tensor

from vdiffusion import DDIM, DPMSolverPP, EulerAncestral, Heun, KeepKnown, NoiseSource, Sampler, alpha_sigma

LENGTH, GAP = 16, slice(5, 11)


class Conditional:
    """E[x | x_t, what is kept] of N(0, K), as a net; what it says of the kept part is wrong on purpose."""

    def __init__(self, kept: Tensor) -> None:
        apart = torch.arange(LENGTH, dtype=torch.float64)
        covariance = torch.exp(-((apart[:, None] - apart[None, :]) ** 2) / 8) + 0.01 * torch.eye(LENGTH)
        rest = ~kept
        gain = torch.linalg.solve(covariance[kept][:, kept], covariance[kept][:, rest]).T
        self.kept, self.gain = kept, gain
        self.covariance = covariance[rest][:, rest] - gain @ covariance[kept][:, rest]

    def mean(self, source: Tensor) -> Tensor:
        return source[..., self.kept].double() @ self.gain.T

    def __call__(self, x_t: Tensor, t: Tensor, *, source: Tensor) -> Tensor:
        alpha, sigma = (float(share[0]) for share in alpha_sigma(t.double()))
        mean, eye = self.mean(source), torch.eye(len(self.covariance), dtype=torch.float64)
        off = x_t[..., ~self.kept].double() - alpha * mean
        whitened = off @ torch.linalg.inv(alpha**2 * self.covariance + sigma**2 * eye)
        clean = mean + alpha * whitened @ self.covariance
        v = torch.full_like(x_t, 50.0)
        v[..., ~self.kept] = ((alpha * x_t[..., ~self.kept].double() - clean) / sigma).to(v.dtype)
        return v


@pytest.fixture
def kept() -> Tensor:
    mask = torch.ones(LENGTH, dtype=torch.bool)
    mask[GAP] = False
    return mask


@pytest.mark.parametrize("sampler", [DDIM(), DDIM(eta=1.0), DPMSolverPP(), Heun(), EulerAncestral()])
def test_the_gap_has_its_conditional_distribution_and_the_rest_is_the_source(sampler: Sampler, kept: Tensor) -> None:
    net, batch = Conditional(kept), 800
    source = torch.linspace(-1, 1, LENGTH).expand(1, 1, -1).clone()
    source[..., GAP] = float("nan")
    noise = NoiseSource(1, range(batch))
    wrapped = KeepKnown(net, source=source, mask=kept)
    estimates = []
    x = sampler.sample(
        wrapped,
        noise.draw([1, LENGTH], stage="start"),
        num_steps=30,
        generators=noise.generators("steps") if sampler.draws_noise else None,
        callback=lambda step, total, estimate: estimates.append(estimate),
        source=source,
    )
    wanted = source[..., kept].expand(batch, -1, -1)
    torch.testing.assert_close(x[..., kept], wanted, rtol=0, atol=1e-4)
    for estimate in estimates:
        torch.testing.assert_close(estimate[..., kept], wanted, rtol=0, atol=1e-3)
    found = x[:, 0, GAP].double()
    torch.testing.assert_close(found.mean(0), net.mean(source)[0, 0], rtol=0, atol=0.1)
    torch.testing.assert_close(found.T.cov(), net.covariance, rtol=0, atol=0.15)  # the prior has 1.01 on its diagonal


def test_nothing_kept_is_the_net_itself_and_bad_masks_are_refused(kept: Tensor) -> None:
    x_t, t, source = torch.randn(2, 1, LENGTH), torch.tensor([0.2, 1.0]), torch.randn(2, 1, LENGTH)

    def net(x: Tensor, t: Tensor, **conditions: Any) -> Tensor:
        return x + 1

    assert torch.equal(KeepKnown(net, source=source, mask=kept & ~kept)(x_t, t), x_t + 1)
    with pytest.raises(ValueError, match="must be bool, True where the source is kept"):
        KeepKnown(net, source=source, mask=kept.float())
    with pytest.raises(ValueError, match="must broadcast to that of source"):
        KeepKnown(net, source=source, mask=kept[:5])
    with pytest.raises(ValueError, match="holds NaN or infinity where mask is True"):
        KeepKnown(net, source=source * float("nan"), mask=kept)
