"""Wrong inputs by habit: each is one clear line that says what would do."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from dmae import DMAE, DiffusionUpsampler, DiffusionVocoder, DMAEConfig, UpsamplerConfig, VocoderConfig

Make = Callable[[DMAEConfig], DMAE]


@pytest.mark.parametrize("method", ["encode", "loss", "reconstruct"])
@pytest.mark.parametrize(
    ("wave", "message"),
    [
        (np.zeros((1, 2, 99), np.float32), r"expected a torch\.Tensor, got numpy\.ndarray; torch\.from_numpy\(wave\)"),
        ([[0.0]], r"expected a torch\.Tensor, got builtins\.list$"),
        ("song.wav", r"expected a torch\.Tensor, got builtins\.str$"),
        (torch.zeros(2, 99), r"samples of 1 or more\], got \[2, 99\]; wave\[None\] adds the batch"),
        (torch.zeros(99), r"got \[99\]; wave\[None, None\] adds batch and channel"),
        (torch.zeros(1, 1, 99), r"got \[1, 1, 99\]; wave\.expand\(-1, 2, -1\) repeats the channel"),
        (torch.zeros(1, 3, 99), r"got \[1, 3, 99\]$"),
    ],
)
def test_waves_of_a_stereo_model(patches: DMAEConfig, make: Make, method: str, wave: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^wave: .*{message}"):
        getattr(make(patches), method)(wave)


def test_stereo_for_a_mono_model() -> None:
    model = DMAE(DMAEConfig.small(sample_rate=8000, width=8))
    with pytest.raises(ValueError, match=r"got \[1, 2, 99\]; wave\.mean\(1, keepdim=True\) mixes to mono"):
        model.encode(torch.zeros(1, 2, 99))


@pytest.mark.parametrize(
    ("latent", "message"),
    [
        (np.zeros((1, 4, 3), np.float32), r"expected a torch\.Tensor, got numpy\.ndarray; torch\.from_numpy\(latent\)"),
        (torch.zeros(4, 3), r"frames of 1 or more\], got \[4, 3\]; latent\[None\] adds the batch"),
        (torch.zeros(3, 4), r"frames of 1 or more\], got \[3, 4\]$"),
    ],
)
def test_latents(patches: DMAEConfig, make: Make, latent: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^latent: .*{message}"):
        make(patches).decode(latent)


def test_upsampler_and_vocoder() -> None:
    upsampler = DiffusionUpsampler(UpsamplerConfig.small(channels=(8,), factors=(4,)))
    with pytest.raises(ValueError, match=r"low: expected a torch\.Tensor, got numpy\.ndarray"):
        upsampler.sample(np.zeros((1, 2, 9)))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"low: .*got \[2, 9\]; low\[None\] adds the batch"):
        upsampler.sample(torch.zeros(2, 9))
    vocoder = DiffusionVocoder(VocoderConfig.small(channels=(8,), factors=(4,)))
    with pytest.raises(ValueError, match=r"spectrogram: expected a torch\.Tensor, got numpy\.ndarray"):
        vocoder.sample(np.zeros((1, 2, 80, 9)))  # type: ignore[arg-type]


def test_the_hint_of_a_config_leads_to_one_that_fits(patches: DMAEConfig) -> None:
    with pytest.raises(ValueError, match=r"set levels\[1\]\.inject_channels=4, levels\[2\]\.inject_channels=0"):
        replace(patches, latent_depth=1)
    levels = patches.decoder.levels
    moved = replace(
        patches.decoder,
        levels=(levels[0], replace(levels[1], inject_channels=4), replace(levels[2], inject_channels=0)),
    )
    with pytest.raises(
        ValueError, match=r"at depth 1 is 16; .*: latent_depth=2 .*or encoder\.factors whose product is 2"
    ):
        replace(patches, latent_depth=1, decoder=moved)
    encoder = replace(patches.encoder, factors=(2,), blocks=(1,))
    assert replace(patches, latent_depth=1, decoder=moved, encoder=encoder).hop_length == 16
