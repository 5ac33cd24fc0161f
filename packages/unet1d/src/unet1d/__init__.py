"""Building blocks of 1D U-Nets for diffusion, and the U-Net of Moûsai built from them."""

from unet1d.attention import Attention, FeedForward
from unet1d.blocks import Conv, Downsample, GroupNorm, Injection, Modulation, ResidualBlock, Skip, Upsample
from unet1d.config import Level, UNet1dConfig
from unet1d.embedding import GlobalEmbedding, TimeEmbedding
from unet1d.patching import Patching
from unet1d.unet import Item, UNet1d, UNetLevel

__version__ = "0.1.0"

__all__ = [
    "Attention",
    "Conv",
    "Downsample",
    "FeedForward",
    "GlobalEmbedding",
    "GroupNorm",
    "Injection",
    "Item",
    "Level",
    "Modulation",
    "Patching",
    "ResidualBlock",
    "Skip",
    "TimeEmbedding",
    "UNet1d",
    "UNet1dConfig",
    "UNetLevel",
    "Upsample",
    "__version__",
]
