"""Diffusion magnitude autoencoder: waveform -> small bounded latent -> waveform by diffusion."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dmae.checks import require_finite, require_latent, require_wave
from dmae.circular import CircularDecoder, around
from dmae.config import DecodingConfig, DMAEConfig
from dmae.decode import Decoder
from dmae.losses import Losses
from dmae.parts import build_encoder, build_prior, build_spectrogram, build_transform
from dmae.prior import MagnitudePrior, WhitePrior
from dmae.protocols import Representation
from dmae.streaming import StreamingDecoder
from unet1d import UNet1d
from vdiffusion import Callback, NoiseSource, VObjective


class DMAE(nn.Module):
    """Moûsai's stage 1 (arXiv 2301.11757, section 3).

        encode   waveform ── spectrogram ── encoder ── tanh ──> latent
        decode   latent, noise ── prior ── net, steps of a sampler ──> coefficients ── synthesis ──> waveform

    Waveforms are tensors [batch, channels, samples] in [-1, 1]. Latents are tensors [batch, latent_channels, frames] in
    (-1, 1), or unbounded where `config.latent_bound` is None, with one frame for every `config.hop_length` samples or
    part of them. Any length goes in, and exactly that length comes out.

    Args:
        config: all sizes, for example `DMAEConfig.paper()` or `DMAEConfig.small(...)`.
        encoder: an encoder of your own (`dmae.protocols.Encoder`), where `config.encoder` is None.
        transform: a representation of your own (`dmae.protocols.Representation`), where `config.transform` is "own".

    Raises:
        ValueError: a part is missing, or given beside one that the config describes.
    """

    def __init__(
        self, config: DMAEConfig, *, encoder: nn.Module | None = None, transform: Representation | None = None
    ) -> None:
        super().__init__()
        self.config = config
        self.spectrogram: nn.Module = build_spectrogram(config)
        self.encoder: nn.Module = build_encoder(config, encoder)
        self.transform: Representation = build_transform(config, transform)
        self.prior: WhitePrior | MagnitudePrior = build_prior(config)
        self.decoder = UNet1d(config.decoder)

    # ---- waveform -> latent

    def encode(self, wave: Tensor, *, piece_frames: int = 1024) -> Tensor:
        """Encode a waveform [B, C, T] to a latent [B, latent_channels, ceil(T / hop_length)].

        An encoder with a `receptive_field` encodes long files in pieces: the numbers are the same, and memory does not
        grow with the length.

        Args:
            wave: waveform at `config.sample_rate`.
            piece_frames: latent frames per piece.

        Raises:
            ValueError: `wave` is no tensor [batch, audio_channels, one sample or more] of finite floating-point
                numbers, or an encoder of your own gives another shape than it should.
        """
        if piece_frames < 1:
            raise ValueError(f"piece_frames={piece_frames}: must be 1 or more")
        wave = self.pad(wave)
        require_finite("wave", wave)
        hop, frames = self.config.hop_length, wave.shape[-1] // self.config.hop_length
        field: int | None = getattr(self.encoder, "receptive_field", None)
        if field is None or frames <= piece_frames:
            return self._bound(self._unbounded(self.spectrogram(wave), frames))
        # Latent frames on which a frame depends, to each side: through the encoder, then through the spectrogram.
        margin = field + -(-int(getattr(self.spectrogram, "receptive_field", 0)) // hop)
        pieces = []
        for start in range(0, frames, piece_frames):
            first, last = max(start - margin, 0), min(start + piece_frames + margin, frames)
            latent = self._unbounded(self.spectrogram(wave[..., first * hop : last * hop]), last - first)
            pieces.append(latent[..., start - first :][..., : min(piece_frames, frames - start)])
        return self._bound(torch.cat(pieces, dim=-1))

    def pad(self, wave: Tensor) -> Tensor:
        """Pad [B, C, T] with zeros to the next multiple of `hop_length`; ValueError for another shape."""
        require_wave(wave, self.config.audio_channels)
        return F.pad(wave.float(), (0, -wave.shape[-1] % self.config.hop_length))

    def _unbounded(self, features: Tensor, frames: int) -> Tensor:
        latent: Tensor = self.encoder(features)
        if latent.shape != (len(features), self.config.latent_channels, frames):
            raise ValueError(
                f"encoder: gave a latent of shape {list(latent.shape)} for features of shape {list(features.shape)}; "
                f"expected {[len(features), self.config.latent_channels, frames]}"
            )
        return latent

    def _bound(self, latent: Tensor) -> Tensor:
        return latent if self.config.latent_bound is None else latent.tanh()

    # ---- latent -> waveform

    def denoise(
        self, x_t: Tensor, t: Tensor, *, latent: Tensor, bands: Tensor | None = None, circular: bool = False
    ) -> Tensor:
        """Predict v with the U-Net, which sees x_t through the representation.

        Args:
            x_t: noisy waveform or coefficients, whitened by the prior [B, diffused channels, L].
            t: diffusion time [B].
            latent: latent [B, latent_channels, frames].
            bands: condition that a magnitude prior gives beside the latent [B, band_channels, L].
            circular: whether the waveform is a circle, whose end is followed by its start.

        Returns:
            v, of the shape of x_t.
        """
        inject = {self.config.latent_depth: latent}
        if bands is not None:
            inject[0] = bands
        if circular:
            return self._denoise_circle(x_t, t, inject)
        v: Tensor = self.decoder(self.transform.to_net(x_t), t, inject=inject)
        return self.transform.from_net(v, x_t.shape[-1])

    def _denoise_circle(self, x_t: Tensor, t: Tensor, inject: dict[int, Tensor]) -> Tensor:
        """The same on a circle: a representation may look, and write, up to a latent frame beyond either end."""
        length, frames = x_t.shape[-1], inject[self.config.latent_depth].shape[-1]
        seen = self.transform.to_net(around(x_t, length // frames))
        reach = seen.shape[-1] // (frames + 2)
        v: Tensor = self.decoder(seen[..., reach:-reach], t, inject=inject, circular=True)
        beyond = self.transform.from_net(around(v, reach), length + 2 * (length // frames))
        return beyond[..., length // frames :][..., :length]

    @torch.no_grad()
    def decode(
        self,
        latent: Tensor,
        config: DecodingConfig | None = None,
        *,
        length: int | None = None,
        noise: NoiseSource | None = None,
        initial_noise: Tensor | None = None,
        callback: Callback | None = None,
        circular: bool = False,
    ) -> Tensor:
        """Decode a latent [B, latent_channels, frames] to a waveform [B, C, length].

        Args:
            latent: latent from `encode` or from a latent diffusion.
            config: steps, sampler, Griffin-Lim and windows; `DecodingConfig()` by default.
            length: samples wanted, 1 to frames * hop_length (the default).
            noise: seed, and one index per batch member; by default seed 0 and indices 0, 1, ...
            initial_noise: starting noise itself [B, diffused channels, L], instead of drawn noise.
            callback: called as `callback(step, total, estimate)` after each step. Where windows are decoded one after
                the other, the steps of all windows are counted, and the estimate is that of the current window.
            circular: whether the latent is a circle, whose end is followed by its start. The waveform then is one too,
                as long as its frames; it is decoded at once, so that memory grows with the length.

        Raises:
            ValueError: an argument is impossible; the message names it and its value.
        """
        require_latent(latent, self.config.latent_channels)
        batch, full = latent.shape[0], latent.shape[-1] * self.config.hop_length
        length = full if length is None else length
        if not 1 <= length <= full:
            raise ValueError(f"length={length}: {latent.shape[-1]} latent frames hold 1 to {full} samples")
        if circular and length != full:
            raise ValueError(f"length={length}: a circle of {latent.shape[-1]} latent frames has {full} samples")
        noise = NoiseSource(0, range(batch)) if noise is None else noise
        if len(noise.indices) != batch:
            raise ValueError(f"noise: {len(noise.indices)} indices for a batch of {batch}; give one per batch member")
        shape = (batch, self.config.diffused_channels, full // self.config.diffused_size)
        if initial_noise is not None and initial_noise.shape != shape:
            raise ValueError(f"initial_noise: expected {list(shape)}, got {list(initial_noise.shape)}")
        decoder = self._decoder(CircularDecoder if circular else Decoder, config, noise, callback)
        return decoder(latent, initial_noise)[..., :length]

    def streaming_decoder(self, config: DecodingConfig | None = None, *, noise: NoiseSource) -> StreamingDecoder:
        """Return a decoder for latents that are not all known yet: waveform stretch by stretch, at constant memory.

        Args:
            config: as for `decode`; of the windows only the sampler's.
            noise: seed, and one index per batch member.
        """
        return StreamingDecoder(self._decoder(Decoder, config, noise))

    def _decoder(
        self, kind: type[Decoder], config: DecodingConfig | None, noise: NoiseSource, callback: Callback | None = None
    ) -> Decoder:
        """A decoder with this model's parts; the arguments are those of `decode`."""
        return kind(
            denoise=self.denoise,
            transform=self.transform,
            prior=self.prior,
            sizes=self.config,
            config=DecodingConfig() if config is None else config,
            noise=noise,
            callback=callback,
        )

    @torch.no_grad()
    def reconstruct(
        self, wave: Tensor, config: DecodingConfig | None = None, *, noise: NoiseSource | None = None
    ) -> Tensor:
        """Encode a waveform [B, C, T] and decode its latent again; see `encode` and `decode`."""
        return self.decode(self.encode(wave), config, length=wave.shape[-1], noise=noise)

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
        """Parts of the training loss.

        In the paper's setting the gradient of the diffusion trains the encoder. Beside a magnitude prior it does not:
        the latent is then learned from the magnitudes alone (`MagnitudePrior.training_terms`).

        Args:
            wave: waveforms [B, C, T].
            t: diffusion times [B], instead of drawn ones.
            noise: noise of the shape of what is diffused, instead of drawn noise.
            generator: source of the random numbers that are drawn.
            latent_noise: standard deviation of noise added to the latent, so that the decoder tolerates the errors of a
                latent diffusion; or that noise itself, of the latent's shape.
            diffusion: False leaves the diffusion out, and with it the likelihood.
            objective: objective of the diffusion, `VObjective()` by default.
        """
        wave = self.pad(wave)
        features = self.spectrogram(wave)
        unbounded = self._unbounded(features, wave.shape[-1] // self.config.hop_length)
        clean = self._bound(unbounded)
        terms = self.prior.training_terms(_add_noise(clean, latent_noise, generator), features)
        loss = likelihood = None
        if diffusion:
            x, likelihood = self.prior.normalise(self.transform.analyse(wave), terms.conditions)
            objective = VObjective() if objective is None else objective
            loss = objective.loss(
                self.denoise, x, t=t, noise=noise, generator=generator, latent=terms.latent, **terms.conditions
            )
        return Losses(
            diffusion=loss,
            magnitude=terms.magnitude,
            attack=terms.attack,
            likelihood=likelihood,
            latent=unbounded.float().square().mean(),
            saturation=self._saturation(clean.detach()),
        )

    def _saturation(self, latent: Tensor) -> Tensor:
        share = (latent.abs() > 0.99).float().mean()
        return torch.zeros_like(share) if self.config.latent_bound is None else share


def _add_noise(latent: Tensor, amount: float | Tensor, generator: torch.Generator | None) -> Tensor:
    """Latent plus given noise, or plus drawn noise of a standard deviation."""
    if isinstance(amount, Tensor):
        return latent + amount.to(latent)
    if not amount:
        return latent
    device = generator.device if generator else latent.device
    drawn = torch.randn(latent.shape, generator=generator, device=device, dtype=torch.float32)
    return latent + amount * drawn.to(latent)
