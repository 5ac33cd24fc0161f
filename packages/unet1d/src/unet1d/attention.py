"""Self-attention along time, cross-attention to a context with a mask that works, and the feed-forward after them."""

from contextlib import AbstractContextManager, nullcontext

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

_KERNELS = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]


class Attention(nn.Module):
    """x -> x + Attention(queries of x; keys and values of x or of a context).

        out = softmax(q k^T / sqrt(head_features)) v   per head; Vaswani et al., 2017, arXiv 1706.03762, eq. 1

    Queries and keys/values each have their own LayerNorm. No biases and no positions, as in the authors' model: the
    convolutions around it know where they are.

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
            mask: bool [B, N], True = use this token. A token that is not used cannot change the result, whatever it
                holds, NaN included; an item with no token left gets x back, because attention then adds nothing.

        Returns:
            [B, L, C].

        Raises:
            ValueError: `context` missing or not wanted.
        """
        if self.context_features and context is None:
            raise ValueError("context is missing: this attention reads a context [batch, tokens, features]")
        if not self.context_features and context is not None:
            raise ValueError("context given to a self-attention; make it with context_features to attend to a context")
        usable = None if mask is None else usable_tokens(mask)
        return self.attend(x, self.read(x if context is None else context, mask), usable)

    def read(self, source: Tensor, mask: Tensor | None = None) -> Tensor:
        """Keys and values of tokens, which `attend` takes.

        Args:
            source: [B, N, context_features], or [B, N, C] where this is self-attention.
            mask: bool [B, N], True = this token is to be used.

        Returns:
            [B, N, 2 * heads * head_features]; the values of an item without a usable token are zero.
        """
        if mask is not None:
            source = source.masked_fill(~mask.unsqueeze(-1), 0)
        read: Tensor = self.to_kv(self.norm_context(source))
        if mask is not None:
            keys, values = read.chunk(2, dim=-1)
            read = torch.cat([keys, values.masked_fill(~mask.any(dim=1)[:, None, None], 0)], dim=-1)
        return read

    def attend(self, x: Tensor, read: Tensor, usable: Tensor | None = None) -> Tensor:
        """Attend to what `read` made of the tokens.

        Args:
            x: [B, L, C].
            read: [B, N, 2 * heads * head_features].
            usable: bool [B, N], `usable_tokens` of the mask that `read` was given.

        Returns:
            [B, L, C].
        """
        q = rearrange(self.to_q(self.norm(x)), "b l (h d) -> b h l d", h=self.heads)
        k, v = rearrange(read, "b n (two h d) -> two b h n d", two=2, h=self.heads)
        mask = None if usable is None else usable[:, None, None, :]
        with sound_kernels(q.device):
            out = rearrange(F.scaled_dot_product_attention(q, k, v, attn_mask=mask), "b h l d -> b l (h d)")
        attended: Tensor = x + self.to_out(out)
        return attended


def sound_kernels(device: torch.device) -> AbstractContextManager[None]:
    """The context in which attention on a device is computed by kernels whose gradients can be trusted.

    On Hopper cards PyTorch 2.11 and later prefer cuDNN's, whose backward gives NaN for 64, 192, 320, ... keys where a
    query is far from all of them (pytorch/pytorch issue 196678). 64 keys are what a prompt has.
    """
    return sdpa_kernel(_KERNELS) if device.type == "cuda" else nullcontext()


def usable_tokens(mask: Tensor) -> Tensor:
    """Mask [B, N] -> the same, but all True for an item without any token.

    A softmax over nothing is NaN in some kernels, and so is its gradient. So such an item attends to all its tokens,
    whose values are zero.
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
        fed: Tensor = x + self.contract(F.gelu(self.expand(x)))
        return fed
