"""Modified discrete cosine transform of mid and side as what is diffused."""

import math

import torch
from einops import rearrange
from torch import Tensor

from dmae.precision import Float32, constants, without_autocast


class MDCT(Float32):
    """Orthonormal MDCT with a sine window: [B, C, T] <-> [B, C * size, T / size].

    Critically sampled (Princen, Johnson & Bradley, 1987), so white noise stays white and nothing is lost. Written as
    Malvar's factorisation: neighbouring blocks are rotated into each other around their border, sample j before it
    with sample j after it, then each block goes through a DCT-IV.

        [ a' ]   [ cos  -sin ] [ a ]  j-th sample before the border
        [ b' ] = [ sin   cos ] [ b ]  j-th sample after it          angle: pi/4 at the border, 0 in the blocks' middle

    `forward` and `inverse` are the transform. `analyse` and `synthesise` rotate stereo to mid and side around it; the
    net reads and writes the coefficients. Computed in float32 (float64 if the waveform is float64), also under
    autocast. The two outer ends have no neighbour and are not rotated, so T samples make exactly T coefficients.

    Args:
        size: samples per block, even; the window is 2 * size long.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        with constants():
            n = torch.arange(size, dtype=torch.float64) + 0.5
        angle = math.pi / 2 - math.pi / (2 * size) * (size / 2 + n[: size // 2])
        self.cos: Tensor
        self.sin: Tensor
        self.register_buffer("cos", angle.cos().float(), persistent=False)
        self.register_buffer("sin", angle.sin().float(), persistent=False)

    def forward(self, wave: Tensor) -> Tensor:
        """[B, C, T] -> [B, C * size, T / size]; ValueError where T is not a multiple of `size`."""
        if wave.ndim != 3 or wave.shape[-1] % self.size:
            raise ValueError(f"wave: expected [batch, channels, a multiple of {self.size}], got {list(wave.shape)}")
        with without_autocast(wave):
            blocks = rearrange(_at_least_float32(wave), "b c (f n) -> b c f n", n=self.size)
            coefficients = dct_iv(self._rotate(blocks, 1))
        return rearrange(coefficients, "b c f k -> b (c k) f")

    def inverse(self, coefficients: Tensor) -> Tensor:
        """[B, C * size, F] -> [B, C, F * size]."""
        if coefficients.ndim != 3 or coefficients.shape[1] % self.size:
            raise ValueError(
                f"coefficients: expected [batch, a multiple of {self.size}, frames], got {list(coefficients.shape)}"
            )
        with without_autocast(coefficients):
            spectra = rearrange(_at_least_float32(coefficients), "b (c k) f -> b c f k", k=self.size)
            blocks = self._rotate(dct_iv(spectra), -1)
        return rearrange(blocks, "b c f n -> b c (f n)")

    def analyse(self, wave: Tensor) -> Tensor:
        """Waveform [B, C, T], T a multiple of `size` -> coefficients of mid and side [B, C * size, T / size]."""
        coefficients: Tensor = self(to_mid_side(wave))
        return coefficients

    def synthesise(self, x: Tensor, length: int) -> Tensor:
        """Coefficients [B, C * size, F] -> waveform [B, C, length]."""
        return to_mid_side(self.inverse(x))[..., :length]

    def to_net(self, x_t: Tensor) -> Tensor:
        """Noisy coefficients [B, C * size, F] -> input of the net, themselves."""
        return x_t

    def from_net(self, v: Tensor, length: int) -> Tensor:
        """Output of the net [B, C * size, F] -> v [B, C * size, length], `length` in blocks."""
        return v[..., :length]

    def _rotate(self, blocks: Tensor, direction: int) -> Tensor:
        half = self.size // 2
        cos, sin = self.cos.to(blocks), direction * self.sin.to(blocks)
        before = blocks[..., :-1, half:].flip(-1)
        after = blocks[..., 1:, :half]
        rotated_before = (cos * before - sin * after).flip(-1)
        rotated_after = sin * before + cos * after
        first, second = blocks[..., :half], blocks[..., half:]
        first = torch.cat([first[..., :1, :], rotated_after], dim=-2)
        second = torch.cat([rotated_before, second[..., -1:, :]], dim=-2)
        return torch.cat([first, second], dim=-1)


def dct_iv(x: Tensor) -> Tensor:
    """Orthonormal DCT-IV along the last axis, of an even size N: X_k = sqrt(2/N) sum_n x_n cos(pi/N (n+1/2) (k+1/2)).

    Its own inverse. Written as a complex Fourier transform of N / 2 numbers between two turns: even samples make the
    real part, odd ones from the end the imaginary part, so that n log n operations do what a matrix takes n^2 for.
    """
    size = x.shape[-1]
    turns = torch.arange(size // 2, dtype=torch.float64, device="cpu") + 0.125
    turn = torch.polar(torch.full_like(turns, (2 / size) ** 0.25), turns * (-math.pi / size))
    turn = turn.to(x.device, torch.promote_types(x.dtype, torch.complex64))
    z = torch.fft.fft(torch.complex(x[..., ::2], x[..., 1::2].flip(-1)) * turn) * turn
    return torch.stack([z.real, -z.imag.flip(-1)], dim=-1).flatten(-2)


def _at_least_float32(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))


def to_mid_side(wave: Tensor) -> Tensor:
    """Rotate left and right [B, 2, ...] to mid and side, or back; any other number of channels stays as it is."""
    if wave.shape[1] != 2:
        return wave
    left, right = wave.unbind(1)
    return torch.stack([left + right, left - right], dim=1) * math.sqrt(0.5)
