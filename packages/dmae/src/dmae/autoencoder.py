"""The diffusion magnitude autoencoder: waveform -> small bounded latent -> waveform by diffusion."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from dmae.checks import require_finite, require_wave
from dmae.config import DMAEConfig
from dmae.decoding import Decoder
from dmae.encoder import BandEncoder, MagnitudeEncoder
from dmae.mel import MelSpectrogram
from dmae.prior import MagnitudePrior
from dmae.spectrogram import BandSpectrogram, MagnitudeSpectrogram
from dmae.transform import LappedTransform, WavePatching, to_mid_side
from unet1d import UNet1d
from vdiffusion import DDIM, Sampler, VObjective

PIECE = 512
"""Blocks of coefficients whose sigma is computed at once."""
OUTLIER = 4.0
"""Largest coefficient / sigma that the decoder is trained on. Where the prior was far too quiet the ratio has heavy
tails: a few numbers that would make up most of a squared error, and of which nothing in the latent tells."""
ATTACK_LAGS = (1, 2, 4)
"""Frames of the spectrogram over which its change is compared."""


@dataclass(frozen=True, kw_only=True)
class Losses:
    """Parts of the training loss, scalars; `None` where the model has no such part.

    Args:
        diffusion: the v-objective on the coefficients or the waveform.
        magnitude: mean absolute error of the bands' log-power, weighted as hearing weights them.
        attack: the same of how the log-power changes within 1, 2 and 4 frames: of how notes begin and end.
        likelihood: Gaussian negative log-likelihood of the coefficients under the prior.
        latent: mean square of the latent before its bound.
        saturation: share of |latent| > 0.99, to be watched and not trained; 0 where the latent has no bound.
    """

    diffusion: Tensor | None
    magnitude: Tensor | None
    attack: Tensor | None
    likelihood: Tensor | None
    latent: Tensor
    saturation: Tensor

    def total(self, *, latent_weight: float = 1e-3, attack_weight: float = 0.0) -> Tensor:
        """What training minimises: the parts' sum, the latent's with a small weight, attacks only if they get one."""
        parts = [part for part in (self.diffusion, self.magnitude, self.likelihood) if part is not None]
        if attack_weight and self.attack is not None:
            parts.append(attack_weight * self.attack)
        return sum(parts, latent_weight * self.latent)


class DMAE(nn.Module):
    """Moûsai's stage 1 (arXiv 2301.11757, section 3).

        encode   waveform ── spectrogram ── encoder ── tanh ──> latent
        decode   latent (── prior ──> sigma), noise ── DDIM ──> coefficients (· sigma) ── inverse ──> waveform

    Waveforms are [batch, channels, samples] in [-1, 1], latents [batch, latent_channels, frames] in (-1, 1) (unless
    `config.latent_bound` is None), with one frame for every `config.hop_length` samples, the last one begun. Any length
    goes in and exactly that length out.

    Args:
        config: all sizes, for example `DMAEConfig.paper()`.
    """

    def __init__(self, config: DMAEConfig) -> None:
        super().__init__()
        self.config = config
        self.spectrogram: MagnitudeSpectrogram | MelSpectrogram | BandSpectrogram
        self.encoder: MagnitudeEncoder | BandEncoder
        if config.spectrogram.bands:
            self.spectrogram, self.encoder = BandSpectrogram(config), BandEncoder(config)
        elif config.spectrogram.mel_channels:
            self.spectrogram = MelSpectrogram(config.spectrogram, sample_rate=config.sample_rate)
            self.encoder = MagnitudeEncoder(config)
        else:
            self.spectrogram, self.encoder = MagnitudeSpectrogram(config), MagnitudeEncoder(config)
        self.transform: WavePatching | LappedTransform | None = None
        if config.transform == "lapped":
            self.transform = LappedTransform(config.transform_size)
        elif config.transform == "patches":
            self.transform = WavePatching(
                config.audio_channels, config.transform_filters, config.transform_size, config.transform_window
            )
        self.prior = MagnitudePrior(config, config.prior) if config.prior else None
        self.decoder = UNet1d(config.decoder)

    # ---- waveform -> latent

    def encode(self, wave: Tensor, *, piece_frames: int = 1024) -> Tensor:
        """[B, C, T] -> latent [B, latent_channels, ceil(T / hop_length)].

        A band encoder works off long files in pieces, which changes nothing but the memory needed.

        Args:
            wave: the waveform, at `config.sample_rate`.
            piece_frames: latent frames per piece.

        Raises:
            ValueError: `wave` is not [batch, audio_channels, one sample or more] of finite floating-point numbers.
        """
        if piece_frames < 1:
            raise ValueError(f"piece_frames={piece_frames}: must be 1 or more")
        wave = self.padded(wave)
        require_finite("wave", wave)
        hop, frames = self.config.hop_length, wave.shape[-1] // self.config.hop_length
        if isinstance(self.encoder, MagnitudeEncoder) or frames <= piece_frames:
            return self._bounded(self._unbounded_latent(wave))
        # What a frame depends on: the blocks' neighbours and the ends of its spectrogram windows.
        margin = self.encoder.reach + math.ceil(self.config.spectrogram.n_fft / 2 / hop)
        pieces = []
        for start in range(0, frames, piece_frames):
            first, last = max(start - margin, 0), min(start + piece_frames + margin, frames)
            latent = self._unbounded_latent(wave[..., first * hop : last * hop])
            pieces.append(latent[..., start - first :][..., : min(piece_frames, frames - start)])
        return self._bounded(torch.cat(pieces, dim=-1))

    def padded(self, wave: Tensor) -> Tensor:
        """[B, C, T] -> the same with zeros up to the next multiple of `hop_length`; ValueError for another shape."""
        require_wave(wave, self.config.audio_channels)
        return F.pad(wave.float(), (0, -wave.shape[-1] % self.config.hop_length))

    def _unbounded_latent(self, wave: Tensor) -> Tensor:
        latent: Tensor = self.encoder(self.spectrogram(wave))
        return latent

    def _bounded(self, latent: Tensor) -> Tensor:
        return latent if self.config.latent_bound is None else latent.tanh()

    def coefficients(self, wave: Tensor) -> Tensor:
        """Waveform [B, C, T], T a multiple of `hop_length` -> what is diffused, before the prior's sigma.

        With the lapped transform its coefficients; otherwise the waveform itself, for the paper's learned transform is
        a part of the net.
        """
        if not isinstance(self.transform, LappedTransform):
            return wave
        x: Tensor = self.transform(self._maybe_mid_side(wave))
        return x

    # ---- latent -> waveform

    def denoise(self, x_t: Tensor, t: Tensor, *, latent: Tensor, bands: Tensor | None = None) -> Tensor:
        """The decoder as a net: x_t [B, diffused channels, L], t [B] and the latent -> v of the shape of x_t.

        The paper's learned transform stands before and behind the U-Net: waveform ── patches ── U-Net ── waveform.

        Args:
            x_t: noisy waveform or coefficients, divided by the prior's sigma if there is one.
            t: diffusion time.
            latent: [B, latent_channels, frames].
            bands: what `condition` makes of the latent, if there is a prior.
        """
        inject = {self.config.latent_depth: latent}
        if bands is not None:
            inject[0] = bands
        if not isinstance(self.transform, WavePatching):
            v: Tensor = self.decoder(x_t, t, inject=inject)
            return v
        patches = self.decoder(self.transform(x_t), t, inject=inject)
        return self.transform.inverse(patches, x_t.shape[-1])

    def condition(self, latent: Tensor) -> Tensor:
        """Latent -> standardised log-power of the bands for every coefficient frame [B, band_channels, L]."""
        prior = self.require_prior()
        return self._pack(prior(latent))

    def magnitudes(self, latent: Tensor) -> Tensor:
        """Latent -> the magnitudes of mid and side that it holds [B, C, bins, F], F = L * frames per latent frame."""
        prior = self.require_prior()
        return prior.bands.power(prior(latent)).sqrt()

    @torch.no_grad()
    def decode(
        self,
        latent: Tensor,
        *,
        length: int | None = None,
        num_steps: int = 20,
        seed: int = 0,
        items: Sequence[int] | None = None,
        noise: Tensor | None = None,
        sampler: Sampler | None = None,
        griffin_lim: int = 0,
        start: float = 1.0,
        window_frames: int = 256,
        callback: Callable[[int, int, Tensor], None] | None = None,
    ) -> Tensor:
        """Latent [B, latent_channels, frames] -> waveform [B, C, length].

        With `griffin_lim` the estimates that the net would give above the time `start` are replaced by one that has
        the magnitudes which the latent holds, with phases from that many Griffin-Lim iterations: the diffusion starts
        from it and noise, as in GLA-Grad++ (arXiv 2511.22293), and is left the phases and the details to mend.

        Args:
            latent: what `encode` or the latent diffusion gives.
            length: samples wanted, at most frames * hop_length (the default).
            num_steps: denoising steps from `start` to 0.
            seed: of the starting noise; item i of the batch has its own noise, from (seed, items[i]).
            items: numbers of the items, by default 0, 1, ...
            noise: the starting noise itself [B, diffused channels, L], instead of drawn noise.
            sampler: by default deterministic `DDIM`.
            griffin_lim: iterations, 0 = none (needs a prior).
            start: diffusion time in (0, 1] at which sampling starts; below 1 only with `griffin_lim`.
            window_frames: latent frames that are denoised at once; a longer latent is denoised window by window, and
                where it starts below time 1, with a sampler that draws no noise, also decoded window by window, in
                memory that does not grow with the length (`dmae.decoding`).
            callback: called as `callback(step, total, estimate)`; where a piece is decoded window by window the
                steps are those of all windows, and the estimate is that of the one at work.

        Raises:
            ValueError: an argument is impossible; the message names it and its value.
        """
        config = self.config
        if latent.ndim != 3 or latent.shape[1] != config.latent_channels or not latent.shape[2]:
            raise ValueError(
                f"latent: expected [batch, channels={config.latent_channels}, frames of 1 or more], "
                f"got {list(latent.shape)}"
            )
        if not latent.is_floating_point():
            raise ValueError(f"latent: expected floating-point numbers, got {latent.dtype}")
        require_finite("latent", latent)
        full = latent.shape[-1] * config.hop_length
        length = full if length is None else length
        if not 1 <= length <= full:
            raise ValueError(f"length={length}: {latent.shape[-1]} latent frames hold 1 to {full} samples")
        if griffin_lim < 0:
            raise ValueError(f"griffin_lim={griffin_lim}: must be 0 (none) or more iterations")
        if not 0 < start <= 1:
            raise ValueError(f"start={start}: must lie above 0, up to 1")
        if start < 1 and not griffin_lim:
            raise ValueError(f"start={start}: only with griffin_lim is there an estimate to start from below time 1")
        if window_frames < 16:
            raise ValueError(f"window_frames={window_frames}: must be 16 or more")
        items = range(latent.shape[0]) if items is None else items
        if len(items) != latent.shape[0]:
            raise ValueError(f"items: {len(items)} numbers for a batch of {latent.shape[0]}")
        shape = (latent.shape[0], config.diffused_channels, full // config.diffused_size)
        if noise is not None and noise.shape != shape:
            raise ValueError(f"noise: expected {list(shape)}, got {list(noise.shape)}")
        decoder = Decoder(
            model=self,
            num_steps=num_steps,
            seed=seed,
            items=items,
            noise=noise,
            sampler=DDIM() if sampler is None else sampler,
            griffin_lim=griffin_lim,
            start=start,
            window_frames=window_frames,
            callback=callback,
        )
        return decoder(latent)[..., :length]

    # ---- loss

    def loss(self, wave: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Training loss of waveforms [B, C, T], a scalar: `losses(wave).total()`."""
        return self.losses(wave, generator=generator).total()

    def losses(
        self,
        wave: Tensor,
        *,
        t: Tensor | None = None,
        noise: Tensor | None = None,
        generator: torch.Generator | None = None,
        latent_noise: float | Tensor = 0.0,
        diffusion: bool = True,
        objective: VObjective | None = None,
    ) -> Losses:
        """The parts of the training loss.

        The diffusion's gradient reaches the encoder in the paper's setting; beside a prior it does not: the latent is
        then learned from the magnitudes alone, which it does in minutes where the phase takes days.

        Args:
            wave: waveforms [B, C, T].
            t: diffusion times [B] instead of drawn ones.
            noise: noise of the shape of what is diffused instead of drawn noise.
            generator: for what is drawn.
            latent_noise: standard deviation of noise added to the latent, so that the decoder forgives a generator; or
                that noise itself, of the latent's shape.
            diffusion: False leaves the diffusion out (and, with it, the likelihood).
            objective: by default `VObjective()`.
        """
        wave = self.padded(wave)
        features = self.spectrogram(wave)
        unbounded = self.encoder(features)
        clean = self._bounded(unbounded)
        latent = clean
        if isinstance(latent_noise, Tensor):
            latent = clean + latent_noise.to(clean)
        elif latent_noise:
            device = generator.device if generator else clean.device
            drawn = torch.randn(clean.shape, generator=generator, device=device, dtype=torch.float32)
            latent = clean + latent_noise * drawn.to(clean)
        magnitude = attack = likelihood = loss = bands = None
        conditions: dict[str, Tensor] = {"latent": latent}
        if self.prior is not None:
            predicted = self.prior(latent)
            error = predicted - features
            magnitude = self._heard(error)
            attack = self._attack(error)
            bands = self._pack(predicted.detach())
            conditions = {"latent": latent.detach(), "bands": bands}
        if diffusion:
            x = self.coefficients(wave)
            if self.prior is not None and bands is not None:
                log_sigma = self.prior.log_sigma(self.unpack(bands))
                likelihood = self.prior.negative_log_likelihood(x, log_sigma)
                x = (x / log_sigma.detach().exp()).clamp(-OUTLIER, OUTLIER)
            objective = VObjective() if objective is None else objective
            loss = objective.loss(self.denoise, x, t=t, noise=noise, generator=generator, **conditions)
        return Losses(
            diffusion=loss,
            magnitude=magnitude,
            attack=attack,
            likelihood=likelihood,
            latent=unbounded.float().square().mean(),
            saturation=self._saturation(clean.detach()),
        )

    def _attack(self, error: Tensor) -> Tensor:
        """Mean of `_heard` of how the bands' error [B, bands, F] changes over `ATTACK_LAGS`; 0 for a single frame."""
        lags = [lag for lag in ATTACK_LAGS if lag < error.shape[-1]]
        if not lags:
            return error.new_zeros(())
        return torch.stack([self._heard(error[..., lag:] - error[..., :-lag]) for lag in lags]).mean()

    def _heard(self, error: Tensor) -> Tensor:
        """Mean size of the bands' error [B, bands, F], each band weighted as hearing weights it."""
        return (error.abs().mean(dim=(0, 2)) * self.require_prior().bands.weights).mean()

    def _saturation(self, latent: Tensor) -> Tensor:
        share = (latent.abs() > 0.99).float().mean()
        return torch.zeros_like(share) if self.config.latent_bound is None else share

    # ---- between coefficients, bands, spectrum and waveform

    def require_prior(self) -> MagnitudePrior:
        """The prior; ValueError where the model has none."""
        if self.prior is None:
            raise ValueError("this model has no magnitude prior (config.prior is None), which this needs")
        return self.prior

    def _maybe_mid_side(self, wave: Tensor) -> Tensor:
        return to_mid_side(wave) if isinstance(self.transform, LappedTransform) and wave.shape[1] == 2 else wave

    def _pack(self, bands: Tensor) -> Tensor:
        prior = self.require_prior()
        standard = (bands - prior.mean[:, None]) / prior.scale[:, None]
        return rearrange(standard, "b n (l f) -> b (f n) l", f=prior.frames)

    def unpack(self, packed: Tensor) -> Tensor:
        """What `condition` gives -> log-power of the bands [B, bands, F]."""
        prior = self.require_prior()
        bands = rearrange(packed, "b (f n) l -> b n (l f)", f=prior.frames)
        return bands * prior.scale[:, None] + prior.mean[:, None]

    def target_magnitudes(self, packed: Tensor) -> Tensor:
        """What `condition` gives -> magnitudes of mid and side [B, C, bins, F + 1], as the waveform's spectrum has."""
        magnitudes = self.require_prior().bands.power(self.unpack(packed)).sqrt()
        return torch.cat([magnitudes, magnitudes[..., -1:]], dim=-1)  # the frame at the very end repeats the last

    def to_wave(self, x: Tensor, bands: Tensor | None, length: int) -> Tensor:
        """What was diffused [B, diffused channels, L], with what `condition` gives -> waveform [B, C, length]."""
        if not isinstance(self.transform, LappedTransform):
            return x[..., :length]
        if bands is not None:
            x = self._times_sigma(x, bands)
        return self._maybe_mid_side(self.transform.inverse(x))

    def over_sigma(self, coefficients: Tensor, bands: Tensor) -> Tensor:
        """Coefficients [B, ..., L] -> what is diffused; the inverse of what `to_wave` multiplies by."""
        scaled = torch.empty_like(coefficients)
        for piece, sigma in self._sigmas(bands):
            scaled[..., piece] = coefficients[..., piece] / sigma
        return scaled

    def _times_sigma(self, x: Tensor, bands: Tensor) -> Tensor:
        scaled = torch.empty_like(x)
        for piece, sigma in self._sigmas(bands):
            scaled[..., piece] = x[..., piece] * sigma
        return scaled

    def _sigmas(self, bands: Tensor) -> Iterator[tuple[slice, Tensor]]:
        """Sigma piece by piece, and where: on the way to it there are a dozen tensors of its size."""
        for first in range(0, bands.shape[-1], PIECE):
            # A block's sigma also hears the first spectrum of the block after it.
            near = bands[..., first : first + PIECE + 1]
            yield slice(first, first + PIECE), self.require_prior().log_sigma(self.unpack(near)).exp()[..., :PIECE]
