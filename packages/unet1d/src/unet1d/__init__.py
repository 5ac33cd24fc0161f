"""Building blocks of 1D U-Nets for diffusion, and the U-Net of Moûsai built from them."""

from unet1d.attention import Attention, FeedForward
from unet1d.blocks import (
    Conv,
    Downsample,
    GroupNorm,
    Injection,
    Modulation,
    ResidualBlock,
    Skip,
    Upsample,
    as_image,
    from_image,
    wrap,
)
from unet1d.config import Level, UNet1dConfig
from unet1d.embedding import GlobalEmbedding, TimeEmbedding
from unet1d.fields import from_mapping
from unet1d.level import UNetBlock, UNetLevel
from unet1d.patching import Patching
from unet1d.unet import UNet1d

__version__ = "0.1.0"

__all__ = [
    "Attention",
    "Conv",
    "Downsample",
    "FeedForward",
    "GlobalEmbedding",
    "GroupNorm",
    "Injection",
    "Level",
    "Modulation",
    "Patching",
    "ResidualBlock",
    "Skip",
    "TimeEmbedding",
    "UNet1d",
    "UNet1dConfig",
    "UNetBlock",
    "UNetLevel",
    "Upsample",
    "__version__",
    "as_image",
    "from_image",
    "from_mapping",
    "wrap",
]
