"""The mel spectrogram, against librosa's filters and Fourier sums written out."""

import itertools
import math
from dataclasses import replace

import librosa
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dmae import DMAE, DMAEConfig, EncoderConfig, MelSpectrogram, SpectrogramConfig
from dmae.spectrogram import mel_filters
from unet1d import Level, UNet1dConfig

SMALL = SpectrogramConfig(n_fft=32, hop_length=8, mel_channels=6)


@pytest.mark.parametrize(("n_fft", "channels", "rate"), [(1024, 80, 48000), (1024, 80, 44100), (64, 10, 8000)])
def test_the_filters_are_librosas(n_fft: int, channels: int, rate: int) -> None:
    expected = librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=channels, htk=True, norm=None)
    np.testing.assert_allclose(mel_filters(n_fft // 2 + 1, channels, rate).T, expected, atol=1e-6)


def test_filters_are_triangles_that_share_every_bin_between_the_outer_peaks() -> None:
    filters = mel_filters(2049, 20, 16000)
    frequencies = torch.linspace(0, 8000, 2049, dtype=torch.float64)
    peaks = 700 * (10 ** (torch.linspace(0, 2595 * math.log10(1 + 8000 / 700), 22)[1:-1] / 2595) - 1)
    inner = (frequencies >= peaks[0]) & (frequencies <= peaks[-1])
    torch.testing.assert_close(filters[inner].sum(1), torch.ones(int(inner.sum())))
    found = frequencies[filters.argmax(0)]
    assert (found - peaks).abs().max() <= 8000 / 2048 and filters.max() <= 1 and filters.min() == 0


@pytest.mark.parametrize(("n_fft", "hop", "window"), [(32, 8, None), (32, 8, 20), (31, 9, 31), (16, 16, 16)])
def test_it_is_the_fourier_sum_written_out(n_fft: int, hop: int, window: int | None) -> None:
    config = SpectrogramConfig(n_fft=n_fft, hop_length=hop, win_length=window, mel_channels=5)
    wave = torch.randn(2, 2, 7 * hop)
    got = MelSpectrogram(config, sample_rate=8000)(wave)
    assert got.shape == (2, 10, 7)

    size, margin = window or n_fft, (n_fft - hop) // 2
    left = (n_fft - size) // 2
    shape = np.zeros(n_fft)
    shape[left : left + size] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)  # Hann's, periodic
    fourier = np.exp(-2j * np.pi * np.arange(n_fft // 2 + 1)[:, None] * np.arange(n_fft) / n_fft)
    filters = mel_filters(n_fft // 2 + 1, 5, 8000).double().numpy()
    for item, channel in itertools.product(range(2), range(2)):
        mirrored = np.pad(wave[item, channel].double().numpy(), margin, mode="reflect")
        for frame in range(7):
            piece = mirrored[frame * hop : frame * hop + n_fft]
            expected = filters.T @ np.abs(fourier @ (shape * piece))
            rows = got[item, channel * 5 : channel * 5 + 5, frame]
            np.testing.assert_allclose(rows.numpy(), expected, atol=2e-5)


def test_frames_lie_in_the_middle_of_their_hops() -> None:
    config = SpectrogramConfig(n_fft=64, hop_length=16, mel_channels=8)
    wave = torch.zeros(1, 1, 160)
    wave[..., 5 * 16 + 8] = 1.0
    assert MelSpectrogram(config, sample_rate=8000)(wave).sum(1).argmax() == 5


@given(hops=st.integers(1, 12), n_fft=st.sampled_from([8, 24, 32]))
def test_every_hop_has_its_frame(hops: int, n_fft: int) -> None:
    config = SpectrogramConfig(n_fft=n_fft, hop_length=8, mel_channels=5)
    mel = MelSpectrogram(config, sample_rate=8000)(torch.randn(1, 2, 8 * hops))
    assert mel.shape == (1, 10, hops) and mel.isfinite().all()


def test_the_logarithm_has_a_floor() -> None:
    plain = MelSpectrogram(SMALL, sample_rate=8000)
    logarithmic = MelSpectrogram(replace(SMALL, log_floor=0.5), sample_rate=8000)
    wave = torch.randn(1, 2, 80)
    torch.testing.assert_close(logarithmic(wave), plain(wave).clamp_min(0.5).log())
    torch.testing.assert_close(logarithmic(torch.zeros(1, 1, 16)), torch.full((1, 6, 2), math.log(0.5)))


def test_the_filters_may_be_laid_out_for_another_rate() -> None:
    wave = torch.randn(1, 1, 80)
    other = MelSpectrogram(replace(SMALL, mel_sample_rate=16000), sample_rate=8000)(wave)
    assert other.equal(MelSpectrogram(SMALL, sample_rate=16000)(wave))
    assert not other.allclose(MelSpectrogram(SMALL, sample_rate=8000)(wave))


def test_normalisation_is_each_items_own() -> None:
    mel = MelSpectrogram(replace(SMALL, mel_normalize="item"), sample_rate=8000)
    wave = torch.randn(3, 2, 80) * torch.tensor([1.0, 0.01, 0.0])[:, None, None]
    together = mel(wave)
    assert together[:2].amax((1, 2)).equal(torch.ones(2)) and together.min() >= -1
    assert (together[2] == -1).all()  # silence
    for item in range(3):
        torch.testing.assert_close(mel(wave[item : item + 1])[0], together[item], rtol=0, atol=1e-6)
    torch.testing.assert_close(mel(100 * wave[1:2])[0], together[1], rtol=0, atol=1e-5)


def test_normalisation_by_the_batch_leaks_as_its_name_says() -> None:
    batch = MelSpectrogram(replace(SMALL, mel_normalize="batch"), sample_rate=8000)
    item = MelSpectrogram(replace(SMALL, mel_normalize="item"), sample_rate=8000)
    wave = torch.randn(2, 1, 80) * torch.tensor([1.0, 0.01])[:, None, None]
    assert batch(wave)[0].equal(item(wave)[0]) and batch(wave)[1].max() < 0
    assert batch(wave[1:]).equal(item(wave[1:]))


def test_without_mel_channels_it_is_refused() -> None:
    with pytest.raises(ValueError, match="MelSpectrogram: mel_channels must be a whole number of 1 or more, not 0"):
        MelSpectrogram(SpectrogramConfig(), sample_rate=8000)


def test_half_precision_does_not_reach_it() -> None:
    mel, wave = MelSpectrogram(SMALL, sample_rate=8000), torch.randn(1, 2, 80)
    expected = mel(wave)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert mel(wave).equal(expected)
    assert torch.nn.Sequential(mel).bfloat16()(wave).equal(expected)
    assert not mel.state_dict()


@pytest.mark.slow
def test_an_autoencoder_with_a_mel_encoder_learns() -> None:
    config = DMAEConfig(
        sample_rate=8000,
        audio_channels=1,
        latent_channels=8,
        spectrogram=SpectrogramConfig(n_fft=64, hop_length=16, mel_channels=16, log_floor=1e-2),
        encoder=EncoderConfig(width=32, factors=(1,), blocks=(1,)),
        transform="waveform",
        transform_size=1,
        decoder=UNet1dConfig(
            in_channels=1,
            levels=(Level(channels=16), Level(channels=32, factor=4), Level(channels=32, factor=4, inject_channels=8)),
            modulation_features=32,
            fourier_features=32,
            outer_skip=False,
        ),
        latent_depth=2,
    )
    model, generator = DMAE(config), torch.Generator().manual_seed(1)

    def tones(batch: int) -> torch.Tensor:
        cycles = 0.03 + 0.3 * torch.rand(batch, 1, 1, generator=generator)
        phase = 2 * math.pi * (cycles * torch.arange(64) + torch.rand(batch, 1, 1, generator=generator))
        return math.sqrt(2) * torch.sin(phase)

    held_out, t = tones(16), torch.linspace(0.02, 0.98, 16)
    noise = torch.randn(held_out.shape, generator=generator)

    def examined() -> float:
        with torch.no_grad():
            loss = model.losses(held_out, t=t, noise=noise).diffusion
        assert loss is not None
        return loss.item()

    start = examined()
    optimizer = torch.optim.Adam(model.parameters(), lr=6e-3)
    for _ in range(120):
        loss = model.loss(tones(8), generator=generator)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    # The variance is one, so the best that is linear in x_t, the answer 0, loses 1 at every t.
    assert examined() < 0.8 < 0.95 < start
