"""Small models: whatever the rate, the channels and the latent, their derived sizes fit together and run."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dmae import DMAE, DecodingConfig, DMAEConfig, SpectrogramConfig, UpsamplerConfig, VocoderConfig


@settings(max_examples=40)
@given(
    sample_rate=st.integers(4000, 96000),
    audio_channels=st.integers(1, 2),
    latent_channels=st.one_of(st.none(), st.integers(1, 80)),
    transform=st.sampled_from(["mdct", "patches", "waveform"]),
    width=st.sampled_from([8, 24, 64]),
)
def test_every_combination_is_a_config(transform: Any, **sizes: Any) -> None:
    config = DMAEConfig.small(transform=transform, **sizes)
    assert (config.sample_rate, config.audio_channels) == (sizes["sample_rate"], sizes["audio_channels"])
    if sizes["latent_channels"] is None:
        assert config.compression >= 64 or config.latent_channels == 1
    assert DMAEConfig.from_dict(config.to_dict()) == config


@pytest.mark.parametrize("transform", ["mdct", "patches", "waveform"])
@pytest.mark.parametrize("audio_channels", [1, 2])
def test_it_encodes_decodes_and_trains(transform: Any, audio_channels: int) -> None:
    config = DMAEConfig.small(sample_rate=8000, audio_channels=audio_channels, transform=transform, width=8)
    model, wave = DMAE(config), 0.1 * torch.randn(2, audio_channels, 1500)
    assert model.reconstruct(wave, DecodingConfig(num_steps=1)).shape == wave.shape
    model.loss(wave).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


def test_any_number_of_channels_but_with_the_mdct() -> None:
    assert DMAEConfig.small(audio_channels=6, transform="patches").audio_channels == 6
    with pytest.raises(ValueError, match="audio_channels=6: bands need mono or stereo; transform='patches' takes any"):
        DMAEConfig.small(audio_channels=6)


@pytest.mark.parametrize("hop_length", [1024, 2048, 4096, 8192])
def test_the_hop_can_be_chosen(hop_length: int) -> None:
    config = DMAEConfig.small(hop_length=hop_length)
    assert config.hop_length == hop_length and config.latent_depth == len(config.decoder.levels) - 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"hop_length": 3000},
            "hop_length=3000 must be the MDCT's 512 samples times 2, 4, 8, ...: 1024, 2048, 4096, 819",
        ),
        ({"hop_length": 512}, "hop_length=512 must be the MDCT's 512 samples times 2"),
        ({"hop_length": 16, "transform": "patches"}, "hop_length=16 must be 16 samples times 2, 4, 8, ...: 32, 64"),
        ({"width": 100}, "width=100 must be a multiple of 8, such as 104"),
        ({"transform": "own"}, "transform must be 'mdct', 'patches' or 'waveform', not 'own'"),
        ({"sample_rate": 22050.0}, "sample_rate must be a whole number of 1 or more, not 22050.0"),
        ({"latent_channels": 0}, "latent_channels must be a whole number of 1 or more, not 0"),
    ],
)
def test_impossible_sizes_are_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=rf"DMAEConfig\.small: {message}"):
        DMAEConfig.small(**values)


def test_upsampler_and_vocoder_derive_their_channels() -> None:
    up = UpsamplerConfig.small(sample_rate=44100, audio_channels=1, factor=2, channels=(8, 16), factors=(4, 4))
    assert (up.net.in_channels, up.net.out_channels, up.net.factor) == (2, 1, 16)
    mel = SpectrogramConfig(n_fft=64, hop_length=16, mel_channels=8)
    vocoder = VocoderConfig.small(sample_rate=8000, spectrogram=mel, channels=(8,), factors=(4,))
    assert (vocoder.net.in_channels, vocoder.net.out_channels, vocoder.spectrogram) == (2, 1, mel)
    for config in (UpsamplerConfig, VocoderConfig):
        with pytest.raises(ValueError, match=rf"{config.__name__}\.small: 2 channels and 3 factors; give one of both"):
            config.small(channels=(8, 8), factors=(4, 4, 4))
    with pytest.raises(ValueError, match="sample_rate=44100 is not a multiple of factor=8; sample_rate=44096 would do"):
        UpsamplerConfig.small(sample_rate=44100)
