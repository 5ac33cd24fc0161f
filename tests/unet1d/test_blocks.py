"""Every block against its formula, written out again here in float64 where that is shorter than trust."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from unet1d import Conv, Downsample, GroupNorm, Injection, Modulation, ResidualBlock, Skip, TimeEmbedding, Upsample


def close(actual: Tensor, expected: Tensor, tolerance: float = 2e-6) -> None:
    torch.testing.assert_close(actual.double(), expected.double(), rtol=tolerance, atol=tolerance)


def silu(x: Tensor) -> Tensor:
    return x / (1 + torch.exp(-x))


def group_norm(x: Tensor, norm: GroupNorm) -> Tensor:
    """Group normalisation of [B, L, C], group by group."""
    out = torch.empty_like(x, dtype=torch.float64)
    size = x.shape[-1] // norm.num_groups
    for item in range(len(x)):
        for start in range(0, x.shape[-1], size):
            part = x[item, :, start : start + size].double()
            part = (part - part.mean()) / (part.var(unbiased=False) + 1e-5).sqrt()
            gain, bias = norm.weight[start : start + size], norm.bias[start : start + size]
            out[item, :, start : start + size] = part * gain + bias
    return out


@given(
    length=st.integers(1, 9),
    channels=st.integers(1, 5),
    out_channels=st.integers(1, 5),
    kernel_size=st.sampled_from([1, 3, 5]),
)
@settings(max_examples=25, deadline=None)
def test_conv_is_a_sum_over_taps_with_zeros_beyond_the_ends(
    length: int, channels: int, out_channels: int, kernel_size: int
) -> None:
    conv = Conv(channels, out_channels, kernel_size=kernel_size)
    x = torch.randn(2, length, channels)
    expected = conv.bias.double().expand(2, length, out_channels).clone()
    for position in range(length):
        for tap in range(kernel_size):
            source = position + tap - kernel_size // 2
            if 0 <= source < length:
                expected[:, position] += x[:, source].double() @ conv.weight[:, tap].double().T
    close(conv(x), expected)


@pytest.mark.parametrize("kernel_size", [1, 3, 5])
def test_few_positions_go_through_one_product_which_is_the_same(
    kernel_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    conv, few, many = Conv(256, 8, kernel_size=kernel_size), torch.randn(2, 64, 256), torch.randn(2, 65, 256)
    assert conv._use_matmul(few) and not conv._use_matmul(many)
    found = conv(few)
    monkeypatch.setattr(Conv, "_use_matmul", lambda self, x: False)
    torch.testing.assert_close(found, conv(few))
    assert found.is_contiguous()


def test_conv_keeps_activations_time_major_without_copies() -> None:
    y = Conv(8, 16)(torch.randn(2, 10, 8))
    assert y.is_contiguous()


@pytest.mark.parametrize("shift", [1, 4])
def test_conv_moves_with_its_input(shift: int) -> None:
    conv = Conv(4, 6)
    x = torch.randn(1, 20, 4)
    inner = slice(1 + shift, -1)
    close(conv(x.roll(shift, dims=1))[:, inner], conv(x).roll(shift, dims=1)[:, inner])


def test_group_norm_is_per_item_and_group() -> None:
    norm = GroupNorm(4, 16)
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    x = 3 * torch.randn(3, 11, 16) + 2
    y = norm(x)
    close(y, group_norm(x, norm), 1e-5)
    assert y.is_contiguous()
    other = x.clone()
    other[1:] *= 100
    assert torch.equal(norm(other)[0], y[0])  # batch mates do not leak in


def test_a_group_of_one_value_is_its_bias_alone_as_in_a_batch() -> None:
    norm = GroupNorm(4, 4)
    torch.nn.init.normal_(norm.bias)
    x = torch.randn(2, 1, 4)
    close(norm(x), norm.bias.expand(2, 1, 4), 1e-4)
    close(norm(x[:1]), norm.bias.expand(1, 1, 4), 1e-4)


def test_residual_block_is_two_convolutions_beside_the_identity() -> None:
    block = ResidualBlock(8, groups=2)
    for norm in (block.norm1, block.norm2):
        torch.nn.init.normal_(norm.weight)
        torch.nn.init.normal_(norm.bias)
    x = torch.randn(2, 7, 8)
    h = block.conv1.double()(silu(group_norm(x, block.norm1)))
    h = block.conv2.double()(silu(group_norm(h, block.norm2)))
    close(block.float()(x), x + h, 1e-5)


def test_zero_init_starts_the_residual_block_as_the_identity() -> None:
    x = torch.randn(2, 7, 8)
    assert torch.equal(ResidualBlock(8, zero_init=True)(x), x)
    assert not torch.equal(ResidualBlock(8)(x), x)


def test_modulation_is_a_normalised_position_scaled_and_shifted() -> None:
    modulation = Modulation(8, features=5)
    x, features = torch.randn(3, 7, 8), torch.randn(3, 5)
    linear = modulation.to_scale_shift
    both = features.double() @ linear.weight.double().T + linear.bias.double()
    scale, shift = both[:, None, :8], both[:, None, 8:]
    wide = x.double()
    normal = (wide - wide.mean(-1, keepdim=True)) / (wide.var(-1, unbiased=False, keepdim=True) + 1e-6).sqrt()
    close(modulation(x, features), normal * (1 + scale) + shift)


def test_modulation_replaces_so_the_size_of_its_input_does_not_matter() -> None:
    modulation = Modulation(8, features=5)
    x, features = torch.randn(3, 7, 8), torch.randn(3, 5)
    close(modulation(1000 * x, features), modulation(x, features), 1e-4)


def test_injection_adds_a_linear_map_of_both() -> None:
    injection = Injection(4, 3)
    x, injected = torch.randn(2, 6, 4), torch.randn(2, 6, 3)
    weight, bias = injection.merge.weight, injection.merge.bias
    close(injection(x, injected), x + x @ weight[:, :4].T + injected @ weight[:, 4:].T + bias)


@given(length=st.integers(1, 13), factor=st.integers(1, 4))
@settings(max_examples=25, deadline=None)
def test_downsample_is_a_convolution_with_stride_and_zeros_at_the_end(length: int, factor: int) -> None:
    down = Downsample(3, 5, factor=factor)
    x = torch.randn(2, length, 3)
    kernel = down.project.weight.view(5, factor, 3).transpose(1, 2)  # [out, in, taps]
    padded = F.pad(x.transpose(1, 2), (0, -length % factor))
    y = down(x)
    assert y.shape == (2, math.ceil(length / factor), 5)
    close(y, F.conv1d(padded, kernel, down.project.bias, stride=factor).transpose(1, 2))


def test_downsample_moves_with_its_input_by_whole_steps() -> None:
    down = Downsample(3, 5, factor=4)
    x = torch.randn(1, 24, 3)
    close(down(x.roll(8, dims=1)), down(x).roll(2, dims=1))


@given(length=st.integers(1, 7), factor=st.integers(1, 4))
@settings(max_examples=25, deadline=None)
def test_upsample_repeats_then_convolves_and_cuts(length: int, factor: int) -> None:
    up = Upsample(3, 5, factor=factor)
    x = torch.randn(2, length, 3)
    repeated = torch.stack([x[:, i // factor] for i in range(length * factor)], dim=1)
    wanted = length * factor - factor + 1  # the shortest length that needs this many positions
    close(up(x, wanted), up.conv(repeated)[:, :wanted])


def test_skip_adds_the_block_scaled_by_time() -> None:
    skip = Skip(4, 4, features=5)
    x, y, features = torch.randn(2, 6, 4), torch.randn(2, 6, 4), torch.randn(2, 5)
    scale = features @ skip.to_scale.weight.T + skip.to_scale.bias
    close(skip(x, y, features), x + scale[:, None] * y)


def test_skip_adapts_another_number_of_channels() -> None:
    skip = Skip(3, 4, features=5)
    x, y, features = torch.randn(2, 6, 3), torch.zeros(2, 6, 4), torch.randn(2, 5)
    assert skip.adapt is not None
    close(skip(x, y, features), x @ skip.adapt.weight.T + skip.adapt.bias)


def test_time_embedding_is_fourier_features_through_a_shared_layer() -> None:
    embedding = TimeEmbedding(12, fourier_features=6)
    t = torch.tensor([0.0, 0.37, 1.0])

    def gelu(x: Tensor) -> Tensor:
        return x * 0.5 * (1 + torch.erf(x / math.sqrt(2)))

    angles = 2 * math.pi * t.double()[:, None] * embedding.frequencies.double()
    vector = torch.cat([t.double()[:, None], angles.sin(), angles.cos()], dim=1)
    for linear in (embedding.project, embedding.mix, embedding.mix):
        vector = gelu(vector @ linear.weight.double().T + linear.bias.double())
    close(embedding(t), silu(vector))


def test_neighbouring_times_stay_apart_in_bfloat16() -> None:
    torch.manual_seed(0)
    embedding = TimeEmbedding(64).bfloat16()
    # 0.5 and 0.501 are one number in bfloat16.
    first, second = embedding(torch.tensor([0.5, 0.501], dtype=torch.float64))
    assert first.dtype == torch.bfloat16
    assert not torch.equal(first, second)


def test_wrong_sizes_are_named() -> None:
    with pytest.raises(ValueError, match="kernel_size must be odd, so that the length stays, not 2"):
        Conv(3, 3, kernel_size=2)
    with pytest.raises(ValueError, match="fourier_features must be even"):
        TimeEmbedding(8, fourier_features=7)


def test_group_norm_of_data_has_gradients_for_its_weights() -> None:
    # PyTorch 2.13 crashes the whole process here where the input wants no gradient.
    norm = GroupNorm(2, 8)
    norm(torch.linspace(-1, 1, 2 * 8 * 64).view(2, 64, 8)).square().sum().backward()
    assert norm.weight.grad is not None and bool(norm.weight.grad.abs().min() > 0)
