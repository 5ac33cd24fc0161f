"""The lapped transform is the MDCT with a sine window, and loses nothing."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from dmae import MDCT
from dmae.representation import Patches, to_mid_side
from unet1d import Patching

SIZES = st.sampled_from([2, 4, 6, 16, 64])


def matrix(size: int, blocks: int) -> Tensor:
    """Rows are coefficients (block by block), columns are samples."""
    length = size * blocks
    responses = MDCT(size)(torch.eye(length, dtype=torch.float64)[:, None])  # [sample, k, block]
    return responses.permute(2, 1, 0).reshape(length, length)


@given(SIZES, st.integers(1, 6))
def test_the_matrix_is_orthonormal(size: int, blocks: int) -> None:
    transform = matrix(size, blocks)
    torch.testing.assert_close(transform @ transform.T, torch.eye(size * blocks).double(), rtol=0, atol=1e-6)


@pytest.mark.parametrize("size", [2, 8, 12])
def test_interior_blocks_are_the_textbook_mdct_of_the_reversed_signal(size: int) -> None:
    # Princen, Johnson & Bradley 1987, with the sine window: X_k = sqrt(2/N) sum_n w_n x_n cos(pi/N (n + 1/2 + N/2)
    # (k + 1/2)), n = 0 ... 2N - 1. Ours is even where the textbook is odd: the mirror image, with a minus.
    n, k = torch.arange(2 * size, dtype=torch.float64), torch.arange(size, dtype=torch.float64)[:, None]
    window = torch.sin(math.pi / (2 * size) * (n + 0.5))
    textbook = math.sqrt(2 / size) * window * torch.cos(math.pi / size * (n + 0.5 + size / 2) * (k + 0.5))
    transform = matrix(size, 4)
    for block in (1, 2):
        first = block * size - size // 2
        rows = transform[block * size : (block + 1) * size]
        torch.testing.assert_close(rows[:, first : first + 2 * size], -textbook.flip(1), rtol=0, atol=1e-6)
        assert rows[:, :first].abs().max() < 1e-12 and rows[:, first + 2 * size :].abs().max() < 1e-12


@given(SIZES, st.integers(1, 5), st.integers(1, 3), st.integers(1, 2))
def test_the_inverse_is_exact_and_the_energy_stays(size: int, blocks: int, batch: int, channels: int) -> None:
    transform = MDCT(size)
    wave = torch.randn(batch, channels, size * blocks)
    coefficients = transform(wave)
    assert coefficients.shape == (batch, channels * size, blocks)
    torch.testing.assert_close(transform.inverse(coefficients), wave, rtol=0, atol=2e-6)
    torch.testing.assert_close(coefficients.square().sum(), wave.square().sum(), rtol=1e-5, atol=0)


def test_channels_do_not_mix_and_stand_one_after_the_other() -> None:
    transform = MDCT(8)
    wave = torch.randn(2, 3, 40)
    together = transform(wave)
    for channel in range(3):
        alone = transform(wave[:, channel : channel + 1])
        assert together[:, 8 * channel : 8 * channel + 8].equal(alone)


def test_white_noise_stays_white() -> None:
    coefficients = MDCT(8)(torch.randn(1, 1, 80_000))[0]  # [8, 10000]
    neighbours = torch.cat([coefficients[:, :-1], coefficients[:, 1:]])
    torch.testing.assert_close(torch.cov(neighbours), torch.eye(16), rtol=0, atol=0.06)


def test_a_low_tone_is_in_the_low_coefficients() -> None:
    time = torch.arange(4096, dtype=torch.float32)
    energy = MDCT(64)(torch.sin(2 * math.pi * 10.5 / 128 * time)[None, None])[0].square().mean(1)
    assert energy.argmax() == 10  # coefficient k is centred on the frequency (k + 1/2) / (2 size)
    assert energy[8:13].sum() > 0.99 * energy.sum()


def test_the_gradient_is_the_inverse() -> None:
    transform = MDCT(6)
    wave = torch.randn(2, 2, 24, dtype=torch.float64, requires_grad=True)
    upstream = torch.randn(2, 12, 4, dtype=torch.float64)
    (gradient,) = torch.autograd.grad(transform(wave), wave, upstream)
    torch.testing.assert_close(gradient, transform.inverse(upstream), rtol=0, atol=1e-7)
    assert torch.autograd.gradcheck(transform, wave, atol=1e-6)


def test_wrong_shapes_are_named() -> None:
    transform = MDCT(8)
    with pytest.raises(ValueError, match=r"wave: expected \[batch, channels, a multiple of 8\], got \[1, 2, 20\]"):
        transform(torch.zeros(1, 2, 20))
    with pytest.raises(ValueError, match=r"wave: .* got \[2, 16\]"):
        transform(torch.zeros(2, 16))
    with pytest.raises(ValueError, match=r"coefficients: .* a multiple of 8, frames\], got \[1, 12, 3\]"):
        transform.inverse(torch.zeros(1, 12, 3))
    with pytest.raises(ValueError, match=r"coefficients: .* got \[16, 3\]"):
        transform.inverse(torch.zeros(16, 3))


def test_half_precision_does_not_reach_the_transform() -> None:
    wave = torch.randn(1, 2, 256)
    transform = MDCT(16)
    expected = transform(wave)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert transform(wave).equal(expected)
        assert transform.inverse(expected).dtype == torch.float32
    cast = torch.nn.Sequential(transform).bfloat16()[0]
    assert cast(wave).equal(expected)
    assert transform(wave.bfloat16()).equal(transform(wave.bfloat16().float()))


def test_learned_patches_are_those_of_unet1d_in_float32() -> None:
    ours, plain = Patches(2, 8, 4), Patching(2, 8, 4)
    plain.load_state_dict(ours.state_dict())
    wave = torch.randn(3, 2, 21)
    expected = plain(wave)
    assert ours(wave).equal(expected) and ours.inverse(expected, 21).equal(plain.inverse(expected, 21))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert ours(wave).equal(expected)
        assert not plain(wave).float().equal(expected)
        assert ours.inverse(expected.bfloat16(), 21).dtype == torch.float32
    assert ours.bfloat16()(wave).dtype == torch.float32


def test_mid_and_side_are_an_orthonormal_rotation_and_their_own_inverse() -> None:
    wave = torch.randn(3, 2, 50)
    turned = to_mid_side(wave)
    torch.testing.assert_close(to_mid_side(turned), wave)
    torch.testing.assert_close(turned.square().sum(1), wave.square().sum(1))
    torch.testing.assert_close(to_mid_side(torch.ones(1, 2, 1)), torch.tensor([[[math.sqrt(2)], [0.0]]]))
    mono = torch.randn(3, 1, 50)
    assert to_mid_side(mono).equal(mono)
