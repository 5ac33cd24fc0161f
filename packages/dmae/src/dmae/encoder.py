"""Encoders, spectrogram -> latent before its bound: the paper's, and the band encoder of the bundled model."""

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from dmae.config import DMAEConfig
from unet1d import Conv, GroupNorm, ResidualBlock, as_image, from_image


class StridedConv(nn.Module):
    """Convolution with 2 * factor + 1 taps and a stride of `factor`, time-major."""

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
    """Residual block from one width to another: GroupNorm -> SiLU -> conv, twice, plus a Linear of the input.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output, a multiple of `patch_size`. Where the width stays there is no Linear.
        groups: groups of both normalisations.
        patch_size: frames that are stacked into one, each with its share of the channels.
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
        # The normalisation removes a constant anyway, but it sums squares: the logarithms of a quiet waveform are
        # nearly the same large number, and their digits would be lost.
        centred = x - x.mean(dim=(1, 2), keepdim=True)
        h: Tensor = self.conv1(F.silu(self.norm1(centred)))
        y: Tensor = self.conv2(F.silu(self.norm2(h))) + (x if self.adapt is None else self.adapt(x))
        return y if self.patch_size == 1 else rearrange(y, "b (l p) c -> b l (c p)", p=self.patch_size)


class MagnitudeEncoder(nn.Module):
    """The paper's encoder (arXiv 2301.11757, section 3): magnitudes -> residual blocks and downsampling -> latent.

    Its normalisations see the whole length, so a file is encoded as a whole.

    Args:
        config: sizes of the autoencoder, with `spectrogram` and `encoder`.
    """

    receptive_field = None

    def __init__(self, config: DMAEConfig) -> None:
        super().__init__()
        encoder = config.require_encoder()
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
    """Residual block x + Linear(SiLU(conv(LayerNorm(x)))), time-major; starts as the identity.

    Every frame is normalised by itself and depends on its two neighbours only, so a long signal can be processed in
    pieces.
    """

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
    """Linear map plus a body of `FrameBlock`s: principal components fill the first, the body learns the rest from zero.

    Args:
        in_features: channels of the input.
        out_features: channels of the output.
        width: channels inside the body.
        blocks: number of `FrameBlock`s; each reads one frame to both sides.
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
        """[B, L, in_features] -> [B, L, out_features], in the dtype of `x`; the net computes in that of its weights."""
        dtype, x = x.dtype, x.to(self.linear.weight.dtype)
        y: Tensor = self.linear(x) + self.to_out(self.norm(self.blocks(self.to_in(x))))
        return y.to(dtype)


class BandEncoder(nn.Module):
    """Band encoder: log-power of bands, `factor` frames stacked into one vector -> `LinearPlusBody` -> latent.

    `mean` and `scale` standardise the bands; they and the linear map come from data (`initialise_from_data`).

    Args:
        config: sizes of the autoencoder, with `spectrogram.bands` and `encoder`.
    """

    def __init__(self, config: DMAEConfig) -> None:
        super().__init__()
        encoder = config.require_encoder()
        self.factor = encoder.factors[0]
        self.receptive_field = encoder.blocks[0]
        self.mean: Tensor
        self.scale: Tensor
        self.register_buffer("mean", torch.zeros(config.n_bands))
        self.register_buffer("scale", torch.ones(config.n_bands))
        self.net = LinearPlusBody(
            self.factor * config.n_bands, config.latent_channels, width=encoder.width, blocks=self.receptive_field
        )

    def forward(self, bands: Tensor) -> Tensor:
        """[B, bands, F] -> [B, latent_channels, F / factor]."""
        x = (bands - self.mean[:, None]) / self.scale[:, None]
        latent: Tensor = self.net(rearrange(x, "b n (l f) -> b l (f n)", f=self.factor))
        return latent.transpose(1, 2)
