"""Embeddings of diffusion time and global condition, which make the modulation vector of all blocks and skips."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class TimeEmbedding(nn.Module):
    """Time [B] -> modulation vector [B, features].

        t -> [t, sin(2 pi w t), cos(2 pi w t)] -> Linear -> GELU -> (Linear -> GELU) twice, the same Linear -> SiLU

    The frequencies w are learned and start as draws from a standard normal. Random Fourier features: Tancik et al.,
    2020, arXiv 2006.10739. The second Linear is one set of weights used twice, as in the authors' model; the
    paper's parameter count includes it once. The SiLU at the end is here because all users of the vector start with it.

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

    def forward(self, t: Tensor, embedded: Tensor | None = None) -> Tensor:
        """Embed times `t` [B] in [0, 1]; the sines are computed in float32 whatever the weights' dtype.

        `embedded` [B, features], the output of a `GlobalEmbedding`, is added before the last SiLU.
        """
        # In bfloat16 neighbouring times of a 100-step sampler would be one and the same number.
        t = t.float().unsqueeze(-1)
        angles = 2 * math.pi * t * self.frequencies.float()
        fourier = torch.cat([t, angles.sin(), angles.cos()], dim=-1)
        vector = F.gelu(self.project(fourier.to(self.project.weight.dtype)))
        for _ in range(2):
            vector = F.gelu(self.mix(vector))
        return F.silu(vector if embedded is None else vector + embedded)


class GlobalEmbedding(nn.Module):
    """Global condition [B, condition_features] -> a term of the modulation vector [B, features].

        condition -> Linear -> SiLU -> Linear, which starts at zero

    Classes enter the net of Dhariwal & Nichol (2105.05233, section 3) in this way, and pooled text that of Saharia et
    al. (2205.11487, appendix C): it reaches every block and skip, at every position. The last Linear starts at zero, so
    that a net trained without a global condition can be given one later.

    Args:
        condition_features: width of the condition.
        features: width of the modulation vector.
        hidden: width of the layer between the two.
    """

    def __init__(self, condition_features: int, features: int, *, hidden: int) -> None:
        super().__init__()
        self.project = nn.Linear(condition_features, hidden)
        self.mix = nn.Linear(hidden, features)
        nn.init.zeros_(self.mix.weight)
        nn.init.zeros_(self.mix.bias)

    def forward(self, condition: Tensor) -> Tensor:
        """[B, condition_features] -> [B, features], computed in the dtype of the weights."""
        embedded: Tensor = self.mix(F.silu(self.project(condition.to(self.project.weight.dtype))))
        return embedded
