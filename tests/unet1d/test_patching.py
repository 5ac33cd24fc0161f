"""Patching is the strided convolution and its transpose, for any length and in bfloat16 too."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from unet1d import Patching


@given(batch=st.integers(1, 3), channels=st.integers(1, 3), samples=st.integers(1, 40), size=st.integers(1, 8))
@settings(max_examples=30, deadline=None)
def test_both_ways_are_the_convolutions_they_replace(batch: int, channels: int, samples: int, size: int) -> None:
    patching = Patching(channels, 5, size)
    wave = torch.randn(batch, channels, samples)
    patches = patching(wave)
    kernel = patching.encode.weight.view(5, channels, size)
    padded = F.pad(wave, (0, -samples % size))
    torch.testing.assert_close(patches, F.conv1d(padded, kernel, stride=size), rtol=1e-5, atol=1e-5)
    assert patches.shape == (batch, 5, -(-samples // size))

    kernel = patching.decode.weight.T.reshape(5, channels, size)
    back = F.conv_transpose1d(patches, kernel, stride=size)[..., :samples]
    torch.testing.assert_close(patching.inverse(patches, samples), back, rtol=1e-5, atol=1e-5)


@given(channels=st.integers(1, 3), count=st.integers(1, 9), size=st.integers(1, 6), overhang=st.integers(1, 8))
@settings(max_examples=30, deadline=None)
def test_overlapping_patches_are_the_convolutions_too(channels: int, count: int, size: int, overhang: int) -> None:
    """As the authors' plugin has them, where the waveform is long enough for its padding."""
    window = size + 2 * overhang
    patching = Patching(channels, 5, size, window)
    wave = torch.randn(2, channels, count * size)
    patches = patching(wave)
    assert patches.shape == (2, 5, count)
    if count * size > overhang:
        kernel = patching.encode.weight.view(5, channels, window)
        padded = F.pad(wave, (overhang, overhang), mode="reflect")
        torch.testing.assert_close(patches, F.conv1d(padded, kernel, stride=size), rtol=1e-5, atol=1e-5)
    kernel = patching.decode.weight.T.reshape(5, channels, window)
    back = F.conv_transpose1d(patches, kernel, stride=size, padding=overhang)
    torch.testing.assert_close(patching.inverse(patches, count * size), back, rtol=1e-5, atol=1e-5)


@given(samples=st.integers(1, 40), size=st.integers(1, 8), overhang=st.integers(0, 12))
@settings(max_examples=30, deadline=None)
def test_any_length_in_exactly_that_length_out(samples: int, size: int, overhang: int) -> None:
    patching = Patching(1, 3, size, size + 2 * overhang)
    patches = patching(torch.randn(1, 1, samples))
    assert patches.shape == (1, 3, -(-samples // size)) and patches.isfinite().all()
    assert patching.inverse(patches, samples).shape == (1, 1, samples)


def test_patches_are_time_major_in_memory() -> None:
    assert Patching(2, 16, 8)(torch.randn(2, 2, 64)).transpose(1, 2).is_contiguous()
    assert Patching(2, 16, 8, 12)(torch.randn(2, 2, 64)).transpose(1, 2).is_contiguous()


@pytest.mark.parametrize("window", [None, 128])
def test_gradients_in_bfloat16_are_those_of_float32(window: int | None) -> None:
    """`conv_transpose1d` with kernel = stride = 64 fails this on CPUs: relative error 1."""
    torch.manual_seed(0)
    patching = Patching(2, 16, 64, window)
    patches, weights = torch.randn(2, 16, 8), torch.randn(2, 2, 500)
    gradients = []
    for dtype in (torch.float32, torch.bfloat16):
        leaf = patches.to(dtype).requires_grad_()
        wave = patching.to(dtype).inverse(leaf, 500)
        gradients.append(torch.autograd.grad((wave * weights.to(dtype)).sum(), leaf)[0].float())
    exact, half = gradients
    assert (half - exact).norm() / exact.norm() < 0.02


def test_wrong_shapes_are_named() -> None:
    patching = Patching(2, 16, 8)
    with pytest.raises(ValueError, match=r"wave: expected \[batch, channels=2, samples\], got \[1, 3, 9\]"):
        patching(torch.randn(1, 3, 9))
    with pytest.raises(
        ValueError, match=r"patches: expected \[batch, filters=16, patches=3\] \(= ceil\(17 / 8\)\), got \[1, 16, 2\]"
    ):
        patching.inverse(torch.randn(1, 16, 2), 17)
    with pytest.raises(ValueError, match="size must be 1 or more, not 0"):
        Patching(2, 16, 0)
    for window in (6, 9):
        with pytest.raises(ValueError, match=f"window={window} must be size=8 or an even number more"):
            Patching(2, 16, 8, window)
