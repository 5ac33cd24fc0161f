"""The authors' autoencoders with the same weights give the same numbers, in float32, to rounding."""

import types
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from dmae import (
    DMAE,
    DecodingConfig,
    DMAEConfig,
    EncoderConfig,
    SpectrogramConfig,
)
from tests.dmae.authors.parity import (
    TWICE,
    assert_parity,
    copy_weights,
    encoder_keys,
    settings_of,
    under,
    unet_keys,
)
from unet1d import Level, UNet1dConfig

# ---- encoders

NET = UNet1dConfig(in_channels=2, levels=(Level(channels=8, factor=32, inject_channels=4),), modulation_features=8)
MAGNITUDE = DMAEConfig(
    latent_channels=4,
    spectrogram=SpectrogramConfig(n_fft=63, hop_length=8),
    encoder=EncoderConfig(width=16, factors=(2, 2), blocks=(1, 2), groups=4),
    transform="waveform",
    transform_size=1,
    decoder=NET,
    latent_depth=0,
)
MEL = replace(MAGNITUDE, sample_rate=16000, spectrogram=SpectrogramConfig(n_fft=64, hop_length=8, mel_channels=10))
WIDE = EncoderConfig(width=8, factors=(2, 2), blocks=(1, 2), groups=4, multipliers=(1, 3, 2))
PATCHED = EncoderConfig(width=16, factors=(2,), blocks=(2,), groups=4, patch_size=2)
SAME_WIDTH = EncoderConfig(width=20, factors=(2, 2), blocks=(1, 2), groups=4)
WITHOUT_OUTPUT = EncoderConfig(width=2, factors=(2, 2), blocks=(1, 2), groups=2, multipliers=(4, 3, 2), project=False)


def encoders(authors: types.SimpleNamespace, config: DMAEConfig, **theirs: Any) -> tuple[nn.Module, DMAE]:
    """Their encoder for `config` and our model, with the same weights."""
    encoder, spectrogram = config.encoder, config.spectrogram
    settings = {
        "in_channels": config.audio_channels,
        "channels": encoder.width,
        "multipliers": encoder.multipliers or [1] * (len(encoder.factors) + 1),
        "factors": encoder.factors,
        "num_blocks": encoder.blocks,
        "patch_size": encoder.patch_size,
        "resnet_groups": encoder.groups,
        "out_channels": config.latent_channels if encoder.project else None,
        "bottleneck": authors.encoders.TanhBottleneck() if config.latent_bound else [],
        **theirs,
    }
    if spectrogram.mel_channels:
        mel = {
            "mel_channels": spectrogram.mel_channels,
            "mel_n_fft": spectrogram.n_fft,
            "mel_hop_length": spectrogram.hop_length,
            "mel_win_length": spectrogram.window_length,
            "mel_sample_rate": spectrogram.mel_sample_rate or config.sample_rate,
            "mel_normalize": spectrogram.mel_normalize is not None,
            "mel_normalize_log": spectrogram.log_floor is not None,
        }
        reference = authors.encoders.MelE1d(**mel, **settings)
        ignored: tuple[str, ...] = ("mel.to_spectrogram.window", "mel.to_mel_scale.fb")
    else:
        reference = authors.encoders.ME1d(
            stft_num_fft=spectrogram.n_fft,
            stft_hop_length=spectrogram.hop_length,
            stft_window_length=spectrogram.window_length,
            use_log=spectrogram.log_floor is not None,
            **settings,
        )
        ignored = ("stft.window",)
    model = DMAE(config)
    copy_weights(encoder_keys(config), reference, model.encoder, ignored=ignored)
    return reference.eval(), model.eval()


@pytest.mark.parametrize(
    "config",
    [
        pytest.param(MAGNITUDE, id="magnitude"),
        pytest.param(replace(MAGNITUDE, latent_bound=None), id="no bottleneck"),
        pytest.param(replace(MAGNITUDE, spectrogram=replace(MAGNITUDE.spectrogram, log_floor=1e-20)), id="use_log"),
        pytest.param(replace(MAGNITUDE, spectrogram=replace(MAGNITUDE.spectrogram, win_length=40)), id="short window"),
        pytest.param(replace(MAGNITUDE, encoder=WIDE), id="multipliers"),
        pytest.param(replace(MAGNITUDE, encoder=PATCHED), id="patches"),
        pytest.param(replace(MAGNITUDE, encoder=WITHOUT_OUTPUT), id="no output projection"),
        pytest.param(MEL, id="mel"),
        pytest.param(replace(MEL, encoder=WIDE), id="mel multipliers"),
        pytest.param(replace(MEL, encoder=PATCHED), id="mel patches"),
        pytest.param(replace(MEL, encoder=SAME_WIDTH), id="mel of the encoder's width"),
        pytest.param(replace(MEL, spectrogram=replace(MEL.spectrogram, log_floor=1e-5)), id="mel normalize_log"),
        pytest.param(replace(MEL, spectrogram=replace(MEL.spectrogram, win_length=40)), id="mel short window"),
        pytest.param(replace(MEL, spectrogram=replace(MEL.spectrogram, mel_sample_rate=44100)), id="mel other rate"),
        pytest.param(
            replace(MEL, spectrogram=replace(MEL.spectrogram, mel_normalize="batch")), id="mel normalize by the batch"
        ),
        pytest.param(
            replace(MEL, spectrogram=replace(MEL.spectrogram, mel_normalize="batch", log_floor=1e-5)),
            id="mel normalize and normalize_log",
        ),
    ],
)
def test_encoders(authors: types.SimpleNamespace, config: DMAEConfig) -> None:
    theirs, ours = encoders(authors, config)
    wave = 0.3 * torch.randn(3, 2, 32 * 20) * torch.tensor([1.0, 0.3, 0.1])[:, None, None]
    with torch.no_grad():
        assert_parity(ours.encode(wave), theirs(wave), 1e-5)


def test_normalisation_by_the_item_is_theirs_for_a_batch_of_one(authors: types.SimpleNamespace) -> None:
    config = replace(MEL, spectrogram=replace(MEL.spectrogram, mel_normalize="item"))
    theirs, ours = encoders(authors, config)
    wave = 0.3 * torch.randn(2, 2, 32 * 20) * torch.tensor([1.0, 0.1])[:, None, None]
    with torch.no_grad():
        for item in (0, 1):
            assert_parity(ours.encode(wave)[item], theirs(wave[item : item + 1])[0], 1e-5)
        assert not ours.encode(wave)[1].allclose(theirs(wave)[1], atol=1e-3)


# ---- autoencoders


def assert_autoencoders_agree(theirs: nn.Module, ours: DMAE) -> None:
    """The loss with the same times and noise, and twenty steps from the same noise."""
    wave = 0.3 * torch.randn(2, 2, 512)
    with torch.no_grad():
        torch.manual_seed(5)
        expected = theirs(wave)
        torch.manual_seed(5)
        t, noise = torch.rand(2), torch.randn(wave.shape)
        got = ours.losses(wave, t=t, noise=noise).diffusion
        assert got is not None
        assert_parity(got, expected, 1e-5)
        latent = ours.encode(wave)
        decode: Any = theirs.decode
        decoded = decode(latent, generator=torch.Generator().manual_seed(6), num_steps=20)
        noise = torch.randn(wave.shape, generator=torch.Generator().manual_seed(6))
        assert_parity(ours.decode(latent, DecodingConfig(num_steps=20), initial_noise=noise), decoded, 1e-4)


def test_the_autoencoder_of_their_readme(authors: types.SimpleNamespace) -> None:
    # A mel encoder, and the waveform itself diffused.
    levels = (
        Level(channels=8),
        Level(channels=16, factor=8, num_blocks=2),
        Level(channels=16, factor=4, inject_channels=4),
    )
    config = replace(
        MEL,
        spectrogram=replace(MEL.spectrogram, log_floor=1e-5),
        decoder=UNet1dConfig(in_channels=2, levels=levels, modulation_features=16),
        latent_depth=2,
    )
    encoder, ours = encoders(authors, config)
    theirs = authors.diffusion.DiffusionAE(
        encoder=encoder,
        inject_depth=2,
        in_channels=2,
        net_t=authors.diffusion.UNetV0,
        **settings_of(config.decoder),
    )
    copy_weights(unet_keys(config.decoder), theirs.net, ours.decoder, ignored=TWICE)
    assert_autoencoders_agree(theirs, ours)


def test_the_autoencoder_of_the_paper(authors: types.SimpleNamespace) -> None:
    # A magnitude encoder, and a learned transform before and behind the U-Net.
    levels = (
        Level(channels=8),
        Level(channels=16, factor=4, num_blocks=2, inject_channels=4),
        Level(channels=16, factor=2),
    )
    config = replace(
        MAGNITUDE,
        transform="patches",
        transform_size=8,
        transform_filters=24,
        decoder=UNet1dConfig(in_channels=24, levels=levels, modulation_features=16),
        latent_depth=1,
    )
    encoder, ours = encoders(authors, config)
    theirs = authors.diffusion.DiffusionAE(
        encoder=encoder,
        inject_depth=1,
        in_channels=2,
        net_t=authors.diffusion.LTPlugin(authors.diffusion.UNetV0, num_filters=12, window_length=8, stride=8),
        **settings_of(config.decoder),
    )
    nets = nn.ModuleDict({"transform": ours.transform, "decoder": ours.decoder})
    keys = [
        ("transform.encode.weight", "blocks.0.weight", "f c s -> f (c s)"),
        ("transform.decode.weight", "blocks.1.weight", "f c s -> (c s) f"),
        *under("decoder.", "blocks.2.", unet_keys(config.decoder)),
    ]
    copy_weights(iter(keys), theirs.net, nets, ignored=tuple(f"blocks.2.{key}" for key in TWICE))
    assert_autoencoders_agree(theirs, ours)
