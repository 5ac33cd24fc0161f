"""The same weights in both libraries."""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.authors import load_authors
from dmae import DMAE, DMAEConfig
from mousai.conditioning.text import TextEmbedding
from mousai.convert.exporting import state_of
from mousai.diffusion.config import LatentDiffusionConfig
from mousai.diffusion.latent_diffusion import LatentDiffusion
from unet1d import UNet1dConfig

SCALE = 3.0
"""Of the guidance; any but 1 costs the same."""


def autoencoder_config(divisor: int = 1) -> DMAEConfig:
    """The paper's stage 1, every width divided by `divisor`."""
    paper = DMAEConfig.paper()
    decoder = replace(narrowed(paper.decoder, divisor), in_channels=256 // divisor)
    encoder = replace(paper.encoder, width=512 // divisor)
    return replace(paper, decoder=decoder, encoder=encoder, transform_filters=256 // divisor)


def latent_diffusion_config(divisor: int = 1) -> LatentDiffusionConfig:
    """The paper's stage 2 as the authors' library builds it, without feed-forwards; every width divided."""
    net = replace(LatentDiffusionConfig.paper().net, feed_forward_factor=0.0)
    net = replace(narrowed(net, divisor), attention_heads=max(1, 12 // divisor))
    return replace(LatentDiffusionConfig.paper(), net=net)


def narrowed(net: UNet1dConfig, divisor: int) -> UNet1dConfig:
    """The same net with all widths divided."""
    levels = tuple(replace(level, channels=level.channels // divisor) for level in net.levels)
    return replace(net, levels=levels, modulation_features=net.modulation_features // divisor)


@dataclass(frozen=True)
class Autoencoders:
    """Stage 1 twice: `ours`, and `theirs` (a DiffusionAE) with the same weights, both float32."""

    ours: DMAE
    theirs: nn.Module

    @classmethod
    def make(cls, config: DMAEConfig) -> "Autoencoders":
        """Random weights."""
        torch.manual_seed(0)
        ours = DMAE(config).eval()
        authors, net, encoder = load_authors(), config.decoder, config.encoder
        with torch.device("meta"):
            theirs = authors.diffusion.DiffusionAE(
                net_t=authors.diffusion.LTPlugin(
                    authors.diffusion.UNetV0,
                    num_filters=config.transform_filters // config.audio_channels,
                    window_length=config.transform_size,
                    stride=config.transform_size,
                ),
                in_channels=config.audio_channels,
                inject_depth=config.latent_depth,
                modulation_features=net.modulation_features,
                encoder=authors.encoders.ME1d(
                    in_channels=config.audio_channels,
                    channels=encoder.width,
                    multipliers=[1] * (1 + len(encoder.factors)),
                    factors=list(encoder.factors),
                    num_blocks=list(encoder.blocks),
                    stft_num_fft=config.spectrogram.n_fft,
                    stft_hop_length=config.spectrogram.hop_length,
                    out_channels=config.latent_channels,
                    bottleneck=authors.encoders.TanhBottleneck(),
                ),
                **_levels(net),
            )
        return cls(ours, _filled(theirs, ours))


@dataclass(frozen=True)
class LatentDiffusions:
    """Stage 2 twice: `ours`, and `theirs` (a DiffusionModel) with the same weights, both float32."""

    ours: LatentDiffusion
    theirs: nn.Module

    @classmethod
    def make(cls, config: LatentDiffusionConfig) -> "LatentDiffusions":
        """Random weights."""
        torch.manual_seed(0)
        ours = LatentDiffusion(config).eval()
        net, diffusion = config.net, load_authors().diffusion
        with torch.device("meta"):
            theirs = diffusion.DiffusionModel(
                net_t=diffusion.UNetV0,
                in_channels=net.in_channels,
                attentions=[int(level.attention) for level in net.levels],
                cross_attentions=[int(level.cross_attention) for level in net.levels],
                attention_heads=net.attention_heads,
                attention_features=net.attention_head_features,
                modulation_features=net.modulation_features,
                embedding_features=net.context_features,
                embedding_max_length=config.max_tokens,
                use_embedding_cfg=True,
                **_levels(net),
            )
        return cls(ours, _filled(theirs, ours))


def _levels(net: UNet1dConfig) -> dict[str, Any]:
    return {
        "channels": [level.channels for level in net.levels],
        "factors": [level.factor for level in net.levels],
        "items": [level.num_blocks for level in net.levels],
    }


def _filled(theirs: nn.Module, ours: DMAE | LatentDiffusion) -> nn.Module:
    """Their model, built without memory, with the numbers of ours."""
    theirs.load_state_dict(state_of(ours), strict=False, assign=True)
    empty = [key for key, tensor in theirs.state_dict().items() if tensor.is_meta]
    if empty:
        raise RuntimeError(f"their model has {len(empty)} tensors that ours has not, such as {empty[0]}")
    return theirs.eval()


def normal(*shape: int, seed: int = 0) -> Tensor:
    """Standard normal numbers."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def unmasked(hidden: Tensor) -> TextEmbedding:
    """Text embedding [B, N, F] of which every token counts."""
    return TextEmbedding(hidden, torch.ones(hidden.shape[:2], dtype=torch.bool))


def relative_error(found: Tensor, expected: Tensor) -> float:
    """Root mean square of the difference over that of what is expected."""
    difference = (found.float() - expected.float()).square().mean().sqrt()
    return float(difference / expected.float().square().mean().sqrt())
