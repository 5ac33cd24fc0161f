"""Griffin-Lim's algorithm, on magnitudes that a waveform really has."""

import itertools
import math

import pytest
import torch
from torch import Tensor

from dmae import griffin_lim

LENGTH, N_FFT, HOP = 1024, 64, 16
WINDOW = torch.hann_window(N_FFT)


def to_spectrum(wave: Tensor) -> Tensor:
    return torch.stft(wave, N_FFT, HOP, window=WINDOW, pad_mode="constant", return_complex=True)


@pytest.fixture
def wave() -> Tensor:
    time = torch.arange(LENGTH)
    tones = [torch.sin(2 * math.pi * f * time) * torch.exp(-time / d) for f, d in ((0.05, 300), (0.12, 900))]
    return torch.stack([sum(tones), tones[0]]) + 0.01 * torch.randn(2, LENGTH)


def solve(magnitudes: Tensor, start: Tensor, iterations: int, **settings: float) -> Tensor:
    return griffin_lim(
        magnitudes, start, window=WINDOW, hop_length=HOP, length=LENGTH, iterations=iterations, **settings
    )


def distance(wave: Tensor, magnitudes: Tensor) -> float:
    return float((to_spectrum(wave).abs() - magnitudes).norm() / magnitudes.norm())


@pytest.mark.parametrize("iterations", [1, 7])
def test_the_true_phases_are_a_fixed_point(wave: Tensor, iterations: int) -> None:
    spectrum = to_spectrum(wave)
    torch.testing.assert_close(solve(spectrum.abs(), spectrum, iterations), wave, rtol=0, atol=1e-4)
    # Of the start, the phases count and nothing else.
    torch.testing.assert_close(solve(spectrum.abs(), 3 * spectrum, iterations), wave, rtol=0, atol=1e-4)


def test_the_distance_never_grows_without_momentum(wave: Tensor) -> None:
    # Griffin & Lim's theorem.
    magnitudes, start = to_spectrum(wave).abs(), to_spectrum(torch.randn(2, LENGTH))
    distances = [distance(solve(magnitudes, start, n, momentum=0.0), magnitudes) for n in range(1, 12)]
    assert all(b <= a + 1e-6 for a, b in itertools.pairwise(distances))
    assert distances[-1] < 0.7 * distances[0]


def test_momentum_goes_further(wave: Tensor) -> None:
    magnitudes, start = to_spectrum(wave).abs(), to_spectrum(torch.randn(2, LENGTH))
    plain = distance(solve(magnitudes, start, 60, momentum=0.0), magnitudes)
    assert distance(solve(magnitudes, start, 60), magnitudes) < 0.9 * plain


def test_silence_stays_finite() -> None:
    spectrum = to_spectrum(torch.zeros(1, LENGTH))
    assert solve(spectrum.abs(), spectrum, 3).equal(torch.zeros(1, LENGTH))
    assert solve(torch.ones(1, 33, 65), spectrum, 3).isfinite().all()


def test_iterations_below_one_are_an_error(wave: Tensor) -> None:
    spectrum = to_spectrum(wave)
    with pytest.raises(ValueError, match="iterations=0: must be 1 or more"):
        solve(spectrum.abs(), spectrum, 0)
