"""Settings of the autoencoder; every rate and hop is derived here and only here."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from dmae.checks import require_whole, with_parts
from dmae.config import presets
from dmae.config.fit import check_decoder, check_encoder, check_prior, check_spectrogram, check_transform
from dmae.config.parts import EncoderConfig, PriorConfig, SpectrogramConfig
from unet1d import UNet1dConfig, from_mapping


@dataclass(frozen=True, kw_only=True)
class DMAEConfig:
    """Sizes of a diffusion magnitude autoencoder (Moûsai, arXiv 2301.11757, section 3).

    `DMAEConfig.small(...)` derives the sizes that depend on each other: a good start for a model of your own.

    Args:
        sample_rate: rate of the waveform, Hz.
        audio_channels: channels of the waveform.
        latent_channels: channels of the latent.
        spectrogram: what the encoder reads; `None` = the waveform itself, for an encoder of your own.
        encoder: spectrogram -> latent; `None` = an encoder of your own, given to `DMAE(config, encoder=...)`.
        latent_bound: `"tanh"` keeps the latent in (-1, 1); `None` leaves it unbounded, which a prior does not allow.
        transform: what is diffused: `"patches"` (the waveform, which the net sees as learned patches, as in the paper),
            `"mdct"` (coefficients of an orthonormal MDCT), `"waveform"` (the waveform itself) or `"own"` (a
            representation of your own, given to `DMAE(config, transform=...)`).
        transform_size: samples per patch, MDCT block or position of a representation of your own; 1 for `"waveform"`.
        transform_window: samples that a learned patch is read from and written to, transform_size plus an even number:
            patches that overlap. `None` = transform_size, as in the paper.
        transform_filters: channels of the patches or of a representation of your own. The MDCT has audio_channels *
            transform_size, the waveform audio_channels.
        prior: where the diffusion starts: `None` = white noise (the paper); a `PriorConfig` scales it to the magnitudes
            that the latent holds.
        decoder: U-Net of the diffusion. It takes in the latent at `latent_depth` and, beside a prior, the log-power of
            the bands at depth 0.
        latent_depth: depth at which the latent is injected.

    Raises:
        ValueError: a value is impossible or two do not fit; names both and says what would do.
    """

    sample_rate: int = 48000
    audio_channels: int = 2
    latent_channels: int = 32
    spectrogram: SpectrogramConfig | None
    encoder: EncoderConfig | None
    latent_bound: Literal["tanh"] | None = "tanh"
    transform: Literal["patches", "mdct", "waveform", "own"] = "patches"
    transform_size: int = 64
    transform_window: int | None = None
    transform_filters: int = 256
    prior: PriorConfig | None = None
    decoder: UNet1dConfig
    latent_depth: int = 4

    def __post_init__(self) -> None:
        """Check every value and how the values fit together."""
        name = "DMAEConfig"
        for key in ("sample_rate", "audio_channels", "latent_channels", "transform_size", "transform_filters"):
            require_whole(name, key, getattr(self, key))
        require_whole(name, "latent_depth", self.latent_depth, least=0)
        require_whole(name, "audio_channels", self.audio_channels, most=64)
        if self.latent_bound not in ("tanh", None):
            raise ValueError(f"{name}: latent_bound must be 'tanh' or None, not {self.latent_bound!r}")
        check_transform(self)
        check_spectrogram(self)
        check_encoder(self)
        check_prior(self)
        check_decoder(self)

    @property
    def hop_length(self) -> int:
        """Samples per latent frame."""
        if self.spectrogram is None or self.encoder is None:  # an encoder of one's own: the decoder says how much
            return self.transform_size * self.decoder.factor_at(self.latent_depth)
        return self.spectrogram.hop_length * self.encoder.patch_size * math.prod(self.encoder.factors)

    @property
    def latent_rate(self) -> float:
        """Latent frames per second."""
        return self.sample_rate / self.hop_length

    @property
    def compression(self) -> float:
        """Numbers in the waveform per number in the latent."""
        return self.audio_channels * self.hop_length / self.latent_channels

    @property
    def net_channels(self) -> int:
        """Channels that the decoder's U-Net reads and writes."""
        return self.transform_filters if self.transform in ("patches", "own") else self.diffused_channels

    @property
    def diffused_channels(self) -> int:
        """Channels of the signal that is diffused."""
        return self.transform_filters if self.transform == "own" else self.audio_channels * self.diffused_size

    @property
    def diffused_size(self) -> int:
        """Samples per position of the signal that is diffused."""
        return self.transform_size if self.transform in ("mdct", "own") else 1

    @property
    def spectrogram_channels(self) -> int:
        """Channels that the paper's encoder reads."""
        return self.audio_channels * self.require_spectrogram().channels_per_audio_channel

    @property
    def input_groups(self) -> int:
        """Groups of the normalisations in the paper's input block: as many as the frames of a patch."""
        return min(1 if self.encoder is None else self.encoder.patch_size, self.spectrogram_channels)

    @property
    def n_bands(self) -> int:
        """Bands of one spectrogram frame, mid and side together."""
        return 0 if self.spectrogram is None else self.spectrogram.bands + self.spectrogram.side_bands

    @property
    def band_channels(self) -> int:
        """Log-powers of bands that belong to one block of coefficients."""
        return self.n_bands * (self.transform_size // self.require_spectrogram().hop_length)

    def require_spectrogram(self) -> SpectrogramConfig:
        """The spectrogram's config; ValueError where the encoder reads the waveform itself."""
        if self.spectrogram is None:
            raise ValueError("DMAEConfig: spectrogram is None, and this needs one; give a SpectrogramConfig")
        return self.spectrogram

    def require_encoder(self) -> EncoderConfig:
        """The encoder's config; ValueError where the encoder is the user's own."""
        if self.encoder is None:
            raise ValueError("DMAEConfig: encoder is None, and this needs one; give an EncoderConfig")
        return self.encoder

    def to_dict(self) -> dict[str, Any]:
        """All fields as a JSON-able dictionary."""
        return {**asdict(self), "decoder": self.decoder.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "DMAEConfig":
        """Invert `to_dict`; an unknown or missing key is a `ValueError` that names it."""
        parts = {
            "spectrogram": SpectrogramConfig,
            "encoder": EncoderConfig,
            "prior": PriorConfig,
            "decoder": UNet1dConfig,
        }
        return from_mapping(cls, with_parts("DMAEConfig", values, parts, optional={"spectrogram", "encoder", "prior"}))

    @classmethod
    def paper(cls) -> "DMAEConfig":
        """The paper's stage 1: 185,107,872 parameters, 48 kHz stereo, [2, 2^18] -> [32, 256]."""
        return cls(**presets.paper())

    @classmethod
    def tiny(cls) -> "DMAEConfig":
        """The bundled model's stage 1: MDCT, bands and a magnitude prior, 48 kHz stereo, 64 times compressed."""
        return cls(**presets.tiny())

    @classmethod
    def small(
        cls,
        *,
        sample_rate: int = 22050,
        audio_channels: int = 1,
        latent_channels: int | None = None,
        hop_length: int | None = None,
        transform: Literal["mdct", "patches", "waveform"] = "mdct",
        width: int = 64,
    ) -> "DMAEConfig":
        """Derive a small model for any rate: transform sizes, depths, injections and channels follow.

        With `"mdct"` it is built as the bundled model (bands, magnitude prior), otherwise as the paper's (magnitudes,
        white noise). What should differ can be changed with `dataclasses.replace`.

        Args:
            sample_rate: rate of the waveform, Hz.
            audio_channels: channels of the waveform; 1 or 2 for `"mdct"`.
            latent_channels: channels of the latent; as many as make it 64 times smaller than the waveform, if `None`.
            hop_length: samples per latent frame, a power of two times the transform's block; about 11 frames a second
                for `"mdct"` and 47 otherwise, if `None`.
            transform: what is diffused, see `DMAEConfig`.
            width: channels of the U-Net's first levels, a multiple of 8; all other widths are derived from it.

        Raises:
            ValueError: a value is impossible; says what would do.
        """
        return cls(
            **presets.small(
                sample_rate=sample_rate,
                audio_channels=audio_channels,
                latent_channels=latent_channels,
                hop_length=hop_length,
                transform=transform,
                width=width,
            )
        )
