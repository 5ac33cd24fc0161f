"""Calibration of the magnitude prior: two numbers per coefficient, fitted by likelihood."""

from collections.abc import Iterable

import torch
from einops import rearrange
from torch import Tensor

from dmae.autoencoder import DMAE

LARGEST = 4096
"""Largest number of blocks of coefficients in the fit, evenly spread: enough for two numbers per channel."""


def fit_sigma(model: DMAE, waves: Iterable[Tensor]) -> dict[str, float]:
    """Fit `slope` and `log_gain` of the prior by Gaussian likelihood; everything else stays as it is.

    sigma = exp(slope (l - mean) + mean + gain), where l is half the predicted log-power. The likelihood is convex in
    the gain. Afterwards coefficients / sigma have a mean square of one in every channel of the data.

    Args:
        model: model with a magnitude prior, whose latent is trained.
        waves: batches [B, C, T] with a few minutes of varied music in all.

    Returns:
        `before` and `after`: mean negative log-likelihood.

    Raises:
        ValueError: the model has no magnitude prior, or `waves` is empty.
    """
    prior = model.prior.require_magnitudes()
    coefficients, predictions = [], []
    with torch.no_grad():
        prior.slope.fill_(1.0)
        prior.log_gain.zero_()
        for wave in waves:
            padded = model.pad(wave)
            coefficients.append(model.transform.analyse(padded).transpose(0, 1).flatten(1))
            log_sigma = prior.log_sigma(prior(model.encode(padded)))
            predictions.append(log_sigma.transpose(0, 1).flatten(1))
    if not coefficients:
        raise ValueError("waves: empty; give a few minutes of music")
    x, predicted = torch.cat(coefficients, dim=1), torch.cat(predictions, dim=1)
    every = -(-x.shape[1] // LARGEST)
    x, predicted = x[:, ::every].contiguous(), predicted[:, ::every].contiguous()
    mean = predicted.mean(dim=1, keepdim=True)
    slope = torch.ones_like(mean, requires_grad=True)
    gain = ((x / predicted.exp()).square().mean(dim=1, keepdim=True).clamp_min(1e-12).log() / 2).requires_grad_()

    def likelihood() -> Tensor:
        log_sigma = slope * (predicted - mean) + mean + gain
        return ((x / log_sigma.exp()).square() / 2 + log_sigma).mean(dim=1)

    optimizer = torch.optim.LBFGS([slope, gain], max_iter=40, line_search_fn="strong_wolfe")

    def closure() -> float:
        optimizer.zero_grad()
        loss = likelihood().sum()
        loss.backward()
        return float(loss.detach())

    before = float(((x / predicted.exp()).square() / 2 + predicted).mean())
    optimizer.step(closure)
    with torch.no_grad():
        # Silent channels carry no information; the slope must stay positive.
        slope.clamp_(0.2, 1.2)
        log_sigma = slope * (predicted - mean) + mean
        gain.copy_((x / log_sigma.exp()).square().mean(dim=1, keepdim=True).clamp_min(1e-12).log() / 2)
        after = float(likelihood().mean())
        for target, value in ((prior.slope, slope), (prior.log_gain, gain), (prior.log_mean, mean)):
            target.copy_(rearrange(value, "(c k) 1 -> c k 1", c=target.shape[0]))
    return {"before": before, "after": after}
