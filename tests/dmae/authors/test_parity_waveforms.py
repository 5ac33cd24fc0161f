"""The authors' upsampler and vocoder with the same weights give the same numbers, in float32, to rounding."""

import types
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from einops import rearrange

from dmae import (
    DiffusionUpsampler,
    DiffusionVocoder,
    SpectrogramConfig,
    UpsamplerConfig,
    VocoderConfig,
)
from tests.dmae.authors.parity import (
    TWICE,
    assert_parity,
    copy_weights,
    settings_of,
    under,
    unet_keys,
)
from unet1d import Level, UNet1dConfig

# ---- upsampler and vocoder

BESIDE = UNet1dConfig(
    in_channels=4,
    out_channels=2,
    levels=(Level(channels=8), Level(channels=16, factor=4, num_blocks=2), Level(channels=16, factor=2)),
    modulation_features=16,
)


def test_the_upsampler(authors: types.SimpleNamespace) -> None:
    theirs = authors.diffusion.DiffusionUpsampler(
        net_t=authors.diffusion.UNetV0, in_channels=2, upsample_factor=6, **settings_of(BESIDE)
    ).eval()
    ours = DiffusionUpsampler(UpsamplerConfig(sample_rate=48000, factor=6, net=BESIDE)).eval()
    copy_weights(
        under("", "blocks.0.", unet_keys(BESIDE)), theirs.net, ours.net, ignored=tuple(f"blocks.0.{k}" for k in TWICE)
    )
    wave, low = torch.randn(3, 2, 6 * 32), torch.randn(3, 2, 32)
    with torch.no_grad():
        torch.manual_seed(5)
        expected = theirs(wave)
        torch.manual_seed(5)
        t, noise = torch.rand(3), torch.randn(wave.shape)
        assert_parity(ours.loss(wave, t=t, noise=noise), expected, 1e-5)
        upsampled = theirs.sample(low, generator=torch.Generator().manual_seed(6), num_steps=20)
        noise = torch.randn(wave.shape, generator=torch.Generator().manual_seed(6))
        assert_parity(ours.sample(low, noise=noise, num_steps=20), upsampled, 1e-4)


@pytest.mark.parametrize("spectrogram", [{}, {"win_length": 24, "log_floor": 1e-5}, {"mel_normalize": "batch"}])
def test_the_vocoder(authors: types.SimpleNamespace, spectrogram: Mapping[str, Any]) -> None:
    mel = SpectrogramConfig(n_fft=32, hop_length=8, mel_channels=6, **spectrogram)
    net = replace(BESIDE, in_channels=2, out_channels=1)
    theirs = authors.diffusion.DiffusionVocoder(
        net_t=authors.diffusion.UNetV0,
        mel_channels=6,
        mel_n_fft=32,
        mel_hop_length=8,
        mel_win_length=mel.window_length,
        mel_sample_rate=16000,
        mel_normalize=mel.mel_normalize is not None,
        mel_normalize_log=mel.log_floor is not None,
        **settings_of(net),
    ).eval()
    ours = DiffusionVocoder(VocoderConfig(sample_rate=16000, spectrogram=mel, net=net)).eval()
    copy_weights(
        under("", "blocks.0.", unet_keys(net)), theirs.net, ours.net, ignored=tuple(f"blocks.0.{k}" for k in TWICE)
    )
    ours.flatten.project.load_state_dict({"weight": rearrange(theirs.to_flat.weight, "m 1 w -> w m")})
    wave = torch.randn(3, 2, 8 * 24)
    t, noise = torch.rand(3), torch.randn(wave.shape)
    # They draw a time for every channel, we for every item.
    theirs.diffusion.sigma_distribution = lambda num_samples, device: t.repeat_interleave(2)
    with torch.no_grad():
        torch.manual_seed(5)
        expected = theirs(wave)
        torch.manual_seed(5)
        noise = torch.randn(6, 1, wave.shape[-1]).view(wave.shape)
        assert_parity(ours.loss(wave, t=t, noise=noise), expected, 1e-5)
        mel = ours.spectrogram(wave)
        assert_parity(mel, theirs.to_spectrogram(wave), 1e-5)
        made = theirs.sample(mel, generator=torch.Generator().manual_seed(6), num_steps=20)
        noise = torch.randn(6, 1, wave.shape[-1], generator=torch.Generator().manual_seed(6)).view(wave.shape)
        assert_parity(ours.sample(mel, noise=noise, num_steps=20), made, 1e-4)
