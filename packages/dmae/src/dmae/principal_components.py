"""Initialisation from data: the linear maps of encoder and prior become the principal components of real music.

Training then starts with a latent that already separates notes, which takes hours from random weights.
"""

from collections.abc import Iterable
from typing import cast

import torch
from einops import rearrange
from torch import Tensor

from dmae.autoencoder import DMAE
from dmae.encoder import BandEncoder


@torch.no_grad()
def initialise_from_data(
    model: DMAE, waves: Iterable[Tensor], *, largest_std: float = 0.5, exponent: float = 0.5
) -> dict[str, float]:
    """Fill `mean`, `scale` and the linear maps of band encoder and prior from waveforms.

    The components are those of the log-power in bands, weighted by hearing (the square root of
    `BandSpectrogram.weights`). Component i has the standard deviation s_i in the data and gets the latent standard
    deviation largest_std * (s_i / s_1) ** exponent before the bound. An exponent of 0 would whiten, and a latent
    diffusion would then spend itself on the smallest details; with 1 only the largest components would count.

    Args:
        model: model with bands, a band encoder and a magnitude prior.
        waves: batches [B, C, T] with a few minutes of varied music in all.
        largest_std: standard deviation of the first component before the tanh.
        exponent: see above.

    Returns:
        `explained`: share of the weighted variance that the components explain; `frames`: number of latent frames in
        the data.

    Raises:
        ValueError: the model has no band encoder or prior, or there are no more frames than latent channels.
    """
    if model.config.prior is None or model.config.encoder is None:
        raise ValueError(
            "initialise_from_data: needs a model with spectrogram.bands and a prior, such as DMAEConfig.tiny(), "
            "and its own band encoder"
        )
    prior = model.prior.require_magnitudes()
    encoder = cast(BandEncoder, model.encoder)  # which encoder it is, the config has said
    factor, channels = prior.factor, model.config.latent_channels
    vectors = []
    for wave in waves:
        bands = model.spectrogram(model.pad(wave))
        vectors.append(rearrange(bands, "b n (l f) -> (b l) f n", f=factor))
    seen = sum(map(len, vectors))
    if seen <= channels:
        raise ValueError(f"waves: {seen} latent frames are too few for {channels} components; give more than that")
    x = torch.cat(vectors).double()
    mean, scale = x.mean(dim=(0, 1)), x.std(dim=(0, 1)).clamp_min(1e-3)
    weight = prior.bands.weights.double().sqrt()
    weighted = ((x - mean) * weight).flatten(1)
    center = weighted.mean(dim=0)
    covariance = (weighted - center).T @ (weighted - center) / (len(weighted) - 1)
    variances, vectors_ = torch.linalg.eigh(covariance)
    std = variances.flip(0)[:channels].clamp_min(1e-12).sqrt()
    components = vectors_.flip(1)[:, :channels]  # [factor * bands, channels]
    latent_std = largest_std * (std / std[0]) ** exponent

    # latent = (weight * (bands - mean) - center) @ components * latent_std / std, written in standardised bands
    per_band = (weight * scale).repeat(factor)
    forward = (components * (latent_std / std)).T
    encoder.net.linear.weight.copy_(forward * per_band)
    encoder.net.linear.bias.copy_(-(forward @ center))
    backward = components * (std / latent_std)
    prior.net.linear.weight.copy_(backward / per_band[:, None])
    prior.net.linear.bias.copy_(center / per_band)
    for part in (encoder, prior):
        part.mean.copy_(mean)
        part.scale.copy_(scale)
    explained = variances.flip(0)[:channels].sum() / variances.sum()
    return {"explained": float(explained), "frames": float(seen)}
