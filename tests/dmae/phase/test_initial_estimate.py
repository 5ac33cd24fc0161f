"""The first estimate of a waveform: its bass, what it starts from above it, and windows that agree."""

import math

import pytest
import torch
from torch import Tensor

from dmae import griffin_lim, spsi
from dmae.phase import as_spectrum, initial_estimate, noise_phases
from dmae.phase.noise_phases import PERIOD

N_FFT, HOP, LENGTH = 512, 128, 8192
BINS, FRAMES = N_FFT // 2 + 1, LENGTH // HOP + 1
WINDOW = torch.hann_window(N_FFT)


def spectrum(sound: Tensor) -> Tensor:
    return torch.stft(sound, N_FFT, HOP, window=WINDOW, pad_mode="constant", return_complex=True)


def noise(*, above: float = 0.0, below: float = 1.0) -> Tensor:
    """White noise [1, LENGTH] between two parts of the highest frequency."""
    drawn = torch.fft.rfft(torch.randn(1, LENGTH, generator=torch.Generator().manual_seed(1)))
    places = torch.arange(drawn.shape[-1]) / drawn.shape[-1]
    return torch.fft.irfft(drawn * ((places >= above) & (places < below)), n=LENGTH)


def first_phases() -> Tensor:
    return 2 * math.pi * torch.rand(1, 1, BINS, generator=torch.Generator().manual_seed(2))


def estimate(magnitudes: Tensor, *, position: int = 0) -> tuple[Tensor, Tensor]:
    length = (magnitudes.shape[-1] - 1) * HOP
    return initial_estimate(
        magnitudes,
        first_phases(),
        window=WINDOW,
        hop_length=HOP,
        length=length,
        iterations=32,
        position=position,
    )


def from_single_pass(magnitudes: Tensor, iterations: int) -> Tensor:
    phases = spsi(magnitudes[0], first_phases()[0], hop_length=HOP)
    settings = {"window": WINDOW, "hop_length": HOP, "length": LENGTH, "make_up": True}
    return griffin_lim(magnitudes, as_spectrum(phases)[None], iterations=iterations, **settings)


def distance(sound: Tensor, magnitudes: Tensor) -> float:
    return float((spectrum(sound[0]).abs() - magnitudes[0]).norm() / magnitudes.norm())


def test_the_bass_gets_more_iterations_than_everything() -> None:
    """A sound below an eighth of the highest frequency comes nearer than by the iterations of everything alone."""
    magnitudes = spectrum(noise(below=0.1)).abs()[None]
    together, _ = estimate(magnitudes)
    assert distance(together, magnitudes) < 0.9 * distance(from_single_pass(magnitudes, 2), magnitudes)


def test_where_there_are_no_partials_the_sound_is_steady() -> None:
    """Of a flat spectrum a single pass makes a click in every frame, of which six iterations leave much."""
    magnitudes = torch.ones(1, 1, BINS, FRAMES)
    magnitudes[..., : BINS // 8 + 1, :] = 0
    found, _ = estimate(magnitudes)

    def unevenness(sound: Tensor) -> float:
        """Standard deviation over mean of the power of pieces of a quarter of a hop, far from the ends."""
        power = sound[0, 0, 2 * N_FFT : -2 * N_FFT].unflatten(-1, (-1, HOP // 4)).square().mean(-1)
        return float(power.std() / power.mean())

    assert distance(found, magnitudes) < 0.9 * distance(from_single_pass(magnitudes, 2), magnitudes)
    assert unevenness(found) < 0.5 * unevenness(from_single_pass(magnitudes, 6))


def test_windows_of_a_piece_start_from_the_same_noise() -> None:
    """Two iterations see nine frames to either side; between those a window is what the whole is."""
    magnitudes = spectrum(noise(above=0.2)).abs()[None]
    magnitudes[..., : BINS // 8 + 1, :] = 0
    whole, _ = estimate(magnitudes)
    first, seen = 20, slice(12 * HOP, 30 * HOP)
    window, _ = estimate(magnitudes[..., first:], position=first)
    expected = whole[..., first * HOP :][..., seen]
    torch.testing.assert_close(window[..., seen], expected, rtol=0, atol=1e-5)
    elsewhere, _ = estimate(magnitudes[..., first:], position=first + 1)
    assert (elsewhere[..., seen] - expected).norm() > expected.norm()


def test_a_spectrum_that_goes_on_needs_the_phases_of_the_bass_alone() -> None:
    magnitudes = spectrum(noise()).abs()[None]
    _, phases = estimate(magnitudes)
    assert phases.shape == (1, 1, N_FFT // 16 + 1, FRAMES)
    assert torch.equal(phases[..., 0], first_phases()[..., : N_FFT // 16 + 1])
    settings = {"window": WINDOW, "hop_length": HOP, "iterations": 1}
    _, rest = initial_estimate(magnitudes[..., 20:], phases[..., 20], length=LENGTH - 20 * HOP, **settings)
    torch.testing.assert_close(rest, phases[..., 20:])


def test_batch_members_are_what_they_are_alone() -> None:
    magnitudes = torch.stack([spectrum(noise(above=low)).abs() for low in (0.0, 0.3)])
    settings = {"window": WINDOW, "hop_length": HOP, "length": LENGTH, "iterations": 8}
    together, _ = initial_estimate(magnitudes, first_phases().expand(2, -1, -1), **settings)
    alone, _ = initial_estimate(magnitudes[1:], first_phases(), **settings)
    torch.testing.assert_close(together[1:], alone, rtol=0, atol=1e-5)


# ---- phases of noise


@pytest.mark.parametrize("position", [0, 5, 3 * PERIOD + 5])
def test_a_frame_has_the_phases_of_its_place(position: int) -> None:
    found = noise_phases((2, 2, 9, 40), position=position)
    assert torch.equal(found, noise_phases((2, 2, 9, 40 + position))[..., position:])
    assert torch.equal(found, noise_phases((2, 2, 9, 40), position=position + PERIOD))
    assert torch.equal(found[0], found[1])


def test_the_phases_are_independent_and_anywhere_on_the_circle() -> None:
    found = noise_phases((1, 2, 64, PERIOD))[0]
    torch.testing.assert_close(found.abs(), torch.ones(2, 64, PERIOD))
    count = 64 * PERIOD
    # The mean of that many independent phases has the size of one over their root; 4 of these are never reached.
    for turned in (
        found[0],
        found[0] ** 2,
        found[0] * found[1].conj(),
        found[0, 1:] * found[0, :-1].conj(),
        found[0, :, 1:] * found[0, :, :-1].conj(),
    ):
        assert float(turned.sum().abs()) < 4 * math.sqrt(count)
