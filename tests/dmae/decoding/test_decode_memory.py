"""Memory of a long decode: beside the waveform itself it is that of one window."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from dmae import DMAE, DecodingConfig, DMAEConfig
from dmae.checks import require_finite
from vdiffusion import window_plan

from .latents import a_latent

Held = Callable[[Callable[[], object]], int]
SHORT, LONG = 512, 1024
"""Latent frames of 9 and of 19 windows of 64, and of whole blocks of noise."""


def test_twice_the_music_takes_the_waveform_more(
    bands: DMAEConfig, make: Callable[[DMAEConfig], DMAE], tensor_memory: Held
) -> None:
    model = make(bands)
    settings = DecodingConfig(num_steps=1, griffin_lim=3, start=0.5, window_frames=64)
    assert {window_plan(frames, size=64, overlap=8)[0] for frames in (SHORT, LONG)} == {64}
    model.decode(a_latent(bands, 1, 64), settings)  # what is made once is made

    def beside_the_waveform(frames: int) -> int:
        latent = a_latent(bands, 1, frames)
        return tensor_memory(lambda: model.decode(latent, settings)) - 2 * 4 * frames * bands.hop_length

    short, long = beside_the_waveform(SHORT), beside_the_waveform(LONG)
    assert short > 64 * 2 * 4 * bands.hop_length  # the window's own waveform at the least, or nothing was measured
    assert long < 1.05 * short, f"{short} and {long} bytes"


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_one_number_of_a_long_waveform_is_found(number: float) -> None:
    wave = torch.zeros(1, 2, 2**18 + 7)
    require_finite("wave", wave)
    for place in (0, 2**18, 2**18 + 6):
        spoilt = wave.clone()
        spoilt[0, 1, place] = number
        with pytest.raises(ValueError, match="wave: 1 of 524302 numbers are NaN or infinite"):
            require_finite("wave", spoilt)


def test_asking_whether_a_cut_waveform_is_finite_copies_a_block_at_most(tensor_memory: Held) -> None:
    wave: Tensor = torch.zeros(1, 2, 2**21)[..., :-5]
    assert tensor_memory(lambda: require_finite("wave", wave)) < wave.numel() * 4 / 7
