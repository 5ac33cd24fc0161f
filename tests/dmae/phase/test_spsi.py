import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from dmae import griffin_lim
from dmae.phase import as_spectrum, spsi

N_FFT, HOP = 512, 128
WINDOW = torch.hann_window(N_FFT, dtype=torch.float64)


def spectrum(wave: Tensor) -> Tensor:
    return torch.stft(wave, N_FFT, HOP, window=WINDOW, return_complex=True, center=True, pad_mode="constant")


def tones(*bins: float, frames: int = 40) -> Tensor:
    time = torch.arange(frames * HOP, dtype=torch.float64)
    return torch.stack([torch.sin(2 * math.pi * b * time / N_FFT + b) for b in bins]).sum(0)


def turned(phases: Tensor) -> Tensor:
    """To -pi..pi."""
    return torch.remainder(phases + math.pi, 2 * math.pi) - math.pi


@given(st.floats(20.0, 60.0), st.floats(90.0, 200.0))
def test_partials_turn_on_at_their_own_frequencies(low: float, high: float) -> None:
    true = spectrum(tones(low, high))[None]
    centred = (true * as_spectrum(torch.zeros(true.shape, dtype=torch.float64))).angle()
    found = spsi(true.abs(), centred[..., 0], hop_length=HOP)
    for peak in (round(low), round(high)):
        advance = turned(found[0, peak].diff() - 2 * math.pi * (low if peak == round(low) else high) * HOP / N_FFT)
        assert advance[4:-4].abs().max() < 0.03  # of the parabola; 0.02 bins


def test_the_bins_around_a_partial_have_its_phase() -> None:
    true = spectrum(tones(40.3, 120.6))[None]
    found = spsi(true.abs(), torch.zeros(1, N_FFT // 2 + 1, dtype=torch.float64), hop_length=HOP)
    for peak in (40, 121):
        assert (found[0, peak - 1 : peak + 2, 5:] == found[0, peak, 5:]).all()


def test_the_phases_are_those_of_torchs_spectrum() -> None:
    true = spectrum(tones(40.3))
    here = true[39:43, 20]  # 40.3 is less than two bins from each
    centred = here.angle() + torch.tensor([math.pi, 0, math.pi, 0])
    assert turned(centred - centred[2]).abs().max() < 0.05  # one phase in the whole lobe
    again = as_spectrum(torch.zeros(5, 1)).flatten()
    assert torch.equal(again.real, torch.tensor([1.0, -1, 1, -1, 1])) and not again.imag.any()


def test_griffin_lim_comes_closer_in_four_iterations_than_from_noise_in_thirty_two() -> None:
    wave = tones(21.3, 33.7, 60.1, 75.8, 120.4, 160.9, frames=80).float()
    true = spectrum(wave.double())[None]
    target = true.abs().float()
    draw = torch.Generator().manual_seed(0)
    anywhere = 2 * math.pi * torch.rand(target.shape, generator=draw)
    begun = spsi(target, anywhere[..., 0], hop_length=HOP)

    def distance(phases: Tensor, iterations: int) -> float:
        window = WINDOW.float()
        length = wave.shape[-1]
        found = griffin_lim(
            target, as_spectrum(phases), window=window, hop_length=HOP, length=length, iterations=iterations
        )
        again = spectrum(found.double())[..., 4:-4].abs()
        return float((again - true[..., 4:-4].abs()).norm() / true[..., 4:-4].norm())

    assert distance(begun, 4) < 0.5 * distance(anywhere, 32)


def test_a_spectrum_goes_on_where_another_call_left_it() -> None:
    magnitudes = torch.rand(2, 257, 200, generator=torch.Generator().manual_seed(0))
    first = torch.zeros(2, 257)
    whole = spsi(magnitudes, first, hop_length=HOP)
    rest = spsi(magnitudes[..., 70:], whole[..., 70], hop_length=HOP)
    assert torch.equal(rest, whole[..., 70:])


def test_silence_has_phases_too() -> None:
    found = spsi(torch.zeros(1, 257, 5), torch.ones(1, 257), hop_length=HOP)
    assert found.isfinite().all()


def test_shapes_that_do_not_fit_are_named() -> None:
    with pytest.raises(ValueError, match=r"\[N, bins, frames\] and \[N, bins\], got \[1, 257, 5\] and \[1, 5\]"):
        spsi(torch.zeros(1, 257, 5), torch.ones(1, 5), hop_length=HOP)
