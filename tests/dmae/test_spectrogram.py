"""Spectrograms against Fourier sums written out and against closed forms."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dmae import DMAEConfig, SpectrogramConfig
from dmae.parts import build_spectrogram
from dmae.spectrogram import BandSpectrogram, MagnitudeSpectrogram, band_edges


def band_spectrogram(config: DMAEConfig) -> BandSpectrogram:
    assert config.spectrogram is not None
    return BandSpectrogram(config.spectrogram, sample_rate=config.sample_rate)


# ---- plain magnitudes


@pytest.mark.parametrize(("n_fft", "hop", "length"), [(31, 8, 64), (16, 4, 48), (31, 31, 62)])
def test_magnitudes_are_the_fourier_sum_written_out(n_fft: int, hop: int, length: int) -> None:
    spectrogram = MagnitudeSpectrogram(SpectrogramConfig(n_fft=n_fft, hop_length=hop))
    wave = torch.randn(2, 2, length)
    got = spectrogram(wave)

    n_bins, frames, half = n_fft // 2 + 1, length // hop, n_fft // 2
    assert got.shape == (2, 2 * n_bins, frames)
    n = np.arange(n_fft)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * n / n_fft)  # Hann's, periodic
    fourier = np.exp(-2j * np.pi * np.arange(n_bins)[:, None] * n / n_fft)
    for item, channel in itertools.product(range(2), range(2)):
        mirrored = np.pad(wave[item, channel].double().numpy(), half, mode="reflect")
        for frame in range(frames):
            piece = mirrored[frame * hop : frame * hop + n_fft]
            expected = np.abs(fourier @ (window * piece)) / math.sqrt(n_fft)
            rows = got[item, channel * n_bins : (channel + 1) * n_bins, frame]
            np.testing.assert_allclose(rows.numpy(), expected, atol=2e-6)


def test_the_paper_gets_1024_frames_of_1024_magnitudes_from_its_crop() -> None:
    config = DMAEConfig.paper()
    with torch.device("meta"):
        assert MagnitudeSpectrogram(config.spectrogram)(torch.zeros(1, 2, 2**18)).shape == (1, 1024, 1024)
    assert 2**18 // config.hop_length == 256


@given(st.integers(1, 8))
def test_a_wave_too_short_to_mirror_has_its_frames_too(frames: int) -> None:
    config = DMAEConfig.paper()
    magnitudes = MagnitudeSpectrogram(config.spectrogram)(0.1 * torch.randn(1, 2, 256 * frames))
    assert magnitudes.shape == (1, 1024, frames) and magnitudes.isfinite().all()


# ---- bands


@given(st.integers(3, 1200), st.data())
def test_exactly_n_bands_cover_every_bin_once(n_bins: int, data: st.DataObject) -> None:
    bands = data.draw(st.integers(1, n_bins))
    edges = band_edges(n_bins, bands)
    assert len(edges) == bands + 1
    assert edges[0] == 0 and edges[-1] == n_bins
    assert all(a < b for a, b in itertools.pairwise(edges))


def test_the_bundled_models_bands_are_one_bin_wide_in_the_bass_and_of_constant_ratio_above() -> None:
    edges = band_edges(1025, 200)
    widths = [b - a for a, b in itertools.pairwise(edges)]
    first_wide = next(i for i, width in enumerate(widths) if width > 1)
    assert first_wide > 40 and edges[:first_wide] == list(range(first_wide))
    ratios = [width / edge for edge, width in zip(edges, widths, strict=False) if edge > 200]
    assert len(ratios) > 50 and max(ratios[:-1]) < 1.3 * min(ratios[:-1])
    assert band_edges(9, 9) == list(range(10)) and band_edges(9, 1) == [0, 9]


def bins_of(config: DMAEConfig) -> list[list[tuple[int, int]]]:
    """The bands' borders in bins: those of mid, those of side."""
    spectrogram = config.spectrogram
    counts = (spectrogram.bands, spectrogram.side_bands)
    return [list(itertools.pairwise(band_edges(spectrogram.n_bins, count))) for count in counts]


@pytest.mark.parametrize("bin_", [3, 7, 12])
@pytest.mark.parametrize("side", [False, True])
def test_a_pure_tone(bands: DMAEConfig, bin_: int, side: bool) -> None:
    amplitude, n_fft = 0.5, 32
    tone = amplitude * torch.cos(2 * math.pi * bin_ / n_fft * torch.arange(512, dtype=torch.float64))
    wave = torch.stack([tone, -tone if side else tone]).float()[None]
    got = band_spectrogram(bands)(wave)[0, :, 4:-4].double()  # away from the ends

    # Hann's window sums to n / 2, and its own transform is 1, -1/2 beside the middle: n A / 4 in the tone's bin, half
    # of it in the neighbours. Mid (or side) of two equal channels is sqrt(2) of one.
    power = torch.zeros(17, dtype=torch.float64)
    power[bin_] = 2 * (n_fft * amplitude / 4) ** 2
    power[[bin_ - 1, bin_ + 1]] = power[bin_] / 4
    for signal, (rows, borders) in enumerate(zip(got.split([8, 4]), bins_of(bands), strict=True)):
        in_signal = signal == int(side)
        for row, (first, last) in zip(rows, borders, strict=True):
            expected = torch.log((power[first:last].mean() if in_signal else 0.0) + torch.tensor(1e-3).double())
            torch.testing.assert_close(row, expected.expand_as(row), rtol=0, atol=2e-3)


def test_white_noise_has_its_variance_times_the_windows_energy_in_every_band(bands: DMAEConfig) -> None:
    std = 0.3
    power = band_spectrogram(bands)(std * torch.randn(1, 2, 200_000))[0].exp().mean(1) - 1e-3
    # sum of w^2 = 3/8 n for Hann's window; mid and side are a rotation, so both have the channels' variance
    torch.testing.assert_close(power / (std**2 * 3 / 8 * 32), torch.ones(12), rtol=0, atol=0.06)


def test_power_undoes_forward_where_a_band_is_flat(bands: DMAEConfig) -> None:
    spectrogram = band_spectrogram(bands)
    log_power = torch.randn(2, 12, 5)
    power = spectrogram.power(log_power)
    assert power.shape == (2, 2, 17, 5)
    for signal, (offset, borders) in enumerate(zip((0, 8), bins_of(bands), strict=True)):
        for band, (first, last) in enumerate(borders):
            expected = log_power[:, offset + band].exp() - 1e-3
            for bin_ in range(first, last):
                torch.testing.assert_close(power[:, signal, bin_], expected.clamp_min(1e-6))


def test_power_of_forward_keeps_every_bands_sum(bands: DMAEConfig) -> None:
    spectrogram = band_spectrogram(bands)
    wave = torch.randn(1, 2, 160)
    spectrum = spectrogram.spectrum(wave)[..., :20].abs().square()
    spread = spectrogram.power(spectrogram(wave))
    for signal, borders in enumerate(bins_of(bands)):
        for first, last in borders:
            wanted = spectrum[:, signal, first:last].sum(1)
            torch.testing.assert_close(spread[:, signal, first:last].sum(1), wanted, rtol=1e-4, atol=1e-3)


def test_silence_is_finite_both_ways(bands: DMAEConfig) -> None:
    spectrogram = band_spectrogram(bands)
    log_power = spectrogram(torch.zeros(1, 2, 64))
    torch.testing.assert_close(log_power, torch.full((1, 12, 8), math.log(1e-3)))
    assert (spectrogram.power(log_power) > 0).all()


@given(st.integers(2, 30))
def test_a_spectrum_gives_its_waveform_back(bands: DMAEConfig, hops: int) -> None:
    spectrogram = band_spectrogram(bands)
    wave = torch.randn(2, 2, 8 * hops)
    spectrum = spectrogram.spectrum(wave)
    assert spectrum.shape == (2, 2, 17, hops + 1)
    torch.testing.assert_close(spectrogram.waveform(spectrum, 8 * hops), wave, rtol=0, atol=1e-5)


def test_weights_follow_hearing(bands: DMAEConfig) -> None:
    weights = band_spectrogram(bands).weights
    torch.testing.assert_close(weights.mean(), torch.tensor(1.0))
    first = [borders[0] for borders in bins_of(bands)]
    hertz = 8000 / 32
    expected = [(b - a) / ((a + b) / 2 * hertz + 300) * share for (a, b), share in zip(first, (1, 0.3), strict=True)]
    torch.testing.assert_close(weights[8] / weights[0], torch.tensor(expected[1] / expected[0]))


def test_half_precision_does_not_reach_the_spectrogram(config: DMAEConfig) -> None:
    spectrogram = build_spectrogram(config)
    wave = torch.randn(1, 2, 256)
    expected = spectrogram(wave)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert spectrogram(wave).equal(expected)
    assert torch.nn.Sequential(spectrogram).bfloat16()(wave).equal(expected)
    assert spectrogram(wave.double()).equal(expected)
