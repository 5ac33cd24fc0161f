"""Fields of the presets of `DMAEConfig`, and of small models whose sizes are derived."""

from typing import Any, Literal

from dmae.checks import require_whole
from dmae.config.parts import EncoderConfig, PriorConfig, SpectrogramConfig
from unet1d import Level, UNet1dConfig


def paper() -> dict[str, Any]:
    """Fields of the paper's stage 1 (arXiv 2301.11757, section 3)."""
    channels, factors, blocks = (256, 512, 512, 512, 1024, 1024, 1024), (1, 2, 2, 2, 2, 2, 2), (1, 2, 2, 2, 2, 2, 2)
    return {
        "spectrogram": SpectrogramConfig(),
        "encoder": EncoderConfig(),
        "decoder": UNet1dConfig(
            in_channels=256,
            levels=tuple(
                Level(channels=c, factor=f, num_blocks=n, inject_channels=32 if depth == 4 else 0)
                for depth, (c, f, n) in enumerate(zip(channels, factors, blocks, strict=True))
            ),
        ),
    }


def tiny() -> dict[str, Any]:
    """Fields of the bundled model's stage 1.

    The latent has 128 channels of 4096 samples where the paper has 32 of 1024: as many numbers a second, but a block of
    85 ms holds a chord and its drum hits in one vector, which a linear map already describes well.
    """
    return {
        "latent_channels": 128,
        "spectrogram": SpectrogramConfig(n_fft=2048, hop_length=512, bands=200, side_bands=60),
        "encoder": EncoderConfig(width=384, factors=(8,), blocks=(3,)),
        "prior": PriorConfig(width=384, blocks=4),
        "transform": "mdct",
        "transform_size": 1024,
        "decoder": UNet1dConfig(
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
        "latent_depth": 2,
    }


def small(
    *,
    sample_rate: int,
    audio_channels: int,
    latent_channels: int | None,
    hop_length: int | None,
    transform: Literal["mdct", "patches", "waveform"],
    width: int,
) -> dict[str, Any]:
    """Fields of a small model; see `DMAEConfig.small`."""
    name = "DMAEConfig.small"
    for key, value in (
        ("sample_rate", sample_rate),
        ("audio_channels", audio_channels),
        ("width", width),
    ):
        require_whole(name, key, value)
    if width % 8:
        raise ValueError(f"{name}: width={width} must be a multiple of 8, such as {-(-width // 8) * 8}")
    if transform not in ("mdct", "patches", "waveform"):
        raise ValueError(f"{name}: transform must be 'mdct', 'patches' or 'waveform', not {transform!r}")
    if hop_length is None:
        # About 11 latent frames a second, each a chord with its drum hits, or 47 as in the paper.
        blocks = 4 * _mdct_size(sample_rate)
        hop_length = blocks if transform == "mdct" else _power_of_two(sample_rate / 46.875, least=64)
    if latent_channels is None:
        latent_channels = max(1, audio_channels * hop_length // 64)
    require_whole(name, "latent_channels", latent_channels)
    common = {
        "sample_rate": sample_rate,
        "audio_channels": audio_channels,
        "latent_channels": latent_channels,
        "transform": transform,
    }
    if transform == "mdct":
        return common | _small_mdct(_mdct_size(sample_rate), audio_channels, latent_channels, hop_length, width)
    return common | _small_waveform(audio_channels, latent_channels, hop_length, width, transform)


def _small_mdct(size: int, audio_channels: int, latent_channels: int, hop: int, width: int) -> dict[str, Any]:
    """As the bundled model: bands and a magnitude prior."""
    if audio_channels > 2:
        raise ValueError(
            f"DMAEConfig.small: audio_channels={audio_channels}: bands need mono or stereo; "
            "transform='patches' takes any number"
        )
    n_fft, spectrum_hop = 2 * size, size // 2
    depth = _halvings(hop, size, what=f"the MDCT's {size} samples")
    bands = min(200, n_fft // 8)
    side_bands = bands * 3 // 10 if audio_channels == 2 else 0
    packed = (bands + side_bands) * (size // spectrum_hop)
    return {
        "spectrogram": SpectrogramConfig(n_fft=n_fft, hop_length=spectrum_hop, bands=bands, side_bands=side_bands),
        "encoder": EncoderConfig(width=2 * width, factors=(hop // spectrum_hop,), blocks=(2,)),
        "prior": PriorConfig(width=2 * width, blocks=2),
        "transform_size": size,
        "decoder": _small_net(audio_channels * size, width, [1] + [2] * depth, latent_channels, bands=packed),
        "latent_depth": depth,
    }


def _small_waveform(audio_channels: int, latent_channels: int, hop: int, width: int, transform: str) -> dict[str, Any]:
    """As the paper: magnitudes, white noise, and the waveform diffused, seen as patches of 16 samples or as it is."""
    size = 16 if transform == "patches" else 1
    depth = _halvings(hop, 16, what="16 samples")
    spectrum_hop = hop // 4
    first = [1] if transform == "patches" else [16]
    return {
        "spectrogram": SpectrogramConfig(n_fft=4 * spectrum_hop - 1, hop_length=spectrum_hop),
        "encoder": EncoderConfig(width=2 * width, factors=(2, 2), blocks=(1, 2)),
        "transform_size": size,
        "transform_filters": width,
        "decoder": _small_net(
            width if transform == "patches" else audio_channels, width, first + [2] * depth, latent_channels, bands=0
        ),
        "latent_depth": depth,
    }


def _small_net(in_channels: int, width: int, factors: list[int], latent_channels: int, *, bands: int) -> UNet1dConfig:
    """A U-Net that takes the latent in at its deepest level and the bands at its first."""
    last = len(factors) - 1
    inject = {0: bands, last: latent_channels}
    return UNet1dConfig(
        in_channels=in_channels,
        levels=tuple(
            Level(channels=width if depth < 2 else 2 * width, factor=factor, inject_channels=inject.get(depth, 0))
            for depth, factor in enumerate(factors)
        ),
        modulation_features=4 * width,
        # What small nets want: residual branches that start at zero, and a first prediction near zero.
        zero_init_residual=True,
        outer_skip=False,
    )


def _mdct_size(sample_rate: int) -> int:
    """Samples per block of the MDCT, whose window of two blocks is about 43 ms long."""
    return _power_of_two(sample_rate * 0.043, least=64) // 2


def _power_of_two(value: float, *, least: int) -> int:
    """The power of two of `least` or more that is nearest from below, or one above where that is nearer."""
    power = least
    while 2 * power - value < value - power:
        power *= 2
    return power


def _halvings(hop_length: int, size: int, *, what: str) -> int:
    """Number of times that the U-Net halves its length between the representation and the latent, 1 or more."""
    require_whole("DMAEConfig.small", "hop_length", hop_length)
    ratio = hop_length // size
    if hop_length % size or ratio < 2 or ratio & (ratio - 1):
        raise ValueError(
            f"DMAEConfig.small: hop_length={hop_length} must be {what} times 2, 4, 8, ...: "
            f"{2 * size}, {4 * size}, {8 * size}, {16 * size} would do"
        )
    return ratio.bit_length() - 1
