"""Filters, spectrograms, resampling and Griffin-Lim against torchaudio's numbers, wherever torchaudio imports."""

import pytest
import torch
from torch import Tensor

try:
    import torchaudio
except (ImportError, OSError) as error:
    # PyPI's Linux wheel is linked to CUDA, and beside a CPU-only torch its import is an OSError.
    pytest.skip(f"torchaudio does not import here: {error}", allow_module_level=True)

from dmae import DMAE, DMAEConfig, MagnitudeSpectrogram, MelSpectrogram, SpectrogramConfig, griffin_lim, mel_filters
from dmae.resampling import downsample, upsample


@pytest.mark.parametrize(("n_bins", "mel_channels", "rate"), [(513, 80, 48000), (513, 80, 44100), (512, 64, 22050)])
def test_mel_filters(n_bins: int, mel_channels: int, rate: int) -> None:
    expected = torchaudio.functional.melscale_fbanks(n_bins, 0.0, rate / 2, mel_channels, rate)
    # Theirs is computed in float32.
    torch.testing.assert_close(mel_filters(n_bins, mel_channels, rate), expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize("n_fft", [63, 64])
def test_magnitudes(n_fft: int) -> None:
    wave = torch.randn(2, 2, 320)
    theirs = torchaudio.transforms.Spectrogram(n_fft, hop_length=16, power=1.0, normalized="frame_length")
    ours = MagnitudeSpectrogram(SpectrogramConfig(n_fft=n_fft, hop_length=16))
    torch.testing.assert_close(ours(wave), theirs(wave)[..., :20].flatten(1, 2), rtol=1e-5, atol=1e-6)


def test_mel_spectrogram() -> None:
    wave = torch.randn(2, 2, 320)
    config = SpectrogramConfig(n_fft=64, hop_length=16, mel_channels=10)
    theirs = torchaudio.transforms.MelSpectrogram(8000, 64, hop_length=16, n_mels=10, power=1.0, center=False)
    mirrored = torch.nn.functional.pad(wave, (24, 24), mode="reflect")  # so that frames are centred on their hops
    ours = MelSpectrogram(config, sample_rate=8000)
    torch.testing.assert_close(ours(wave), theirs(mirrored).flatten(1, 2), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("factor", [2, 3, 8])
def test_resampling(factor: int) -> None:
    wave = torch.randn(2, 2, 240)
    low = torchaudio.functional.resample(wave, factor, 1)
    torch.testing.assert_close(downsample(wave, factor), low, rtol=0, atol=1e-5)
    torch.testing.assert_close(upsample(low, factor), torchaudio.functional.resample(low, 1, factor), rtol=0, atol=1e-5)


@pytest.mark.parametrize(("iterations", "momentum"), [(1, 0.0), (8, 0.0), (8, 0.99)])
def test_griffin_lim(iterations: int, momentum: float) -> None:
    n_fft, hop, length = 64, 16, 4096
    # Silent at both ends, since theirs mirrors the ends in its spectra and ours pads them with zeros.
    wave = torch.randn(1, length, generator=torch.Generator().manual_seed(0)) * torch.hann_window(length) ** 8
    window = torch.hann_window(n_fft)
    magnitudes = torch.stft(wave, n_fft, hop, window=window, pad_mode="constant", return_complex=True).abs()
    start = torch.ones_like(magnitudes).to(torch.complex64)
    ours = griffin_lim(
        magnitudes, start, window=window, hop_length=hop, length=length, iterations=iterations, momentum=momentum
    )
    theirs = torchaudio.functional.griffinlim(
        magnitudes, window, n_fft, hop, n_fft, 1.0, iterations, momentum, length, rand_init=False
    )

    def error(a: Tensor, b: Tensor) -> float:
        return float((a - b).norm() / b.norm())

    assert error(ours, theirs) < 1e-3
    assert error(ours, wave) > 0.1  # neither has found the wave itself


def test_its_tensors_go_in_without_a_conversion() -> None:
    model = DMAE(DMAEConfig.small(sample_rate=8000, width=8)).eval()
    wave = torchaudio.transforms.Resample(16000, 8000)(torch.randn(1, 1, 3000))
    again = torchaudio.transforms.Vol(0.5)(model.reconstruct(wave))
    assert again.shape == wave.shape and again.isfinite().all()
