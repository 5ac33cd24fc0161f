"""Griffin-Lim, which works block by block in the cache, against its formulas written plainly."""

import sys

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from dmae import griffin_lim
from dmae.phase import griffin_lim_spectrum
from dmae.phase.griffin_lim import MADE_UP_BINS, MADE_UP_MOST

N_FFT, HOP = 64, 16
LENGTH = 160 * HOP
WINDOW = torch.hann_window(N_FFT)


def plain(
    magnitudes: Tensor, start: Tensor, iterations: int, momentum: float, make_up: bool = False
) -> tuple[Tensor, Tensor]:
    """Waveform and the spectrum that it is made of, by torch's transforms over everything, in float64."""
    window, magnitudes = WINDOW.double(), magnitudes.double()
    spectrum = torch.polar(magnitudes, start.to(torch.complex128).angle())
    previous: Tensor | None = None
    for iteration in range(iterations):
        wave = torch.istft(spectrum, N_FFT, HOP, window=window, length=LENGTH)
        consistent = torch.stft(wave, N_FFT, HOP, window=window, pad_mode="constant", return_complex=True)
        estimate = consistent if previous is None else consistent + momentum * (consistent - previous)
        previous = consistent
        if make_up and iteration == iterations - 1:
            wanted, found = (
                F.avg_pool1d(
                    one.square().transpose(-1, -2),
                    MADE_UP_BINS,
                    stride=1,
                    padding=MADE_UP_BINS // 2,
                    count_include_pad=False,
                ).transpose(-1, -2)
                for one in (magnitudes, consistent.abs())
            )
            magnitudes = magnitudes * (wanted / found).pow(0.25).clamp(1 / MADE_UP_MOST, MADE_UP_MOST)
        spectrum = torch.polar(magnitudes, estimate.angle())
    return torch.istft(spectrum, N_FFT, HOP, window=window, length=LENGTH), spectrum


@pytest.fixture
def noise() -> tuple[Tensor, Tensor]:
    """Magnitudes of two waveforms and phases of two others."""
    draw = torch.Generator().manual_seed(3)
    spectra = [
        torch.stft(
            torch.randn(2, LENGTH, generator=draw), N_FFT, HOP, window=WINDOW, pad_mode="constant", return_complex=True
        )
        for _ in range(2)
    ]
    return spectra[0].abs(), spectra[1]


@pytest.mark.parametrize("block", [2**18, 2 * 7 * N_FFT])  # all frames at once, and blocks that do not divide them
@pytest.mark.parametrize(("iterations", "momentum", "make_up"), [(1, 0.0, False), (5, 0.99, False), (4, 0.99, True)])
def test_the_waveform_is_that_of_the_formulas(
    noise: tuple[Tensor, Tensor],
    monkeypatch: pytest.MonkeyPatch,
    block: int,
    iterations: int,
    momentum: float,
    make_up: bool,
) -> None:
    # The package's attribute of that name is the function.
    monkeypatch.setattr(sys.modules["dmae.phase.griffin_lim"], "BLOCK", block)
    settings = {"window": WINDOW, "hop_length": HOP, "length": LENGTH, "iterations": iterations, "momentum": momentum}
    expected, _ = plain(*noise, iterations, momentum, make_up)
    found = griffin_lim(*noise, **settings, make_up=make_up)
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=2e-4)


def test_the_spectrum_is_that_of_the_formulas(noise: tuple[Tensor, Tensor]) -> None:
    _, expected = plain(*noise, 5, 0.99)
    found = griffin_lim_spectrum(*noise, window=WINDOW, hop_length=HOP, length=LENGTH, iterations=5)
    assert (found - expected).abs().square().mean().sqrt() < 1e-3 * expected.abs().square().mean().sqrt()
