"""Attention against a softmax written out here; the mask really masks."""

import math

import pytest
import torch
from torch import Tensor

from unet1d import Attention, FeedForward
from unet1d.attention import safe_sdpa_backends


def naive(attention: Attention, x: Tensor, source: Tensor, mask: Tensor | None) -> Tensor:
    """softmax(q k / sqrt(d)) v, one item, head and query at a time, over the tokens in use only."""

    def norm(y: Tensor, layer: torch.nn.LayerNorm) -> Tensor:
        y = (y - y.mean(-1, keepdim=True)) / (y.var(-1, unbiased=False, keepdim=True) + 1e-5).sqrt()
        return y * layer.weight.double() + layer.bias.double()

    heads, inner = attention.heads, attention.to_q.out_features
    size = inner // heads
    out = torch.zeros(*x.shape[:2], inner, dtype=torch.float64)
    for item in range(len(x)):
        tokens = source[item].double()
        if mask is not None:
            tokens = tokens[mask[item]]
        if len(tokens) == 0:
            continue
        q = norm(x[item].double(), attention.norm) @ attention.to_q.weight.double().T
        kv = norm(tokens, attention.norm_context) @ attention.to_kv.weight.double().T
        for head in range(heads):
            here = slice(head * size, (head + 1) * size)
            k, v = kv[:, :inner][:, here], kv[:, inner:][:, here]
            for position in range(x.shape[1]):
                weights = torch.exp(k @ q[position, here] / math.sqrt(size))
                out[item, position, here] = weights @ v / weights.sum()
    return x.double() + out @ attention.to_out.weight.double().T


def cross(channels: int = 8) -> Attention:
    attention = Attention(channels, heads=3, head_features=4, context_features=6)
    for norm in (attention.norm, attention.norm_context):
        torch.nn.init.normal_(norm.weight)
        torch.nn.init.normal_(norm.bias)
    return attention


def test_self_attention_is_the_naive_softmax() -> None:
    attention = Attention(8, heads=3, head_features=4)
    x = torch.randn(2, 7, 8)
    expected = naive(attention, x, x, None)
    torch.testing.assert_close(attention(x).double(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("masked", [False, True])
def test_cross_attention_is_the_naive_softmax_over_the_tokens_in_use(masked: bool) -> None:
    attention = cross()
    x, context = torch.randn(3, 7, 8), torch.randn(3, 5, 6)
    mask = torch.tensor([[1, 0, 1, 1, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]], dtype=torch.bool) if masked else None
    expected = naive(attention, x, context, mask)
    torch.testing.assert_close(attention(x, context, mask).double(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("content", [1e6, math.inf, math.nan])
def test_a_masked_token_cannot_change_the_output_whatever_it_holds(content: float) -> None:
    attention = cross()
    x, context = torch.randn(2, 7, 8), torch.randn(2, 5, 6)
    mask = torch.tensor([[1, 1, 0, 1, 0], [0, 1, 1, 1, 1]], dtype=torch.bool)
    poisoned = context.masked_fill(~mask[..., None], content)
    assert torch.equal(attention(x, poisoned, mask), attention(x, context, mask))


def test_masked_tokens_get_no_gradient_and_others_do() -> None:
    attention = cross()
    x, context = torch.randn(1, 7, 8), torch.randn(1, 3, 6).requires_grad_()
    attention(x, context, torch.tensor([[True, False, True]])).square().sum().backward()
    assert context.grad is not None
    assert [bool(row.any()) for row in context.grad[0]] == [True, False, True]


def test_an_item_with_no_token_left_comes_back_as_it_was() -> None:
    attention = cross()
    x, context = torch.randn(2, 7, 8), torch.randn(2, 5, 6).requires_grad_()
    mask = torch.tensor([[False] * 5, [True] * 5])
    y = attention(x, context, mask)
    assert torch.equal(y[0], x[0])
    assert not torch.equal(y[1], x[1])
    y.sum().backward()
    assert context.grad is not None and context.grad.isfinite().all()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in attention.parameters())


def test_no_token_left_is_safe_with_kernels_that_answer_nan(monkeypatch: pytest.MonkeyPatch) -> None:
    """Today's CPU kernel gives zeros for a softmax over nothing; others give NaN, in the gradient too."""

    def plain(q: Tensor, k: Tensor, v: Tensor, attn_mask: Tensor) -> Tensor:
        scores = (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])).masked_fill(~attn_mask, -math.inf)
        return scores.softmax(-1) @ v

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", plain)
    test_an_item_with_no_token_left_comes_back_as_it_was()


def test_all_true_is_no_mask() -> None:
    attention = cross()
    x, context = torch.randn(2, 7, 8), torch.randn(2, 5, 6)
    everything = attention(x, context, torch.ones(2, 5, dtype=torch.bool))
    torch.testing.assert_close(everything, attention(x, context), rtol=1e-6, atol=1e-6)


def test_self_attention_has_no_positions() -> None:
    attention = Attention(8, heads=2, head_features=4)
    x, order = torch.randn(2, 9, 8), torch.randperm(9)
    torch.testing.assert_close(attention(x[:, order]), attention(x)[:, order], rtol=1e-5, atol=1e-6)


def test_the_context_must_be_there_where_it_is_read_and_only_there() -> None:
    x, context = torch.randn(2, 7, 8), torch.randn(2, 5, 6)
    with pytest.raises(ValueError, match="context is missing"):
        cross()(x)
    with pytest.raises(ValueError, match="context given to a self-attention"):
        Attention(8, heads=2, head_features=4)(x, context)


def test_feed_forward_is_two_layers_beside_the_identity() -> None:
    block = FeedForward(8, factor=1.5)
    x = torch.randn(2, 7, 8)
    assert block.expand.out_features == 12
    h = x @ block.expand.weight.T + block.expand.bias
    h = h * 0.5 * (1 + torch.erf(h / math.sqrt(2)))
    torch.testing.assert_close(block(x), x + h @ block.contract.weight.T + block.contract.bias, rtol=1e-5, atol=1e-6)


def test_zero_init_starts_both_as_the_identity() -> None:
    x = torch.randn(2, 7, 8)
    assert torch.equal(Attention(8, heads=2, head_features=4, zero_init=True)(x), x)
    assert torch.equal(FeedForward(8, factor=2, zero_init=True)(x), x)


def test_on_a_gpu_cudnn_is_not_a_backend() -> None:
    from torch.backends import cuda

    before = (cuda.cudnn_sdp_enabled(), cuda.flash_sdp_enabled(), cuda.mem_efficient_sdp_enabled())
    with safe_sdpa_backends(torch.device("cuda")):
        assert not cuda.cudnn_sdp_enabled()
        assert cuda.flash_sdp_enabled() and cuda.mem_efficient_sdp_enabled() and cuda.math_sdp_enabled()
    assert (cuda.cudnn_sdp_enabled(), cuda.flash_sdp_enabled(), cuda.mem_efficient_sdp_enabled()) == before
    with safe_sdpa_backends(torch.device("cpu")):
        assert cuda.cudnn_sdp_enabled() == before[0]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_query_far_from_64_keys_has_a_finite_gradient() -> None:
    # pytorch/pytorch issue 196678: every logit near -120, an explicit mask, 64 keys, bfloat16.
    layer = Attention(64, heads=1, head_features=64, context_features=64).cuda().bfloat16()
    q = torch.zeros(1, 1, 64, device="cuda", dtype=torch.bfloat16)
    q[..., 0] = 1.0
    keys = torch.zeros(1, 64, 64, device="cuda", dtype=torch.bfloat16)
    keys[..., 0] = -960.0
    kv = torch.cat([keys, torch.randn_like(keys)], dim=-1)
    x = torch.randn(1, 64, 64, device="cuda", dtype=torch.bfloat16, requires_grad=True)
    with torch.no_grad():
        layer.to_q.weight.zero_()
        layer.norm.weight.zero_()
        layer.norm.bias.copy_(q[0, 0])
        layer.to_q.weight[0, 0] = 1.0
    mask = torch.ones(1, 64, dtype=torch.bool, device="cuda")
    layer.attend(x, kv, mask).float().square().sum().backward()
    assert layer.to_q.weight.grad is not None and layer.to_q.weight.grad.isfinite().all()
