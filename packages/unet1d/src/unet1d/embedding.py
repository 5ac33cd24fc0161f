"""Diffusion time -> Fourier features -> the modulation vector that steers every item and skip."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class TimeEmbedding(nn.Module):
    """Time [B] -> modulation vector [B, features].

        t -> [t, sin(2 pi w t), cos(2 pi w t)] -> Linear -> GELU -> (Linear -> GELU) twice, the same Linear -> SiLU

    The frequencies w are learned and start as draws from a standard normal. Random Fourier features: Tancik et al.,
    2020, arXiv 2006.10739. The second Linear is one set of weights used twice: so it is in the authors' model, and the
    paper's parameter count includes it once. The closing SiLU stands here because every reader would begin with it.

    Args:
        features: width of the vector.
        fourier_features: sines and cosines together, even.
    """

    def __init__(self, features: int, *, fourier_features: int = 256) -> None:
        super().__init__()
        if fourier_features % 2:
            raise ValueError(f"fourier_features must be even (sine and cosine), not {fourier_features}")
        self.frequencies = nn.Parameter(torch.randn(fourier_features // 2))
        self.project = nn.Linear(fourier_features + 1, features)
        self.mix = nn.Linear(features, features)

    def forward(self, t: Tensor) -> Tensor:
        """Embed times `t` [B] in [0, 1]; the sines are computed in float32 whatever the weights' type."""
        # In bfloat16 neighbouring times of a 100-step sampler would be one and the same number.
        t = t.float().unsqueeze(-1)
        angles = 2 * math.pi * t * self.frequencies.float()
        fourier = torch.cat([t, angles.sin(), angles.cos()], dim=-1)
        vector = F.gelu(self.project(fourier.to(self.project.weight.dtype)))
        for _ in range(2):
            vector = F.gelu(self.mix(vector))
        return F.silu(vector)
