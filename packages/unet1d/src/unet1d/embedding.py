"""Diffusion time, and what is known of the whole item -> the modulation vector that steers every item and skip."""

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

    def forward(self, t: Tensor, known: Tensor | None = None) -> Tensor:
        """Embed times `t` [B] in [0, 1]; the sines are computed in float32 whatever the weights' type.

        `known` [B, features], what a `GlobalEmbedding` made, is added before the closing SiLU.
        """
        # In bfloat16 neighbouring times of a 100-step sampler would be one and the same number.
        t = t.float().unsqueeze(-1)
        angles = 2 * math.pi * t * self.frequencies.float()
        fourier = torch.cat([t, angles.sin(), angles.cos()], dim=-1)
        vector = F.gelu(self.project(fourier.to(self.project.weight.dtype)))
        for _ in range(2):
            vector = F.gelu(self.mix(vector))
        return F.silu(vector if known is None else vector + known)


class GlobalEmbedding(nn.Module):
    """Global condition [B, condition_features] -> what is added to the time's modulation vector [B, features].

        condition -> Linear -> SiLU -> Linear, which starts at zero

    So a class is given to the net of Dhariwal & Nichol (2105.05233, section 3) and a pooled text to that of Saharia et
    al. (2205.11487, appendix C): every item and skip hears of it, at every position. From zero, so that a net can be
    given one after it was trained without.

    Args:
        condition_features: width of the condition.
        features: width of the modulation vector.
        hidden: width in between.
    """

    def __init__(self, condition_features: int, features: int, *, hidden: int) -> None:
        super().__init__()
        self.project = nn.Linear(condition_features, hidden)
        self.mix = nn.Linear(hidden, features)
        nn.init.zeros_(self.mix.weight)
        nn.init.zeros_(self.mix.bias)

    def forward(self, condition: Tensor) -> Tensor:
        """[B, condition_features] -> [B, features], computed in the type of the weights."""
        embedded: Tensor = self.mix(F.silu(self.project(condition.to(self.project.weight.dtype))))
        return embedded
