"""Spectrogram -> latent before its bound: the paper's residual encoder and the band encoder of the bundled model."""

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from dmae.config import DMAEConfig
from unet1d import Conv, GroupNorm, ResidualBlock, as_image, from_image


class StridedConv(nn.Module):
    """Convolution with a window of 2 * factor + 1 and a stride of `factor`, time-major."""

    def __init__(self, in_channels: int, out_channels: int, *, factor: int) -> None:
        super().__init__()
        self.factor = factor
        template = Conv(in_channels, out_channels, kernel_size=2 * factor + 1)
        self.weight, self.bias = template.weight, template.bias

    def forward(self, x: Tensor) -> Tensor:
        """[B, L, C_in] -> [B, ceil(L / factor), C_out]."""
        image = F.conv2d(
            as_image(x), as_image(self.weight), self.bias, stride=(1, self.factor), padding=(0, self.factor)
        )
        return from_image(image)


class InputBlock(nn.Module):
    """A residual block from one width to another: GroupNorm -> SiLU -> conv, twice, beside a Linear (nothing where the
    width stays).

    Args:
        in_channels: channels read.
        out_channels: channels written, a multiple of `patch_size`.
        groups: groups of both normalisations.
        patch_size: frames that are laid side by side into one, each with its share of the channels.
    """

    def __init__(self, in_channels: int, out_channels: int, *, groups: int = 1, patch_size: int = 1) -> None:
        super().__init__()
        self.patch_size = patch_size
        width = out_channels // patch_size
        self.norm1, self.norm2 = GroupNorm(groups, in_channels), GroupNorm(groups, width)
        self.conv1, self.conv2 = Conv(in_channels, width), Conv(width, width)
        self.adapt = nn.Linear(in_channels, width) if in_channels != width else None

    def forward(self, x: Tensor) -> Tensor:
        """[B, L, C_in] with L a multiple of `patch_size` -> [B, L / patch_size, C_out]."""
        # The normalisation takes a constant away anyhow, but sums squares, and a quiet item's logarithms are nearly one
        # and the same large number: its digits would be lost.
        centred = x - x.mean(dim=(1, 2), keepdim=True)
        h: Tensor = self.conv1(F.silu(self.norm1(centred)))
        y: Tensor = self.conv2(F.silu(self.norm2(h))) + (x if self.adapt is None else self.adapt(x))
        return y if self.patch_size == 1 else rearrange(y, "b (l p) c -> b l (c p)", p=self.patch_size)


class MagnitudeEncoder(nn.Module):
    """The paper's encoder: magnitudes -> residual blocks, shorter at every stage -> latent channels (no bound yet).

    arXiv 2301.11757, section 3; its normalisations see the whole length, so a long file is best encoded whole.
    """

    def __init__(self, config: DMAEConfig) -> None:
        super().__init__()
        encoder = config.encoder
        widths = encoder.widths
        self.to_in = InputBlock(
            config.spectrogram_channels, widths[0], groups=config.input_groups, patch_size=encoder.patch_size
        )
        stages = []
        for index, (factor, blocks) in enumerate(zip(encoder.factors, encoder.blocks, strict=True)):
            residuals = (ResidualBlock(widths[index + 1], groups=encoder.groups) for _ in range(blocks))
            stages.append(nn.Sequential(StridedConv(widths[index], widths[index + 1], factor=factor), *residuals))
        self.stages = nn.Sequential(*stages)
        self.to_out = nn.Linear(widths[-1], config.latent_channels) if encoder.project else None

    def forward(self, magnitudes: Tensor) -> Tensor:
        """[B, spectrogram channels, F] -> [B, latent_channels, F / (patch_size * product of the factors)]."""
        x = self.to_in(magnitudes.transpose(1, 2).contiguous().to(self.to_in.conv1.weight.dtype))
        latent: Tensor = self.stages(x)
        if self.to_out is not None:
            latent = self.to_out(latent)
        return latent.transpose(1, 2).to(magnitudes.dtype)


class FrameBlock(nn.Module):
    """x -> x + Linear(SiLU(conv(LayerNorm(x)))), time-major; every frame is normalised by itself, so that a frame's
    result depends on its neighbours only and a long signal can be worked off piece by piece. Starts as the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.conv = Conv(width, width)
        self.out = nn.Linear(width, width)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        """[B, L, C] -> [B, L, C]."""
        y: Tensor = self.out(F.silu(self.conv(self.norm(x))))
        return x + y


class LinearPlusBody(nn.Module):
    """y = Linear(x) + body(x): a linear map that principal components can fill, and blocks that learn the rest from 0.

    Args:
        in_features: channels of x.
        out_features: channels of y.
        width: channels inside the body.
        blocks: its `FrameBlock`s; each reaches one frame to both sides.
    """

    def __init__(self, in_features: int, out_features: int, *, width: int, blocks: int) -> None:
        super().__init__()
        self.linear = nn.Linear(in_features, out_features)
        self.to_in = nn.Linear(in_features, width)
        self.blocks = nn.Sequential(*(FrameBlock(width) for _ in range(blocks)))
        self.norm = nn.LayerNorm(width)
        self.to_out = nn.Linear(width, out_features)
        nn.init.zeros_(self.to_out.weight)
        nn.init.zeros_(self.to_out.bias)

    def forward(self, x: Tensor) -> Tensor:
        """[B, L, in_features] -> [B, L, out_features], in the type of `x`; the net computes in that of its weights."""
        dtype, x = x.dtype, x.to(self.linear.weight.dtype)
        y: Tensor = self.linear(x) + self.to_out(self.norm(self.blocks(self.to_in(x))))
        return y.to(dtype)


class BandEncoder(nn.Module):
    """Log-power of bands -> latent channels (no bound yet): `factor` frames become one vector, then `LinearPlusBody`.

    `mean` and `scale` standardise the bands; they and the linear map come from data (`dmae.principal_components`).
    """

    def __init__(self, config: DMAEConfig) -> None:
        super().__init__()
        self.factor = config.encoder.factors[0]
        self.reach = config.encoder.blocks[0]
        self.mean: Tensor
        self.scale: Tensor
        self.register_buffer("mean", torch.zeros(config.n_bands))
        self.register_buffer("scale", torch.ones(config.n_bands))
        self.net = LinearPlusBody(
            self.factor * config.n_bands, config.latent_channels, width=config.encoder.width, blocks=self.reach
        )

    def forward(self, bands: Tensor) -> Tensor:
        """[B, bands, F] -> [B, latent_channels, F / factor]."""
        x = (bands - self.mean[:, None]) / self.scale[:, None]
        latent: Tensor = self.net(rearrange(x, "b n (l f) -> b l (f n)", f=self.factor))
        return latent.transpose(1, 2)
