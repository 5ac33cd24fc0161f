"""The encoder of T5 (Raffel et al. 2020, arXiv 1910.10683): tokens -> embedding.

It has the names of transformers' `T5EncoderModel` for its weights and gives the same numbers to the last bit, in
training too. But importing it takes no time, and importing transformers' takes longer than all else before the music.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, kw_only=True)
class T5EncoderConfig:
    """Sizes of a T5 encoder, under transformers' names.

    Args:
        vocab_size: tokens.
        d_model: width.
        d_kv: width of a head.
        d_ff: width inside the feed-forward.
        num_layers: blocks.
        num_heads: heads of the attention.
        relative_attention_num_buckets: distances between tokens that are told apart, half of them to each side.
        relative_attention_max_distance: tokens beyond which all distances are one.
        dropout_rate: share of activations dropped in training.
        layer_norm_epsilon: added to the mean square before its root.
        initializer_factor: of the spread of transformers' fresh weights; kept for it, and used by nothing here.
        feed_forward_proj: one of `ACTIVATIONS`; the gated ones are those of T5 1.1 (2002.05202).
        pad_token_id: number of the token that pads, kept for transformers.
        eos_token_id: number of the token that ends, likewise.
    """

    vocab_size: int
    d_model: int
    d_kv: int
    d_ff: int
    num_layers: int
    num_heads: int
    relative_attention_num_buckets: int = 32
    relative_attention_max_distance: int = 128
    dropout_rate: float = 0.1
    layer_norm_epsilon: float = 1e-6
    initializer_factor: float = 1.0
    feed_forward_proj: str = "relu"
    pad_token_id: int = 0
    eos_token_id: int = 1

    def to_diff_dict(self) -> dict[str, Any]:
        """The config as JSON that transformers reads too; named like the method of its configs."""
        return {"model_type": "t5", **asdict(self), "is_encoder_decoder": False, "use_cache": False}


@dataclass(frozen=True)
class T5Output:
    """Result of an encoder, named as transformers names it.

    Args:
        last_hidden_state: [batch, tokens, features].
    """

    last_hidden_state: Tensor


class T5Encoder(nn.Module):
    """A T5 encoder, whose weights are to be loaded: fresh ones have PyTorch's spread, not T5's.

    Args:
        config: its sizes.
    """

    def __init__(self, config: T5EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.shared = nn.Embedding(config.vocab_size, config.d_model)
        self.encoder = _Stack(config, self.shared)

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> T5Output:
        """Embed tokens.

        Args:
            input_ids: [batch, tokens].
            attention_mask: [batch, tokens], 0 or False = a token that no other looks at.
        """
        mask = None if attention_mask is None else attention_mask.bool()
        hidden: Tensor = self.encoder(input_ids, mask)
        return T5Output(hidden)


class _Stack(nn.Module):
    def __init__(self, config: T5EncoderConfig, embedding: nn.Embedding) -> None:
        super().__init__()
        self.embed_tokens = embedding
        self.block = nn.ModuleList(_Block(config, has_bias=index == 0) for index in range(config.num_layers))
        self.final_layer_norm = _RMSNorm(config)
        self.dropout = nn.Dropout(config.dropout_rate)

    def forward(self, tokens: Tensor, mask: Tensor | None) -> Tensor:
        hidden: Tensor = self.dropout(self.embed_tokens(tokens))
        bias: Tensor | None = None  # of the first block, which all share
        for block in self.block:
            hidden, bias = block(hidden, mask, bias)
        embedding: Tensor = self.dropout(self.final_layer_norm(hidden))
        return embedding


class _Block(nn.Module):
    def __init__(self, config: T5EncoderConfig, *, has_bias: bool) -> None:
        super().__init__()
        self.layer = nn.ModuleList([_AttentionLayer(config, has_bias=has_bias), _FeedForwardLayer(config)])

    def forward(self, hidden: Tensor, mask: Tensor | None, bias: Tensor | None) -> tuple[Tensor, Tensor]:
        attended, shared = self.layer[0](hidden, mask, bias)
        return _bounded(self.layer[1](_bounded(attended))), shared


class _AttentionLayer(nn.Module):
    def __init__(self, config: T5EncoderConfig, *, has_bias: bool) -> None:
        super().__init__()
        self.SelfAttention = _Attention(config, has_bias=has_bias)
        self.layer_norm = _RMSNorm(config)
        self.dropout = nn.Dropout(config.dropout_rate)

    def forward(self, hidden: Tensor, mask: Tensor | None, bias: Tensor | None) -> tuple[Tensor, Tensor]:
        change, shared = self.SelfAttention(self.layer_norm(hidden), mask, bias)
        return hidden + self.dropout(change), shared


class _FeedForwardLayer(nn.Module):
    def __init__(self, config: T5EncoderConfig) -> None:
        super().__init__()
        self.DenseReluDense = _Gated(config) if config.feed_forward_proj.startswith("gated-") else _Plain(config)
        self.layer_norm = _RMSNorm(config)
        self.dropout = nn.Dropout(config.dropout_rate)

    def forward(self, hidden: Tensor) -> Tensor:
        changed: Tensor = hidden + self.dropout(self.DenseReluDense(self.layer_norm(hidden)))
        return changed


class _Plain(nn.Module):
    def __init__(self, config: T5EncoderConfig) -> None:
        super().__init__()
        self.wi = nn.Linear(config.d_model, config.d_ff, bias=False)
        self.wo = nn.Linear(config.d_ff, config.d_model, bias=False)
        self.dropout = nn.Dropout(config.dropout_rate)
        self.act = ACTIVATIONS[config.feed_forward_proj]

    def forward(self, hidden: Tensor) -> Tensor:
        changed: Tensor = self.wo(self.dropout(self.act(self.wi(hidden))))
        return changed


class _Gated(nn.Module):
    def __init__(self, config: T5EncoderConfig) -> None:
        super().__init__()
        self.wi_0 = nn.Linear(config.d_model, config.d_ff, bias=False)
        self.wi_1 = nn.Linear(config.d_model, config.d_ff, bias=False)
        self.wo = nn.Linear(config.d_ff, config.d_model, bias=False)
        self.dropout = nn.Dropout(config.dropout_rate)
        self.act = ACTIVATIONS[config.feed_forward_proj]

    def forward(self, hidden: Tensor) -> Tensor:
        changed: Tensor = self.wo(self.dropout(self.act(self.wi_0(hidden)) * self.wi_1(hidden)))
        return changed


class _Attention(nn.Module):
    """Attention that adds a number for each distance between tokens to the products, and does not scale them."""

    def __init__(self, config: T5EncoderConfig, *, has_bias: bool) -> None:
        super().__init__()
        self.config = config
        inner = config.num_heads * config.d_kv
        self.q = nn.Linear(config.d_model, inner, bias=False)
        self.k = nn.Linear(config.d_model, inner, bias=False)
        self.v = nn.Linear(config.d_model, inner, bias=False)
        self.o = nn.Linear(inner, config.d_model, bias=False)
        if has_bias:
            self.relative_attention_bias = nn.Embedding(config.relative_attention_num_buckets, config.num_heads)

    def forward(self, hidden: Tensor, mask: Tensor | None, bias: Tensor | None) -> tuple[Tensor, Tensor]:
        heads = (self.config.num_heads, self.config.d_kv)
        query, key, value = (to(hidden).unflatten(-1, heads).transpose(1, 2) for to in (self.q, self.k, self.v))
        if bias is None:
            bias = self.bias(hidden.shape[1])
        added = bias if mask is None else torch.where(mask[:, None, None, :], bias, torch.finfo(key.dtype).min)
        dropped = self.config.dropout_rate if self.training else 0.0
        found = functional.scaled_dot_product_attention(
            query, key, value, attn_mask=added.contiguous(), dropout_p=dropped, scale=1.0
        )
        return self.o(found.transpose(1, 2).flatten(2)), bias

    def bias(self, tokens: int) -> Tensor:
        """What is added to the products: [1, heads, tokens that look, tokens that are looked at]."""
        place = torch.arange(tokens, device=self.relative_attention_bias.weight.device)
        buckets = distance_buckets(
            place[None, :] - place[:, None],
            self.config.relative_attention_num_buckets,
            self.config.relative_attention_max_distance,
        )
        numbers: Tensor = self.relative_attention_bias(buckets)
        return numbers.permute(2, 0, 1)[None]


class _RMSNorm(nn.Module):
    """Division by the root of the mean square, computed in float32 (1910.07467)."""

    def __init__(self, config: T5EncoderConfig) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(config.d_model))
        self.epsilon = config.layer_norm_epsilon

    def forward(self, hidden: Tensor) -> Tensor:
        square = hidden.to(torch.float32).pow(2).mean(-1, keepdim=True)
        return self.weight * (hidden * torch.rsqrt(square + self.epsilon)).to(self.weight.dtype)


def distance_buckets(distance: Tensor, buckets: int, most: int) -> Tensor:
    """Numbers of the buckets that distances fall in (1910.10683, section 2.1), of the same shape.

    A quarter of the buckets holds one small distance to the left each, a quarter the larger ones in steps that grow
    with the logarithm; the other half is for those to the right.

    Args:
        distance: place of the token that is looked at, less that of the token that looks.
        buckets: how many, 4 or more.
        most: distance from which on all fall into the last bucket.
    """
    half = buckets // 2
    single = half // 2
    away = distance.abs()
    grown = torch.log(away.clamp(min=single).float() / single) / math.log(most / single) * (half - single)
    far = (single + grown.long()).clamp(max=half - 1)
    return torch.where(away < single, away, far) + half * (distance > 0)


def _gelu_by_tanh(x: Tensor) -> Tensor:
    # PyTorch's own differs in the last bit.
    return 0.5 * x * (1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * torch.pow(x, 3.0))))


def _bounded(hidden: Tensor) -> Tensor:
    """In float16, which training overflows, numbers held below infinity; in other types as they are."""
    if hidden.dtype != torch.float16:
        return hidden
    most = torch.finfo(torch.float16).max
    bound = torch.where(hidden.isinf().any(), most - 1000, most)
    return torch.clamp(hidden, min=-bound, max=bound)


ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "relu": functional.relu,
    "gelu": functional.gelu,
    "silu": functional.silu,
    "gated-relu": functional.relu,
    "gated-gelu": _gelu_by_tanh,
    "gated-silu": functional.silu,
}
"""What a feed-forward can be, by the names of transformers' `feed_forward_proj`."""
