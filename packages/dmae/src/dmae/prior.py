"""Latent -> log-power of every band -> standard deviation of every coefficient: where the diffusion starts from."""

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from dmae.config import DMAEConfig
from dmae.encoder import LinearPlusBody
from dmae.parts import PriorConfig
from dmae.spectrogram import BandSpectrogram

BOUND = 0.95
"""Latents beyond are taken as this: music stays within, and atanh would make a burst of a generator's overshoot."""


class MagnitudePrior(nn.Module):
    """A data-dependent start of the diffusion, as in PriorGrad (arXiv 2106.06406) and SpecGrad (arXiv 2203.16749).

        latent ── atanh ── LinearPlusBody ──> log-power of the bands ── spread over bins ──> sigma of the coefficients

    The diffusion then works on coefficients / sigma, whose variance is one everywhere.
    """

    def __init__(self, config: DMAEConfig, settings: PriorConfig) -> None:
        super().__init__()
        self.factor = config.encoder.factors[0]
        self.frames = config.transform_size // config.spectrogram.hop_length
        self.reach = settings.blocks
        self.bands = BandSpectrogram(config)
        self.mean: Tensor
        self.scale: Tensor
        self.register_buffer("mean", torch.zeros(config.n_bands))
        self.register_buffer("scale", torch.ones(config.n_bands))
        self.net = LinearPlusBody(
            config.latent_channels, self.factor * config.n_bands, width=settings.width, blocks=settings.blocks
        )
        shape = (config.audio_channels, config.transform_size, 1)
        self.log_gain = nn.Parameter(torch.zeros(shape))
        self.slope = nn.Parameter(torch.ones(shape))
        self.log_mean: Tensor
        self.register_buffer("log_mean", torch.zeros(shape))
        self.window_energy = 3 / 8 * config.spectrogram.n_fft  # of the periodic Hann window

    def forward(self, latent: Tensor) -> Tensor:
        """Latent [B, Z, L] in [-1, 1] -> log-power of the bands [B, bands, L * factor]."""
        # atanh undoes the encoder's bound, so that principal components stay a linear map both ways; a generated
        # latent may stand a little outside the bound.
        x = torch.atanh(latent.float().clamp(-BOUND, BOUND)).transpose(1, 2)
        bands: Tensor = rearrange(self.net(x), "b l (f n) -> b n (l f)", f=self.factor)
        return bands * self.scale[:, None] + self.mean[:, None]

    def log_sigma(self, bands: Tensor) -> Tensor:
        """Log-power of the bands [B, bands, F] -> log of sigma [B, C * size, F * hop / size] for every coefficient.

        Coefficient k of block m lies between bins k and k + 1 and between the frames at its two ends, so its variance
        is the mean of the bins' and frames' power (1/4, 1/2, 1/4 over three frames), divided by the window's energy,
        moved towards its mean by `slope` and times a gain, which the Gaussian likelihood fits for every coefficient
        (`fit_sigma`): a prediction that errs is best trusted less than wholly.
        """
        power = self.bands.power(bands) / self.window_energy
        power = (power[:, :, :-1] + power[:, :, 1:]) / 2
        power = torch.cat([power, power[..., -1:]], dim=-1)
        kernel = torch.ones(self.frames + 1, device=power.device) / self.frames
        kernel[[0, -1]] /= 2
        flat = rearrange(power, "b c k f -> (b c k) 1 f")
        power = F.conv1d(flat, kernel[None, None], stride=self.frames).view(*power.shape[:3], -1)
        log_sigma = self.slope * (power.log() / 2 - self.log_mean) + self.log_mean + self.log_gain
        return rearrange(log_sigma, "b c k f -> b (c k) f")

    def negative_log_likelihood(self, coefficients: Tensor, log_sigma: Tensor) -> Tensor:
        """Mean of (c / sigma)^2 / 2 + log sigma: Itakura-Saito's distance up to a constant. A scalar."""
        return ((coefficients.float() / log_sigma.exp()).square() / 2 + log_sigma).mean()
