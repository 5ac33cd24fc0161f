"""Checks of how the values of a `DMAEConfig` fit together; each raises a ValueError that says what would do."""

import math
from typing import TYPE_CHECKING

from dmae.checks import require_whole

if TYPE_CHECKING:
    from dmae.config.autoencoder import DMAEConfig

NAME = "DMAEConfig"


def check_transform(config: "DMAEConfig") -> None:
    """Check the representation and its sizes."""
    size, window = config.transform_size, config.transform_window
    if config.transform not in ("patches", "mdct", "waveform", "own"):
        raise ValueError(f"{NAME}: transform must be 'patches', 'mdct', 'waveform' or 'own', not {config.transform!r}")
    if config.transform == "mdct":
        require_whole(NAME, "transform_size", size, most=2**13)  # whose transform is a matrix of twice its square
    if config.transform == "mdct" and size % 2:
        raise ValueError(f"{NAME}: transform_size={size} must be even for the MDCT, such as {size + 1}")
    if config.transform == "waveform" and size != 1:
        raise ValueError(f"{NAME}: transform_size={size} must be 1 where transform is 'waveform'")
    if window is None:
        return
    require_whole(NAME, "transform_window", window)
    if config.transform != "patches":
        raise ValueError(f"{NAME}: transform_window={window} belongs to transform='patches', not {config.transform!r}")
    if window < size or (window - size) % 2:
        raise ValueError(
            f"{NAME}: transform_window={window} must be transform_size={size} or an even number more, so that it "
            "extends as far to both sides"
        )


def check_spectrogram(config: "DMAEConfig") -> None:
    """Check the spectrogram beside the waveform's channels and the encoder."""
    spectrogram, encoder = config.spectrogram, config.encoder
    if spectrogram is None:
        if encoder is not None:
            raise ValueError(
                f"{NAME}: encoder={encoder!r} reads a spectrogram, which is None; give a SpectrogramConfig, or "
                "encoder=None and an encoder of your own"
            )
        return
    if spectrogram.bands and config.audio_channels > 2:
        raise ValueError(
            f"{NAME}: bands are of mid and side; audio_channels must be 1 or 2, not {config.audio_channels}; "
            "spectrogram.mel_channels takes any number"
        )
    if bool(spectrogram.side_bands) != (bool(spectrogram.bands) and config.audio_channels == 2):
        raise ValueError(
            f"{NAME}: side_bands belong to bands and two audio_channels, and only there; got bands="
            f"{spectrogram.bands}, side_bands={spectrogram.side_bands}, audio_channels={config.audio_channels}"
        )


def check_encoder(config: "DMAEConfig") -> None:
    """Check the encoder beside what it reads and the latent."""
    spectrogram, encoder = config.spectrogram, config.encoder
    if spectrogram is None or encoder is None:
        return
    if spectrogram.bands:
        if len(encoder.factors) != 1:
            raise ValueError(
                f"{NAME}: the band encoder has one stage; give one factor, such as "
                f"{(math.prod(encoder.factors),)}, not {encoder.factors}"
            )
        if not encoder.is_plain:
            raise ValueError(f"{NAME}: the band encoder has no multipliers, patch_size or project=False")
        return
    if not encoder.project and encoder.widths[-1] != config.latent_channels:
        raise ValueError(
            f"{NAME}: with encoder.project=False the {encoder.widths[-1]} channels of the last stage are the "
            f"latent; latent_channels={config.latent_channels} must be as many"
        )
    groups, first = config.input_groups, encoder.widths[0] // encoder.patch_size
    for what, channels in (
        (f"{config.spectrogram_channels} spectrogram channels", config.spectrogram_channels),
        (f"{first} channels per patch", first),
    ):
        if channels % groups:
            raise ValueError(
                f"{NAME}: the encoder's input block has patch_size={encoder.patch_size}, hence {groups} groups, "
                f"which must divide its {what}"
            )


def check_prior(config: "DMAEConfig") -> None:
    """Check what a magnitude prior needs beside it."""
    if config.prior is None:
        return
    spectrogram = config.spectrogram
    if config.latent_bound is None:
        raise ValueError(f"{NAME}: a prior undoes the tanh; latent_bound must be 'tanh' beside it, not None")
    if spectrogram is None or not spectrogram.bands or config.transform != "mdct":
        raise ValueError(f"{NAME}: a prior needs spectrogram.bands and transform='mdct'")
    if 2 * config.transform_size != spectrogram.n_fft or config.transform_size % spectrogram.hop_length:
        raise ValueError(
            f"{NAME}: beside a prior transform_size must be n_fft / 2 = {spectrogram.n_fft / 2:g} and a "
            f"multiple of hop_length={spectrogram.hop_length}, not {config.transform_size}"
        )


def check_decoder(config: "DMAEConfig") -> None:
    """Check the U-Net beside what is diffused, what it takes in, and the length of the latent."""
    decoder, depth, wanted = config.decoder, config.latent_depth, config.net_channels
    if decoder.in_channels != wanted or decoder.out_channels not in (None, wanted):
        raise ValueError(
            f"{NAME}: the transform gives {wanted} channels; the decoder has in_channels={decoder.in_channels}, "
            f"out_channels={decoder.out_channels}; set in_channels={wanted} and out_channels=None"
        )
    if depth >= len(decoder.levels):
        raise ValueError(
            f"{NAME}: latent_depth={depth} must be 0 to {len(decoder.levels) - 1}, the depths of the decoder's "
            f"{len(decoder.levels)} levels"
        )
    expected = {depth: config.latent_channels}
    if config.prior is not None:
        if depth == 0:
            raise ValueError(f"{NAME}: latent_depth must be above 0 beside a prior, whose bands enter at depth 0")
        expected[0] = config.band_channels
    if decoder.inject_channels != expected:
        settings = ", ".join(
            f"levels[{level}].inject_channels={expected.get(level, 0)}"
            for level in sorted(expected.keys() | decoder.inject_channels.keys())
        )
        raise ValueError(
            f"{NAME}: the decoder must inject {expected} (depth: channels), not {decoder.inject_channels}; set "
            f"{settings}"
        )
    _check_latent_frame(config)


def _check_latent_frame(config: "DMAEConfig") -> None:
    decoder, hop, position = config.decoder, config.hop_length, config.transform_size
    here = position * decoder.factor_at(config.latent_depth)
    if here != hop:
        raise ValueError(
            f"{NAME}: one latent frame is {hop} samples, one position at depth {config.latent_depth} is {here}; they "
            f"must be the same: {_what_would_do(config)}"
        )
    spectrogram = config.spectrogram
    if spectrogram is not None and hop % spectrogram.hop_length:
        raise ValueError(
            f"{NAME}: one latent frame is {hop} samples, which must be a multiple of spectrogram.hop_length="
            f"{spectrogram.hop_length}"
        )


def _what_would_do(config: "DMAEConfig") -> str:
    """Changes that make a latent frame and a position of the U-Net the same."""
    decoder, hop, size = config.decoder, config.hop_length, config.transform_size
    ways = [
        f"latent_depth={depth} (and the injection there)"
        for depth in range(len(decoder.levels))
        if size * decoder.factor_at(depth) == hop
    ]
    factor = decoder.factor_at(config.latent_depth)
    spectrogram = config.spectrogram
    if spectrogram is not None and config.encoder is not None:
        frames, rest = divmod(size * factor, spectrogram.hop_length * config.encoder.patch_size)
        if frames and not rest:
            ways.append(f"encoder.factors whose product is {frames}")
    if hop % size == 0:
        ways.append(f"levels[0] to levels[{config.latent_depth}] whose factors multiply to {hop // size}")
    return " or ".join(ways or [f"change transform_size={size} or the hop of the spectrogram"])
