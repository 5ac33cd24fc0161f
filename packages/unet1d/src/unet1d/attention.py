"""Self-attention along time, cross-attention to a context under a mask, and the feed-forward after them."""

from contextlib import AbstractContextManager, nullcontext

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from unet1d.blocks import is_transformed

_SAFE_BACKENDS = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]


class Attention(nn.Module):
    """x -> x + Attention(queries of x; keys and values of x or of a context).

        out = softmax(q k^T / sqrt(head_features)) v   per head; Vaswani et al., 2017, arXiv 1706.03762, eq. 1

    Queries and keys/values each have their own LayerNorm. No biases and no position encoding, as in the authors' model:
    the convolutions around it carry the position.

    Args:
        channels: width of x.
        heads: number of heads.
        head_features: features of each head.
        context_features: width of the context tokens; 0 makes this self-attention.
        zero_init: start the output projection at zero, so that the block starts as the identity.
    """

    def __init__(
        self, channels: int, *, heads: int, head_features: int, context_features: int = 0, zero_init: bool = False
    ) -> None:
        super().__init__()
        self.heads = heads
        self.context_features = context_features
        source = context_features or channels
        inner = heads * head_features
        self.norm = nn.LayerNorm(channels)
        self.norm_context = nn.LayerNorm(source)
        self.to_q = nn.Linear(channels, inner, bias=False)
        self.to_kv = nn.Linear(source, 2 * inner, bias=False)
        self.to_out = nn.Linear(inner, channels, bias=False)
        if zero_init:
            nn.init.zeros_(self.to_out.weight)

    def forward(self, x: Tensor, context: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """Attend.

        Args:
            x: [B, L, C].
            context: [B, N, context_features]; required for cross-attention, not allowed for self-attention.
            mask: bool [B, N], True = use this token. A masked token cannot change the result, even if it holds NaN.
                Where all tokens are masked, attention adds nothing and the result is x.

        Returns:
            [B, L, C].

        Raises:
            ValueError: `context` is missing, or is given to a self-attention.
        """
        if self.context_features and context is None:
            raise ValueError("context is missing: this attention reads a context [batch, tokens, features]")
        if not self.context_features and context is not None:
            raise ValueError("context given to a self-attention; make it with context_features to attend to a context")
        key_mask = None if mask is None else safe_key_mask(mask)
        return self.attend(x, self.encode_kv(x if context is None else context, mask), key_mask)

    def encode_kv(self, source: Tensor, mask: Tensor | None = None) -> Tensor:
        """Compute the keys and values of tokens, for `attend`.

        Args:
            source: [B, N, context_features], or [B, N, C] for self-attention.
            mask: bool [B, N], True = use this token.

        Returns:
            [B, N, 2 * heads * head_features]; where all tokens are masked, the values are zero.
        """
        if mask is not None:
            source = source.masked_fill(~mask.unsqueeze(-1), 0)
        kv: Tensor = self.to_kv(self.norm_context(source))
        if mask is not None:
            keys, values = kv.chunk(2, dim=-1)
            kv = torch.cat([keys, values.masked_fill(~mask.any(dim=1)[:, None, None], 0)], dim=-1)
        return kv

    def attend(self, x: Tensor, kv: Tensor, key_mask: Tensor | None = None) -> Tensor:
        """Attend to keys and values.

        Args:
            x: [B, L, C].
            kv: [B, N, 2 * heads * head_features], from `encode_kv`.
            key_mask: bool [B, N], `safe_key_mask` of the mask that `encode_kv` was given.

        Returns:
            [B, L, C].
        """
        q = rearrange(self.to_q(self.norm(x)), "b l (h d) -> b h l d", h=self.heads)
        k, v = rearrange(kv, "b n (two h d) -> two b h n d", two=2, h=self.heads)
        mask = None if key_mask is None else key_mask[:, None, None, :]
        with safe_sdpa_backends(q.device):
            out = rearrange(F.scaled_dot_product_attention(q, k, v, attn_mask=mask), "b h l d -> b l (h d)")
        result: Tensor = x + self.to_out(out)
        return result


def safe_sdpa_backends(device: torch.device) -> AbstractContextManager[None]:
    """Context manager that leaves scaled dot-product attention only the backends with correct gradients.

    On Hopper GPUs PyTorch 2.11 and later prefer cuDNN, whose backward pass gives NaN for 64, 192, 320, ... keys where a
    query is far from all of them (pytorch/pytorch issue 196678). A prompt has 64 keys.
    """
    if is_transformed():
        return sdpa_kernel(SDPBackend.MATH)
    return sdpa_kernel(_SAFE_BACKENDS) if device.type == "cuda" else nullcontext()


def safe_key_mask(mask: Tensor) -> Tensor:
    """Mask [B, N] -> the same, but all True in rows that are all False.

    A softmax over nothing is NaN in some kernels, and so is its gradient. Such a row attends to all its tokens instead;
    `encode_kv` has set their values to zero.
    """
    return mask | ~mask.any(dim=1, keepdim=True)


class FeedForward(nn.Module):
    """x -> x + Linear(GELU(Linear(x))), position by position.

    Args:
        channels: width in and out.
        factor: hidden width as a multiple of `channels`.
        zero_init: start the second Linear at zero, so that the block starts as the identity.
    """

    def __init__(self, channels: int, *, factor: float, zero_init: bool = False) -> None:
        super().__init__()
        hidden = max(1, round(channels * factor))
        self.expand = nn.Linear(channels, hidden)
        self.contract = nn.Linear(hidden, channels)
        if zero_init:
            nn.init.zeros_(self.contract.weight)
            nn.init.zeros_(self.contract.bias)

    def forward(self, x: Tensor) -> Tensor:
        """[B, L, C] -> [B, L, C]."""
        result: Tensor = x + self.contract(F.gelu(self.expand(x)))
        return result
