"""Settings of the autoencoder: frozen, self-checking, JSON-able; every rate and hop is derived here and only here."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from unet1d import Level, UNet1dConfig
from unet1d.config import from_mapping


def _require_whole(owner: str, key: str, value: object, *, least: int = 1) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{owner}: {key} must be a whole number of {least} or more, not {value!r}")


@dataclass(frozen=True, kw_only=True)
class SpectrogramConfig:
    """What the encoder looks at.

    Args:
        n_fft: window of the Fourier transform, in samples.
        hop_length: samples between two frames.
        bands: 0 = the plain magnitude of every bin and channel (the paper); otherwise the logarithm of the power in
            this many bands of the mid signal, one bin wide in the bass and of constant ratio above.
        side_bands: the same for the side signal (left minus right); only beside `bands`.
        floor: power added before the logarithm, so that silence is finite.
    """

    n_fft: int = 1023
    hop_length: int = 256
    bands: int = 0
    side_bands: int = 0
    floor: float = 1e-3

    def __post_init__(self) -> None:
        """Check every value."""
        name = "SpectrogramConfig"
        _require_whole(name, "n_fft", self.n_fft, least=4)
        _require_whole(name, "hop_length", self.hop_length)
        _require_whole(name, "bands", self.bands, least=0)
        _require_whole(name, "side_bands", self.side_bands, least=0)
        if self.hop_length > self.n_fft:
            raise ValueError(f"{name}: hop_length={self.hop_length} skips samples; at most n_fft={self.n_fft}")
        if self.side_bands and not self.bands:
            raise ValueError(f"{name}: side_bands={self.side_bands} needs bands, which is 0")
        if max(self.bands, self.side_bands) > self.n_bins:
            raise ValueError(f"{name}: bands and side_bands must not exceed the {self.n_bins} bins of n_fft")
        floor = self.floor
        if isinstance(floor, bool) or not isinstance(floor, int | float) or not 0 < floor < math.inf:
            raise ValueError(f"{name}: floor must be a number above 0, not {floor!r}")

    @property
    def n_bins(self) -> int:
        """Frequencies of one frame."""
        return self.n_fft // 2 + 1


@dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """Spectrogram -> latent.

    Args:
        width: channels inside.
        factors: how many frames each stage makes one of.
        blocks: residual blocks after each stage, as many numbers as `factors`.
        groups: groups of the group normalisations (the paper's encoder; the band encoder normalises each frame).
    """

    width: int = 512
    factors: tuple[int, ...] = (2, 2)
    blocks: tuple[int, ...] = (4, 8)
    groups: int = 8

    def __post_init__(self) -> None:
        """Check every value."""
        name = "EncoderConfig"
        _require_whole(name, "width", self.width)
        _require_whole(name, "groups", self.groups)
        for key in ("factors", "blocks"):
            values = getattr(self, key)
            if not isinstance(values, list | tuple) or not values:
                raise ValueError(f"{name}: {key} must be a list of whole numbers, not {values!r}")
            for value in values:
                _require_whole(name, key, value)
            object.__setattr__(self, key, tuple(values))
        if len(self.factors) != len(self.blocks):
            raise ValueError(f"{name}: {len(self.factors)} factors and {len(self.blocks)} blocks; give as many of both")
        if self.width % self.groups:
            raise ValueError(f"{name}: width={self.width} is not a multiple of groups={self.groups}")


@dataclass(frozen=True, kw_only=True)
class PriorConfig:
    """Latent -> log-power of every band, from which the diffusion starts (only beside `SpectrogramConfig.bands`).

    Args:
        width: channels inside.
        blocks: residual blocks.
    """

    width: int = 384
    blocks: int = 4

    def __post_init__(self) -> None:
        """Check every value."""
        _require_whole("PriorConfig", "width", self.width)
        _require_whole("PriorConfig", "blocks", self.blocks)


@dataclass(frozen=True, kw_only=True)
class DMAEConfig:
    """A diffusion magnitude autoencoder (Moûsai, arXiv 2301.11757, section 3).

    Args:
        sample_rate: Hz.
        audio_channels: channels of the waveform.
        latent_channels: channels of the latent.
        spectrogram: what the encoder looks at.
        encoder: spectrogram -> latent.
        transform: `"patches"` (the paper's learned transform) or `"lapped"` (an orthonormal lapped transform).
        transform_size: samples per coefficient frame.
        transform_filters: channels of the learned patches; the lapped transform has audio_channels * transform_size.
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
    transform: Literal["patches", "lapped"] = "patches"
    transform_size: int = 64
    transform_filters: int = 256
    prior: PriorConfig | None = None
    decoder: UNet1dConfig
    latent_depth: int = 4

    def __post_init__(self) -> None:
        """Check every value and how the values fit together."""
        name = "DMAEConfig"
        for key in ("sample_rate", "audio_channels", "latent_channels", "transform_size", "transform_filters"):
            _require_whole(name, key, getattr(self, key))
        _require_whole(name, "latent_depth", self.latent_depth, least=0)
        if self.transform not in ("patches", "lapped"):
            raise ValueError(f"{name}: transform must be 'patches' or 'lapped', not {self.transform!r}")
        if self.transform == "lapped" and self.transform_size % 2:
            raise ValueError(f"{name}: transform_size={self.transform_size} must be even for the lapped transform")
        spectrogram = self.spectrogram
        if spectrogram.bands and self.audio_channels > 2:
            raise ValueError(f"{name}: bands are of mid and side; audio_channels must be 1 or 2")
        if bool(spectrogram.side_bands) != (bool(spectrogram.bands) and self.audio_channels == 2):
            raise ValueError(f"{name}: side_bands belong to bands and two audio_channels, and only there")
        if spectrogram.bands and len(self.encoder.factors) != 1:
            raise ValueError(f"{name}: the band encoder has one stage; give one factor, not {self.encoder.factors}")
        if self.prior is not None:
            if not spectrogram.bands or self.transform != "lapped":
                raise ValueError(f"{name}: a prior needs spectrogram.bands and transform='lapped'")
            if 2 * self.transform_size != spectrogram.n_fft or self.transform_size % spectrogram.hop_length:
                raise ValueError(
                    f"{name}: beside a prior transform_size must be n_fft / 2 = {spectrogram.n_fft / 2:g} and a "
                    f"multiple of hop_length={spectrogram.hop_length}, not {self.transform_size}"
                )
        decoder = self.decoder
        if decoder.in_channels != self.coefficients or decoder.out_channels not in (None, self.coefficients):
            raise ValueError(
                f"{name}: the transform gives {self.coefficients} channels; the decoder has in_channels="
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

    @property
    def hop_length(self) -> int:
        """Samples per latent frame."""
        return self.spectrogram.hop_length * math.prod(self.encoder.factors)

    @property
    def latent_rate(self) -> float:
        """Latent frames per second."""
        return self.sample_rate / self.hop_length

    @property
    def compression(self) -> float:
        """Numbers in the waveform per number in the latent."""
        return self.audio_channels * self.hop_length / self.latent_channels

    @property
    def coefficients(self) -> int:
        """Channels of the coefficients that are diffused."""
        if self.transform == "lapped":
            return self.audio_channels * self.transform_size
        return self.transform_filters

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
        if not isinstance(values, Mapping):
            raise ValueError(f"DMAEConfig: expected a mapping of its fields, not {values!r}")
        values = dict(values)
        parts: dict[str, Any] = {"spectrogram": SpectrogramConfig, "encoder": EncoderConfig, "prior": PriorConfig}
        for key, part in parts.items():
            if isinstance(values.get(key), Mapping):
                values[key] = from_mapping(part, values[key])
        if isinstance(values.get("decoder"), Mapping):
            values["decoder"] = UNet1dConfig.from_dict(values["decoder"])
        for key, kind in {**parts, "decoder": UNet1dConfig}.items():
            if key in values and not isinstance(values[key], kind) and not (key == "prior" and values[key] is None):
                raise ValueError(f"DMAEConfig: {key} must be a mapping of its fields, not {values[key]!r}")
        return from_mapping(cls, values)

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
                    Level(channels=c, factor=f, items=i, inject_channels=32 if depth == 4 else 0)
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
