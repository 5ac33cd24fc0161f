"""A waveform diffused with a sketch of it beside: what the upsampler and the vocoder share."""

from collections.abc import Callable, Sequence

from torch import Tensor

from unet1d import UNet1dConfig
from vdiffusion import DDIM, NoiseSource, Sampler, Windows


def require_net(owner: str, net: UNet1dConfig, *, in_channels: int, out_channels: int) -> None:
    """Raise a ValueError unless the U-Net reads and writes so many channels and takes in nothing else."""
    if (net.in_channels, net.out_channels or net.in_channels) != (in_channels, out_channels):
        raise ValueError(
            f"{owner}: net must have in_channels={in_channels} (the noisy waveform and its sketch) and "
            f"out_channels={out_channels}, not in_channels={net.in_channels}, out_channels={net.out_channels}"
        )
    if net.inject_channels or net.context_features:
        raise ValueError(
            f"{owner}: net must take in nothing but the sketch, not inject_channels={net.inject_channels} (depth: "
            f"channels), context_features={net.context_features}"
        )


def sample_beside(
    denoise: Callable[..., Tensor],
    sketch: Tensor,
    *,
    stage: str,
    factor: int,
    num_steps: int,
    seed: int,
    items: Sequence[int] | None,
    noise: Tensor | None,
    sampler: Sampler | None,
    window: int,
    callback: Callable[[int, int, Tensor], None] | None,
) -> Tensor:
    """Diffuse noise to a waveform of the sketch's shape [B, C, T], in windows where T is longer than `window`.

    Args:
        denoise: `denoise(x_t, t, sketch=...) -> v`.
        sketch: [B, C, T].
        stage: of the noise, for `seeded_noise`.
        factor: samples per position of the net's deepest level.
        num_steps: denoising steps.
        seed: of the noise; item i of the batch has its own, from (seed, items[i]).
        items: numbers of the items, by default 0, 1, ...
        noise: the starting noise itself, of the sketch's shape, instead of drawn noise.
        sampler: by default deterministic `DDIM`.
        window: samples that are denoised at once, a multiple of 8 * factor; neighbours share an eighth.
        callback: called as `callback(step, total, estimate)`.

    Raises:
        ValueError: an argument is impossible; the message names it and its value.
    """
    items = range(sketch.shape[0]) if items is None else items
    if len(items) != sketch.shape[0]:
        raise ValueError(f"items: {len(items)} numbers for a batch of {sketch.shape[0]}")
    if noise is not None and noise.shape != sketch.shape:
        raise ValueError(f"noise: expected {list(sketch.shape)}, got {list(noise.shape)}")
    if window < 1 or window % (8 * factor):
        raise ValueError(f"window={window}: must be a multiple of {8 * factor} samples, 8 times the net's factor")
    if noise is None:
        noise = NoiseSource(seed, items).draw(sketch.shape[1:], stage=stage, device=sketch.device)
    overlap = window // 8
    net = Windows(denoise, size=window, overlap=overlap, trim=overlap // 4, conditions_along_time={"sketch": 1})
    return (DDIM() if sampler is None else sampler).sample(
        net,
        noise,
        num_steps=num_steps,
        generators=NoiseSource(seed, items).generators(f"{stage} steps"),
        callback=callback,
        sketch=sketch,
    )


def wanted_length(length: int | None, full: int, source: str) -> int:
    """`length`, by default `full`; a ValueError where it is not within 1 to `full`, which is what `source` holds."""
    length = full if length is None else length
    if not 1 <= length <= full:
        raise ValueError(f"length={length}: {source} hold 1 to {full} samples")
    return length
