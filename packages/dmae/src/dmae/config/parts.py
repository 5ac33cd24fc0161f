"""Settings of the autoencoder's parts: spectrogram, encoder, magnitude prior."""

import math
from dataclasses import dataclass
from typing import Literal

from dmae.checks import require_whole

MOST_BLOCKS = 1024
"""Most blocks of an encoder or a prior; the paper's encoder has 12."""


@dataclass(frozen=True, kw_only=True)
class SpectrogramConfig:
    """Spectrogram that the encoder reads: magnitudes (the paper), log-power in `bands`, or `mel_channels`.

    Args:
        n_fft: length of the Fourier transform, samples.
        hop_length: samples between two frames.
        win_length: length of the Hann window, samples, centred in the transform; `None` = n_fft. Not beside `bands`.
        log_floor: `None` = magnitudes; otherwise the logarithm of the magnitudes, clamped to this from below, so that
            silence is finite. Not beside `bands`. The authors' mel encoder (`normalize_log`) has 1e-5. Their magnitude
            encoder (`use_log`) has none and gives -inf for silence, which any tiny number here avoids.
        bands: 0 = none; otherwise the log-power of the mid signal in this many bands, one bin wide in the bass and of
            constant ratio above.
        side_bands: the same for the side signal (left minus right); only beside `bands`.
        floor: power added before the logarithm of the bands, so that silence is finite.
        mel_channels: 0 = none; otherwise the magnitudes in this many triangular mel filters per channel.
        mel_sample_rate: rate for which the filters are laid out, Hz; `None` = that of the model.
        mel_normalize: `None` = none; `"item"` maps the mel magnitudes of each batch member to [-1, 1] by
            2 (m / max)^(1/4) - 1 with its own maximum; `"batch"` takes the maximum of the whole batch, as the authors'
            `normalize` does. A result then depends on the rest of its batch: for comparisons only.

    Raises:
        ValueError: a value is impossible or two do not fit; names both.
    """

    n_fft: int = 1023
    hop_length: int = 256
    win_length: int | None = None
    log_floor: float | None = None
    bands: int = 0
    side_bands: int = 0
    floor: float = 1e-3
    mel_channels: int = 0
    mel_sample_rate: int | None = None
    mel_normalize: Literal["item", "batch"] | None = None

    def __post_init__(self) -> None:
        """Check every value and how the values fit together."""
        name = "SpectrogramConfig"
        require_whole(name, "n_fft", self.n_fft, least=4, most=2**15)
        require_whole(name, "hop_length", self.hop_length)
        for key in ("bands", "side_bands", "mel_channels"):
            require_whole(name, key, getattr(self, key), least=0, most=2**13)
        for key in ("win_length", "mel_sample_rate"):
            if getattr(self, key) is not None:
                require_whole(name, key, getattr(self, key))
        if self.hop_length > self.n_fft:
            raise ValueError(f"{name}: hop_length={self.hop_length} skips samples; at most n_fft={self.n_fft}")
        if not self.hop_length <= self.window_length <= self.n_fft:
            raise ValueError(
                f"{name}: win_length={self.win_length} must lie between hop_length={self.hop_length}, or samples are "
                f"skipped, and n_fft={self.n_fft}"
            )
        if self.side_bands and not self.bands:
            raise ValueError(f"{name}: side_bands={self.side_bands} needs bands, which is 0")
        if max(self.bands, self.side_bands) > self.n_bins:
            raise ValueError(f"{name}: bands and side_bands must not exceed the {self.n_bins} bins of n_fft")
        for key in ("floor", "log_floor"):
            value = getattr(self, key)
            if key == "log_floor" and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
                raise ValueError(f"{name}: {key} must be a number above 0, not {value!r}")
        self._check_kinds(name)

    def _check_kinds(self, name: str) -> None:
        if self.bands:
            for key, empty in (("win_length", None), ("log_floor", None), ("mel_channels", 0)):
                if getattr(self, key) != empty:
                    raise ValueError(f"{name}: {key}={getattr(self, key)} and bands={self.bands}; give one of the two")
        if self.mel_normalize not in (None, "item", "batch"):
            raise ValueError(f"{name}: mel_normalize must be 'item', 'batch' or None, not {self.mel_normalize!r}")
        if not self.mel_channels:
            for key in ("mel_sample_rate", "mel_normalize"):
                if getattr(self, key) is not None:
                    raise ValueError(f"{name}: {key}={getattr(self, key)!r} needs mel_channels, which is 0")
        elif self.mel_channels > self.n_bins:
            raise ValueError(f"{name}: mel_channels={self.mel_channels} must not exceed the {self.n_bins} bins")
        elif (self.n_fft - self.hop_length) % 2:
            # The authors pad by half the difference, and an odd one costs them the last frame.
            raise ValueError(
                f"{name}: beside mel_channels n_fft={self.n_fft} and hop_length={self.hop_length} must both be even or "
                "both be odd, so that every hop has its frame"
            )

    @property
    def n_bins(self) -> int:
        """Frequencies of one frame."""
        return self.n_fft // 2 + 1

    @property
    def window_length(self) -> int:
        """Samples under the window."""
        return self.n_fft if self.win_length is None else self.win_length

    @property
    def channels_per_audio_channel(self) -> int:
        """Numbers per frame and audio channel, where there are no `bands`."""
        return self.mel_channels or self.n_bins


@dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """Spectrogram -> latent.

    `multipliers`, `patch_size` and `project` belong to the paper's encoder, which reads magnitudes or mel magnitudes.
    The band encoder (`SpectrogramConfig.bands`) has one stage and its own input and output.

    Args:
        width: channels inside.
        factors: downsampling factor of each stage.
        blocks: residual blocks after each stage, as many numbers as `factors`.
        groups: groups of the group normalisations; the band encoder normalises each frame instead.
        multipliers: widths of the input block and of every stage, as multiples of `width`, one more number than
            `factors`; `None` = 1 everywhere.
        patch_size: spectrogram frames that the input block stacks into one.
        project: end with a Linear to the latent; False leaves it out: the last stage's channels are the latent.

    Raises:
        ValueError: a value is impossible or two do not fit; names both.
    """

    width: int = 512
    factors: tuple[int, ...] = (2, 2)
    blocks: tuple[int, ...] = (4, 8)
    groups: int = 8
    multipliers: tuple[int, ...] | None = None
    patch_size: int = 1
    project: bool = True

    def __post_init__(self) -> None:
        """Check every value."""
        name = "EncoderConfig"
        for key in ("width", "groups", "patch_size"):
            require_whole(name, key, getattr(self, key))
        for key in ("factors", "blocks", "multipliers"):
            values = getattr(self, key)
            if key == "multipliers" and values is None:
                continue
            if not isinstance(values, list | tuple) or not values:
                raise ValueError(f"{name}: {key} must be a list of whole numbers, not {values!r}")
            for value in values:
                require_whole(name, key, value)
            if (key == "blocks" and sum(values) > MOST_BLOCKS) or len(values) > MOST_BLOCKS:
                raise ValueError(f"{name}: {key} are too many; {MOST_BLOCKS} blocks or stages are the most")
            object.__setattr__(self, key, tuple(values))
        if len(self.factors) != len(self.blocks):
            raise ValueError(f"{name}: {len(self.factors)} factors and {len(self.blocks)} blocks; give as many of both")
        if self.multipliers is not None and len(self.multipliers) != len(self.factors) + 1:
            raise ValueError(
                f"{name}: {len(self.multipliers)} multipliers beside {len(self.factors)} factors; give one more, the "
                "first for the input block"
            )
        if not isinstance(self.project, bool):
            raise ValueError(f"{name}: project must be True or False, not {self.project!r}")
        if self.multipliers is None and self.width % self.groups:
            raise ValueError(f"{name}: width={self.width} is not a multiple of groups={self.groups}")
        for stage, width in enumerate(self.widths[1:]):
            if width % self.groups:
                raise ValueError(
                    f"{name}: stage {stage} has {width} channels, which is not a multiple of groups={self.groups}"
                )
        if self.widths[0] % self.patch_size:
            raise ValueError(
                f"{name}: patch_size={self.patch_size} must divide the input block's {self.widths[0]} channels"
            )

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of the input block and of every stage."""
        multipliers = self.multipliers or (1,) * (len(self.factors) + 1)
        return tuple(self.width * multiplier for multiplier in multipliers)

    @property
    def is_plain(self) -> bool:
        """Tell whether it has none of the settings that only the paper's encoder has."""
        return self.multipliers is None and self.patch_size == 1 and self.project


@dataclass(frozen=True, kw_only=True)
class PriorConfig:
    """Magnitude prior: latent -> log-power of every band, from which the diffusion starts.

    Only beside `SpectrogramConfig.bands` and the MDCT.

    Args:
        width: channels inside.
        blocks: residual blocks; each reads one latent frame to both sides.

    Raises:
        ValueError: a value is no whole number of 1 or more.
    """

    width: int = 384
    blocks: int = 4

    def __post_init__(self) -> None:
        """Check every value."""
        require_whole("PriorConfig", "width", self.width)
        require_whole("PriorConfig", "blocks", self.blocks, most=MOST_BLOCKS)
