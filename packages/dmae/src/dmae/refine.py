"""Diffusion of a waveform beside an initial estimate of it, shared by the upsampler and the vocoder."""

from collections.abc import Callable, Sequence

from torch import Tensor

from unet1d import Level, UNet1dConfig
from vdiffusion import DDIM, Callback, NoiseSource, Sampler, Windows


def require_net(owner: str, net: UNet1dConfig, *, in_channels: int, out_channels: int) -> None:
    """Raise a ValueError unless the U-Net reads and writes so many channels and has no other inputs."""
    if (net.in_channels, net.out_channels or net.in_channels) != (in_channels, out_channels):
        raise ValueError(
            f"{owner}: net must have in_channels={in_channels} (the noisy waveform and its initial estimate) and "
            f"out_channels={out_channels}, not in_channels={net.in_channels}, out_channels={net.out_channels}; "
            f"{owner}.small(...) derives them"
        )
    if net.inject_channels or net.context_features:
        raise ValueError(
            f"{owner}: net must have no other input than these, not inject_channels={net.inject_channels} (depth: "
            f"channels), context_features={net.context_features}"
        )


def small_net(
    owner: str, channels: Sequence[int], factors: Sequence[int], *, in_channels: int, out_channels: int
) -> UNet1dConfig:
    """U-Net of one block a level, with the channels that its owner needs.

    Raises:
        ValueError: there is not one factor for each of `channels`.
    """
    if len(channels) != len(factors) or not channels:
        raise ValueError(
            f"{owner}.small: {len(channels)} channels and {len(factors)} factors; give one of both a level"
        )
    levels = tuple(Level(channels=width, factor=factor) for width, factor in zip(channels, factors, strict=True))
    return UNet1dConfig(
        in_channels=in_channels,
        out_channels=out_channels,
        levels=levels,
        modulation_features=4 * channels[0],
        zero_init_residual=True,
        outer_skip=False,
    )


def windowed(denoise: Callable[..., Tensor], *, size: int, factor: int) -> Windows:
    """Net that is evaluated in windows of `size` samples, which share an eighth with their neighbours.

    Args:
        denoise: net `denoise(x_t, t, initial_estimate=...) -> v`.
        size: samples per window, a multiple of 8 * factor.
        factor: samples per position of the net's deepest level.

    Raises:
        ValueError: `size` is no such multiple.
    """
    if size < 1 or size % (8 * factor):
        raise ValueError(f"window={size}: must be a multiple of {8 * factor} samples, 8 times the net's factor")
    overlap = size // 8
    return Windows(
        denoise, size=size, overlap=overlap, trim=overlap // 4, conditions_along_time={"initial_estimate": 1}
    )


def refine(
    net: Windows,
    initial_estimate: Tensor,
    *,
    stage: str,
    num_steps: int,
    noise: NoiseSource | Tensor | None,
    sampler: Sampler | None,
    callback: Callback | None,
) -> Tensor:
    """Diffuse noise to a waveform of the shape of its initial estimate [B, C, T].

    Args:
        net: see `windowed`.
        initial_estimate: initial estimate of the waveform [B, C, T].
        stage: name of the noise, for `NoiseSource`.
        num_steps: denoising steps.
        noise: seed, and one index per batch member, or the starting noise itself of the shape of `initial_estimate`; by
            default seed 0 and indices 0, 1, ...
        sampler: sampler of the diffusion, deterministic `DDIM` by default.
        callback: called as `callback(step, total, estimate)`.

    Raises:
        ValueError: an argument is impossible; the message names it and its value.
    """
    batch = initial_estimate.shape[0]
    source = noise if isinstance(noise, NoiseSource) else NoiseSource(0, range(batch))
    if len(source.indices) != batch:
        raise ValueError(f"noise: {len(source.indices)} indices for a batch of {batch}; give one per batch member")
    if not isinstance(noise, Tensor):
        noise = source.draw(initial_estimate.shape[1:], stage=stage, device=initial_estimate.device)
    if noise.shape != initial_estimate.shape:
        raise ValueError(f"noise: expected {list(initial_estimate.shape)}, got {list(noise.shape)}")
    return (DDIM() if sampler is None else sampler).sample(
        net,
        noise,
        num_steps=num_steps,
        generators=source.generators(f"{stage} steps"),
        callback=callback,
        initial_estimate=initial_estimate,
    )


def wanted_length(length: int | None, full: int, source: str) -> int:
    """Check `length`, by default `full`; ValueError unless it lies within 1 to `full`, which is what `source` hold."""
    length = full if length is None else length
    if not 1 <= length <= full:
        raise ValueError(f"length={length}: {source} hold 1 to {full} samples")
    return length
