"""The authors' `ME1d` and `MelE1d` (audio-encoders-pytorch 0.0.22) and the encoder of a `DMAE`: sizes and keys."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from dmae import EncoderConfig, SpectrogramConfig, mel_filters
from mousai.convert.rules import LayoutError, Rule, weight_and_bias
from mousai.convert.settings import Settings
from mousai.convert.unet_layout import Shapes

STFT_WINDOW = "stft.window"
MEL_WINDOW, MEL_FILTERS = "mel.to_spectrogram.window", "mel.to_mel_scale.fb"
BUFFERS = (STFT_WINDOW, MEL_WINDOW, MEL_FILTERS)
"""Keys of theirs that hold no weights."""

_LOG_FLOOR_OF_MEL = 1e-5
_LOG_FLOOR_OF_MAGNITUDES = 1e-20  # they have none, and silence is -inf there


@dataclass(frozen=True)
class EncoderSizes:
    """Sizes that are read off an encoder before its hop is known.

    Args:
        encoder: its sizes.
        out_channels: channels of the latent.
        in_channels: channels of the spectrogram.
    """

    encoder: EncoderConfig
    out_channels: int
    in_channels: int

    @property
    def frames(self) -> int:
        """Spectrogram frames per latent frame."""
        frames = self.encoder.patch_size
        for factor in self.encoder.factors:
            frames *= factor
        return frames


def infer_encoder(shapes: Shapes, settings: Settings) -> EncoderSizes:
    """Read an encoder's sizes off its tensors, `shapes` without the prefix "encoder.".

    Raises:
        LayoutError: a key is missing or not as in this layout.
    """
    first = _shape(shapes, "to_in.block.block1.project.weight")
    widths: list[int] = []
    factors: list[int] = []
    blocks: list[int] = []
    while f"downsamples.{len(factors)}.downsample.weight" in shapes:
        stage = f"downsamples.{len(factors)}"
        out_channels, in_channels, taps = _shape(shapes, f"{stage}.downsample.weight")
        if taps % 2 == 0:
            raise LayoutError(f"encoder.{stage}.downsample.weight has {taps} taps, expected 2 * factor + 1")
        count = 0
        while f"{stage}.blocks.{count}.block1.project.weight" in shapes:
            count += 1
        if not count:
            raise LayoutError(f"lacks encoder.{stage}.blocks.0.block1.project.weight: a stage without blocks")
        widths += [in_channels, out_channels] if not widths else [out_channels]
        factors.append(taps // 2)
        blocks.append(count)
    if not factors:
        raise LayoutError("lacks encoder.downsamples.0.downsample.weight")
    if widths[0] % first[0]:
        raise LayoutError(f"encoder.to_in writes {first[0]} channels per patch, its stages read {widths[0]}")
    plain = len(set(widths)) == 1
    width = math.gcd(*widths)
    groups = settings.whole("encoder_groups", default=8)
    projected = "to_out.weight" in shapes
    try:
        encoder = EncoderConfig(
            width=width,
            factors=tuple(factors),
            blocks=tuple(blocks),
            groups=groups,
            multipliers=None if plain else tuple(wide // width for wide in widths),
            patch_size=widths[0] // first[0],
            project=projected,
        )
    except ValueError as error:
        raise LayoutError(f"the encoder's sizes in the file do not fit together: {error}") from error
    out_channels = _shape(shapes, "to_out.weight")[0] if projected else widths[-1]
    return EncoderSizes(encoder, out_channels, first[1])


def infer_spectrogram(
    state: Mapping[str, Tensor], sizes: EncoderSizes, *, audio_channels: int, hop_length: int, settings: Settings
) -> SpectrogramConfig:
    """Spectrogram that the encoder reads, from the buffers that lie beside it (keys without the prefix "encoder.").

    Raises:
        LayoutError: the buffers are of no spectrogram known here, or leave something open.
    """
    if sizes.in_channels % audio_channels:
        raise LayoutError(
            f"the encoder reads {sizes.in_channels} channels, no multiple of the {audio_channels} audio channels"
        )
    channels = sizes.in_channels // audio_channels
    if MEL_FILTERS in state and MEL_WINDOW in state:
        return _mel(state, channels, hop_length, settings)
    if STFT_WINDOW not in state:
        raise LayoutError(f"lacks encoder.{STFT_WINDOW} or encoder.{MEL_FILTERS}; known encoders are ME1d and MelE1d")
    window = len(state[STFT_WINDOW])
    possible = (2 * channels - 2, 2 * channels - 1)
    n_fft = settings.whole(
        "stft_num_fft", default=window if window in possible else None, ask=f"{possible[0]} or {possible[1]}"
    )
    if n_fft not in possible:
        raise LayoutError(f"stft_num_fft={n_fft}: {channels} bins are those of {possible[0]} or {possible[1]}")
    _check_window(STFT_WINDOW, state[STFT_WINDOW])
    use_log = settings.truth("use_log", default=False)
    return SpectrogramConfig(
        n_fft=n_fft,
        hop_length=hop_length,
        win_length=None if window == n_fft else window,
        log_floor=_LOG_FLOOR_OF_MAGNITUDES if use_log else None,
    )


def _mel(state: Mapping[str, Tensor], channels: int, hop_length: int, settings: Settings) -> SpectrogramConfig:
    filters, window = state[MEL_FILTERS], state[MEL_WINDOW]
    if filters.ndim != 2 or filters.shape[1] != channels:
        raise LayoutError(f"encoder.{MEL_FILTERS} has shape {list(filters.shape)}, expected [bins, {channels}]")
    rate = settings.whole("mel_sample_rate", default=settings.whole("sample_rate", default=48000))
    off = float((mel_filters(filters.shape[0], channels, rate) - filters).abs().max())
    if not off < _tolerance(filters):
        raise LayoutError(
            f"encoder.{MEL_FILTERS} is not the mel filters of {rate} Hz (off by {off:.2g}); give --set "
            "mel_sample_rate=HZ"
        )
    _check_window(MEL_WINDOW, window)
    n_fft = 2 * (filters.shape[0] - 1) + hop_length % 2  # theirs loses frames unless both are even or both odd
    normalize = settings.truth("mel_normalize", default=False)
    normalize_log = settings.truth("mel_normalize_log", default=False)
    return SpectrogramConfig(
        n_fft=n_fft,
        hop_length=hop_length,
        win_length=None if len(window) == n_fft else len(window),
        log_floor=_LOG_FLOOR_OF_MEL if normalize_log else None,
        mel_channels=channels,
        mel_sample_rate=rate,
        # Theirs; with the maximum of each item instead a piece no longer depends on its batch mates.
        mel_normalize="batch" if normalize else None,
    )


def encoder_rules(encoder: EncoderConfig, theirs: str, ours: str, *, adapt: bool) -> Iterator[Rule]:
    """Every tensor of an encoder; `adapt` says whether its first block changes the width."""
    first = f"{theirs}to_in.block."
    for half in (1, 2):
        yield from weight_and_bias(f"{first}block{half}.groupnorm", f"{ours}to_in.norm{half}")
        yield from weight_and_bias(f"{first}block{half}.project", f"{ours}to_in.conv{half}", "o i k -> o k i")
    if adapt:
        yield from weight_and_bias(f"{first}to_out", f"{ours}to_in.adapt", "o i 1 -> o i")
    for stage, count in enumerate(encoder.blocks):
        there, here = f"{theirs}downsamples.{stage}.", f"{ours}stages.{stage}."
        yield from weight_and_bias(f"{there}downsample", f"{here}0", "o i k -> o k i")
        for block in range(count):
            for half in (1, 2):
                yield from weight_and_bias(
                    f"{there}blocks.{block}.block{half}.groupnorm", f"{here}{block + 1}.norm{half}"
                )
                yield from weight_and_bias(
                    f"{there}blocks.{block}.block{half}.project", f"{here}{block + 1}.conv{half}", "o i k -> o k i"
                )
    if encoder.project:
        yield from weight_and_bias(f"{theirs}to_out", f"{ours}to_out", "o i 1 -> o i")


def spectrogram_buffers(config: SpectrogramConfig, *, sample_rate: int) -> dict[str, Tensor]:
    """The buffers that stand beside the weights in their state dict, without the prefix "encoder."."""
    window = torch.hann_window(config.window_length)
    if not config.mel_channels:
        return {STFT_WINDOW: window}
    filters = mel_filters(config.n_bins, config.mel_channels, config.mel_sample_rate or sample_rate)
    return {MEL_WINDOW: window, MEL_FILTERS: filters}


def _check_window(key: str, window: Tensor) -> None:
    if window.ndim != 1 or not torch.allclose(window.float(), torch.hann_window(len(window)), atol=_tolerance(window)):
        raise LayoutError(f"encoder.{key} is not Hann's window, which is the only one known here")


def _tolerance(buffer: Tensor) -> float:
    """Tolerance for numbers up to 1, which may have been stored in half precision."""
    return max(1e-3, torch.finfo(buffer.dtype).eps) if buffer.is_floating_point() else 1e-3


def _shape(shapes: Shapes, key: str) -> tuple[int, ...]:
    if key not in shapes:
        raise LayoutError(f"lacks encoder.{key}")
    if len(shapes[key]) != 3:
        raise LayoutError(f"encoder.{key} has shape {list(shapes[key])}, expected 3 dimensions")
    return shapes[key]
