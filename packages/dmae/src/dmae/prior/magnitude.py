"""Latent -> log-power of every band -> standard deviation of every coefficient, from which the diffusion starts."""

from collections.abc import Iterator, Mapping

import torch
from einops import rearrange
from torch import Tensor, nn

from dmae.config import DMAEConfig, PriorConfig
from dmae.encoder import LinearPlusBody
from dmae.losses import PriorTerms, attack_l1, perceptual_l1
from dmae.spectrogram import BandSpectrogram

BOUND = 0.95
"""Largest |latent| that is read. Music stays within it; beyond, atanh would turn a small overshoot into a burst."""
OUTLIER = 4.0
"""Largest coefficient / sigma in training. Where the predicted sigma is far too small the ratio has heavy tails: a few
numbers that would dominate the squared error, and that the latent cannot explain."""
BLOCKS_AT_ONCE = 512
"""Blocks of coefficients whose sigma is computed at once, which bounds the memory."""


class MagnitudePrior(nn.Module):
    """Data-dependent start of the diffusion, as in PriorGrad (arXiv 2106.06406) and SpecGrad (arXiv 2203.16749).

        latent ── atanh ── LinearPlusBody ──> log-power of the bands ── spread over bins ──> sigma of the coefficients

    The diffusion then works on coefficients / sigma, whose variance is one everywhere.

    Args:
        config: sizes of the autoencoder, with `spectrogram.bands` and the MDCT.
        settings: sizes of the prior, `config.prior`.
    """

    def __init__(self, config: DMAEConfig, settings: PriorConfig) -> None:
        super().__init__()
        spectrogram = config.require_spectrogram()
        self.factor = config.hop_length // spectrogram.hop_length
        self.frames = config.transform_size // spectrogram.hop_length
        self.receptive_field = settings.blocks
        self.bands = BandSpectrogram(spectrogram, sample_rate=config.sample_rate)
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
        self.window_energy = 3 / 8 * spectrogram.n_fft  # of the periodic Hann window

    def forward(self, latent: Tensor) -> Tensor:
        """Latent [B, Z, L] in [-1, 1] -> log-power of the bands [B, bands, L * factor]."""
        x = self.before_bound(latent).transpose(1, 2)
        bands: Tensor = rearrange(self.net(x), "b l (f n) -> b n (l f)", f=self.factor)
        return bands * self.scale[:, None] + self.mean[:, None]

    @staticmethod
    def before_bound(latent: Tensor) -> Tensor:
        """Latent in [-1, 1] -> the encoder's output before its tanh, in float32, which is what the net reads.

        Principal components are a linear map both ways then. A generated latent may lie a little outside the bound.
        """
        return torch.atanh(latent.float().clamp(-BOUND, BOUND))

    def log_sigma(self, bands: Tensor) -> Tensor:
        """Log-power of the bands [B, bands, F] -> log of sigma [B, C * size, F * hop / size] for every coefficient.

        Coefficient k of block m lies between bins k and k + 1, and between the frames at the two ends of the block. Its
        variance is the mean power of these bins and frames (weights 1/4, 1/2, 1/4 over three frames), divided by the
        energy of the window. `slope` shrinks its logarithm towards the mean and `log_gain` scales it; the Gaussian
        likelihood fits both for every coefficient (`fit_sigma`), since a prediction with errors should not be trusted
        fully.
        """
        power = self.bands.band_power(bands) / self.window_energy
        # The mean over frames first, while there are bands and not yet bins: the first of a block counts half, and so
        # does the first of the next one.
        ends = torch.cat([power[..., 1:], power[..., -1:]], dim=-1)
        power = (self._mean_of_block(power) + self._mean_of_block(ends)) / 2
        power = self.bands.spread(power)
        power = (power[:, :, :-1] + power[:, :, 1:]) / 2
        log_sigma = self.slope * (power.log() / 2 - self.log_mean) + self.log_mean + self.log_gain
        return rearrange(log_sigma, "b c k f -> b (c k) f")

    def negative_log_likelihood(self, coefficients: Tensor, log_sigma: Tensor) -> Tensor:
        """Mean of (c / sigma)^2 / 2 + log sigma, a scalar: the Itakura-Saito distance up to a constant."""
        return ((coefficients.float() / log_sigma.exp()).square() / 2 + log_sigma).mean()

    # ---- decoding

    def conditions(self, latent: Tensor) -> dict[str, Tensor]:
        """Latent -> `bands`, the standardised log-power of every band for each block [B, band_channels, L]."""
        return {"bands": self._pack(self(latent))}

    def magnitudes(self, conditions: Mapping[str, Tensor]) -> Tensor:
        """Conditions -> magnitudes of mid and side [B, C, bins, F + 1], as many frames as `torch.stft` gives."""
        # The root and the frame at the very end, which repeats the last, while there are bands and not yet bins.
        magnitudes = self.bands.band_power(self._unpack(conditions["bands"])).sqrt()
        return self.bands.spread(torch.cat([magnitudes, magnitudes[..., -1:]], dim=-1))

    def whiten(self, x: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """Coefficients [B, C * size, L] -> coefficients / sigma, which is what is diffused."""
        scaled = torch.empty_like(x)
        for blocks, sigma in self._sigmas(conditions["bands"]):
            scaled[..., blocks] = x[..., blocks] / sigma
        return scaled

    def unwhiten(self, x: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """Invert `whiten`: diffused coefficients -> coefficients."""
        scaled = torch.empty_like(x)
        for blocks, sigma in self._sigmas(conditions["bands"]):
            scaled[..., blocks] = x[..., blocks] * sigma
        return scaled

    def require_magnitudes(self) -> "MagnitudePrior":
        """Itself; `WhitePrior` raises here."""
        return self

    # ---- training

    def training_terms(self, latent: Tensor, features: Tensor) -> PriorTerms:
        """Latent and true bands -> losses of the magnitudes, and the inputs of the net.

        The latent is given to the net without its gradient. It is then learned from the magnitudes alone, which takes
        minutes where the phase takes days.
        """
        predicted = self(latent)
        error = predicted - features
        return PriorTerms(
            latent=latent.detach(),
            conditions={"bands": self._pack(predicted.detach())},
            magnitude=perceptual_l1(error, self.bands.weights),
            attack=attack_l1(error, self.bands.weights),
        )

    def normalise(self, x: Tensor, conditions: Mapping[str, Tensor]) -> tuple[Tensor, Tensor | None]:
        """Coefficients -> coefficients / sigma without outliers, and their negative log-likelihood."""
        log_sigma = self.log_sigma(self._unpack(conditions["bands"]))
        likelihood = self.negative_log_likelihood(x, log_sigma)
        return (x / log_sigma.detach().exp()).clamp(-OUTLIER, OUTLIER), likelihood

    def _mean_of_block(self, power: Tensor) -> Tensor:
        """[..., F] -> mean over the frames of each block [..., F / frames]."""
        mean: Tensor = power.unflatten(-1, (-1, self.frames)).mean(-1)
        return mean

    # ---- bands as the net reads them

    def _pack(self, bands: Tensor) -> Tensor:
        standard = (bands - self.mean[:, None]) / self.scale[:, None]
        return rearrange(standard, "b n (l f) -> b (f n) l", f=self.frames)

    def _unpack(self, packed: Tensor) -> Tensor:
        """Inverse of `_pack`: log-power of the bands [B, bands, F]."""
        bands = rearrange(packed, "b (f n) l -> b n (l f)", f=self.frames)
        return bands * self.scale[:, None] + self.mean[:, None]

    def _sigmas(self, packed: Tensor) -> Iterator[tuple[slice, Tensor]]:
        """Sigma of some blocks at a time, and which: computing it takes a dozen tensors of its size."""
        for first in range(0, packed.shape[-1], BLOCKS_AT_ONCE):
            # The sigma of a block also depends on the first frame of the block after it.
            near = packed[..., first : first + BLOCKS_AT_ONCE + 1]
            blocks = slice(first, first + BLOCKS_AT_ONCE)
            yield blocks, self.log_sigma(self._unpack(near)).exp()[..., :BLOCKS_AT_ONCE]
