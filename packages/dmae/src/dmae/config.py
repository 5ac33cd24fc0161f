"""Settings of the autoencoder: frozen, self-checking, JSON-able; every rate and hop is derived here and only here."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from dmae.checks import require_whole, with_parts
from dmae.parts import EncoderConfig, PriorConfig, SpectrogramConfig
from unet1d import Level, UNet1dConfig, from_mapping


@dataclass(frozen=True, kw_only=True)
class DMAEConfig:
    """A diffusion magnitude autoencoder (Moûsai, arXiv 2301.11757, section 3).

    Args:
        sample_rate: Hz.
        audio_channels: channels of the waveform.
        latent_channels: channels of the latent.
        spectrogram: what the encoder looks at.
        encoder: spectrogram -> latent.
        latent_bound: `"tanh"` keeps the latent in (-1, 1); `None` leaves it as the encoder gives it, but not beside a
            prior.
        transform: `"patches"` (the paper's learned transform), `"lapped"` (an orthonormal lapped transform) or `"none"`
            (the waveform itself is diffused).
        transform_size: samples per coefficient frame; 1 without a transform.
        transform_window: samples that a learned patch is read from and written to, transform_size and an even number
            more: patches that overlap; `None` = transform_size (the paper).
        transform_filters: channels of the learned patches; the lapped transform has audio_channels * transform_size,
            the waveform itself audio_channels.
        prior: `None` starts the diffusion from white noise (the paper); a `PriorConfig` scales it to the magnitudes
            that the latent holds.
        decoder: the U-Net on the coefficients. It takes the latent in at `latent_depth` and, beside a prior, the
            log-powers of the bands at depth 0.
        latent_depth: depth at which the latent is injected.

    Raises:
        ValueError: a value is impossible or two do not fit; names both and what would do.
    """

    sample_rate: int = 48000
    audio_channels: int = 2
    latent_channels: int = 32
    spectrogram: SpectrogramConfig
    encoder: EncoderConfig
    latent_bound: Literal["tanh"] | None = "tanh"
    transform: Literal["patches", "lapped", "none"] = "patches"
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
        if self.latent_bound not in ("tanh", None):
            raise ValueError(f"{name}: latent_bound must be 'tanh' or None, not {self.latent_bound!r}")
        if self.transform not in ("patches", "lapped", "none"):
            raise ValueError(f"{name}: transform must be 'patches', 'lapped' or 'none', not {self.transform!r}")
        if self.transform == "lapped" and self.transform_size % 2:
            raise ValueError(f"{name}: transform_size={self.transform_size} must be even for the lapped transform")
        if self.transform == "none" and self.transform_size != 1:
            raise ValueError(f"{name}: transform_size={self.transform_size} must be 1 where transform is 'none'")
        self._check_window(name)
        spectrogram = self.spectrogram
        if spectrogram.bands and self.audio_channels > 2:
            raise ValueError(f"{name}: bands are of mid and side; audio_channels must be 1 or 2")
        if bool(spectrogram.side_bands) != (bool(spectrogram.bands) and self.audio_channels == 2):
            raise ValueError(f"{name}: side_bands belong to bands and two audio_channels, and only there")
        if spectrogram.bands and len(self.encoder.factors) != 1:
            raise ValueError(f"{name}: the band encoder has one stage; give one factor, not {self.encoder.factors}")
        self._check_encoder(name)
        if self.prior is not None:
            if self.latent_bound is None:
                raise ValueError(f"{name}: a prior undoes the tanh; latent_bound must be 'tanh' beside it, not None")
            if not spectrogram.bands or self.transform != "lapped":
                raise ValueError(f"{name}: a prior needs spectrogram.bands and transform='lapped'")
            if 2 * self.transform_size != spectrogram.n_fft or self.transform_size % spectrogram.hop_length:
                raise ValueError(
                    f"{name}: beside a prior transform_size must be n_fft / 2 = {spectrogram.n_fft / 2:g} and a "
                    f"multiple of hop_length={spectrogram.hop_length}, not {self.transform_size}"
                )
        decoder = self.decoder
        if decoder.in_channels != self.net_channels or decoder.out_channels not in (None, self.net_channels):
            raise ValueError(
                f"{name}: the transform gives {self.net_channels} channels; the decoder has in_channels="
                f"{decoder.in_channels}, out_channels={decoder.out_channels}"
            )
        expected = {self.latent_depth: self.latent_channels}
        if self.prior is not None:
            if self.latent_depth == 0:
                raise ValueError(f"{name}: latent_depth must be above 0 beside a prior, whose bands enter at depth 0")
            expected[0] = self.band_channels
        if decoder.inject_channels != expected:
            raise ValueError(
                f"{name}: the decoder must inject {expected} (depth: channels), not {decoder.inject_channels}"
            )
        if self.transform_size * decoder.factor_at(self.latent_depth) != self.hop_length:
            raise ValueError(
                f"{name}: one latent frame is {self.hop_length} samples, one position at depth {self.latent_depth} is "
                f"{self.transform_size * decoder.factor_at(self.latent_depth)}; they must be the same"
            )

    def _check_window(self, name: str) -> None:
        window, size = self.transform_window, self.transform_size
        if window is None:
            return
        require_whole(name, "transform_window", window)
        if self.transform != "patches":
            raise ValueError(
                f"{name}: transform_window={window} belongs to transform='patches', not {self.transform!r}"
            )
        if window < size or (window - size) % 2:
            raise ValueError(
                f"{name}: transform_window={window} must be transform_size={size} or an even number more, so that it "
                "reaches as far to both sides"
            )

    def _check_encoder(self, name: str) -> None:
        encoder = self.encoder
        if self.spectrogram.bands:
            if not encoder.is_plain:
                raise ValueError(f"{name}: the band encoder has no multipliers, patch_size or project=False")
            return
        if not encoder.project and encoder.widths[-1] != self.latent_channels:
            raise ValueError(
                f"{name}: with encoder.project=False the {encoder.widths[-1]} channels of the last stage are the "
                f"latent; latent_channels={self.latent_channels} must be as many"
            )
        groups = self.input_groups
        for what, channels in (
            (f"{self.spectrogram_channels} spectrogram channels", self.spectrogram_channels),
            (f"{encoder.widths[0] // encoder.patch_size} channels per patch", encoder.widths[0] // encoder.patch_size),
        ):
            if channels % groups:
                raise ValueError(
                    f"{name}: the encoder's input block has patch_size={encoder.patch_size}, hence {groups} groups, "
                    f"which must divide its {what}"
                )

    @property
    def hop_length(self) -> int:
        """Samples per latent frame."""
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
        """Channels of what the decoder's U-Net works on."""
        return self.transform_filters if self.transform == "patches" else self.diffused_channels

    @property
    def diffused_channels(self) -> int:
        """Channels of what is diffused: the coefficients of the lapped transform, or else the waveform."""
        return self.audio_channels * self.diffused_size

    @property
    def diffused_size(self) -> int:
        """Samples per position of what is diffused."""
        return self.transform_size if self.transform == "lapped" else 1

    @property
    def spectrogram_channels(self) -> int:
        """Channels of what the encoder reads, where that is no bands."""
        return self.audio_channels * self.spectrogram.channels_per_audio_channel

    @property
    def input_groups(self) -> int:
        """Groups of the normalisations in the paper's input block: as many as the frames that it lays side by side."""
        return min(self.encoder.patch_size, self.spectrogram_channels)

    @property
    def n_bands(self) -> int:
        """Bands of one spectrogram frame, mid and side together."""
        return self.spectrogram.bands + self.spectrogram.side_bands

    @property
    def band_channels(self) -> int:
        """Log-powers that belong to one coefficient frame."""
        return self.n_bands * (self.transform_size // self.spectrogram.hop_length)

    def to_dict(self) -> dict[str, Any]:
        """All fields as a JSON-able dictionary."""
        return {**asdict(self), "decoder": self.decoder.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "DMAEConfig":
        """The inverse of `to_dict`; an unknown or missing key is a `ValueError` that names it."""
        parts = {
            "spectrogram": SpectrogramConfig,
            "encoder": EncoderConfig,
            "prior": PriorConfig,
            "decoder": UNet1dConfig,
        }
        return from_mapping(cls, with_parts("DMAEConfig", values, parts, optional={"prior"}))

    @classmethod
    def paper(cls) -> "DMAEConfig":
        """The paper's stage 1: 185,107,872 parameters, 48 kHz stereo, [2, 2^18] -> [32, 256]."""
        channels, factors, items = (256, 512, 512, 512, 1024, 1024, 1024), (1, 2, 2, 2, 2, 2, 2), (1, 2, 2, 2, 2, 2, 2)
        return cls(
            spectrogram=SpectrogramConfig(),
            encoder=EncoderConfig(),
            decoder=UNet1dConfig(
                in_channels=256,
                levels=tuple(
                    Level(channels=c, factor=f, num_blocks=i, inject_channels=32 if depth == 4 else 0)
                    for depth, (c, f, i) in enumerate(zip(channels, factors, items, strict=True))
                ),
            ),
        )

    @classmethod
    def tiny(cls) -> "DMAEConfig":
        """The bundled model's stage 1: bands of the magnitude, lapped transform, magnitude prior, 64 times compressed.

        The latent has 128 channels of 4096 samples where the paper has 32 of 1024: the same rate of numbers, but a
        block of 85 ms holds a chord and its drum hits in one vector, which a linear map already fills well.
        """
        return cls(
            latent_channels=128,
            spectrogram=SpectrogramConfig(n_fft=2048, hop_length=512, bands=200, side_bands=60),
            encoder=EncoderConfig(width=384, factors=(8,), blocks=(3,)),
            prior=PriorConfig(width=384, blocks=4),
            transform="lapped",
            transform_size=1024,
            decoder=UNet1dConfig(
                in_channels=2048,
                levels=(
                    Level(channels=256, inject_channels=520),
                    Level(channels=192, factor=2),
                    Level(channels=192, factor=2, inject_channels=128),
                ),
                modulation_features=256,
                zero_init_residual=True,
                outer_skip=False,
            ),
            latent_depth=2,
        )
