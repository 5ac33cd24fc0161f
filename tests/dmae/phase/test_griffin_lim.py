"""Griffin-Lim's algorithm, on magnitudes that a waveform really has."""

import itertools
import math
import sys
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from dmae import griffin_lim
from dmae.phase import griffin_lim_spectrum

LENGTH, N_FFT, HOP = 1024, 64, 16
WINDOW = torch.hann_window(N_FFT)


def to_spectrum(wave: Tensor) -> Tensor:
    return torch.stft(wave, N_FFT, HOP, window=WINDOW, pad_mode="constant", return_complex=True)


@pytest.fixture
def wave() -> Tensor:
    time = torch.arange(LENGTH)
    tones = [torch.sin(2 * math.pi * f * time) * torch.exp(-time / d) for f, d in ((0.05, 300), (0.12, 900))]
    return torch.stack([sum(tones), tones[0]]) + 0.01 * torch.randn(2, LENGTH)


def solve(magnitudes: Tensor, start: Tensor | Callable[[slice], Tensor], iterations: int, **settings: float) -> Tensor:
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


def test_the_spectrum_has_the_magnitudes_and_makes_the_waveform(wave: Tensor) -> None:
    magnitudes, start = to_spectrum(wave).abs(), to_spectrum(torch.randn(2, LENGTH))
    found = griffin_lim_spectrum(magnitudes, start, window=WINDOW, hop_length=HOP, length=LENGTH, iterations=3)
    torch.testing.assert_close(found.abs(), magnitudes, rtol=1e-4, atol=1e-5)
    again = torch.istft(found, N_FFT, HOP, window=WINDOW, length=LENGTH)
    torch.testing.assert_close(again, solve(magnitudes, start, 3), rtol=0, atol=1e-5)


def test_a_start_that_is_given_in_pieces_is_that_of_the_whole(wave: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["dmae.phase.griffin_lim"], "BLOCK", 2 * N_FFT * 7)
    magnitudes, start = to_spectrum(wave).abs(), to_spectrum(torch.randn(2, LENGTH))
    asked: list[int] = []

    def piece(block: slice) -> Tensor:
        asked.extend(range(block.start, block.stop))
        assert block.stop - block.start <= 7
        return start[..., block]

    assert solve(magnitudes, piece, 3).equal(solve(magnitudes, start, 3))
    assert asked == list(range(magnitudes.shape[-1]))


def test_what_frames_cancel_is_made_up_for() -> None:
    # Magnitudes of noise from phases of other noise: after few iterations the frames still cancel each other.
    magnitudes, start = (to_spectrum(torch.randn(8, LENGTH)) for _ in range(2))
    magnitudes = magnitudes.abs()
    power = {
        made_up: float(to_spectrum(solve(magnitudes, start, 2, make_up=made_up)).abs().square().mean())
        for made_up in (False, True)
    }
    wanted = float(magnitudes.square().mean())
    assert power[False] < 0.95 * wanted
    assert power[False] < power[True] < 1.02 * wanted


def test_magnitudes_that_a_waveform_has_need_nothing_made_up(wave: Tensor) -> None:
    spectrum = to_spectrum(wave)
    torch.testing.assert_close(solve(spectrum.abs(), spectrum, 2, make_up=True), wave, rtol=0, atol=1e-4)
