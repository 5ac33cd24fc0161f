"""Decoding without any step of diffusion: Griffin-Lim's estimate is the waveform."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from dmae import DMAE, DecodingConfig, DMAEConfig
from vdiffusion import NoiseSource

from .latents import a_latent, zero

Make = Callable[[DMAEConfig], DMAE]
ESTIMATE = DecodingConfig(num_steps=0, griffin_lim=4)


@pytest.fixture
def model(bands: DMAEConfig, make: Make) -> DMAE:
    """An autoencoder whose net must not be asked."""
    made = make(bands)

    def never(*args: Any, **conditions: Any) -> Tensor:
        raise AssertionError("the net was evaluated")

    made.denoise = never  # type: ignore[method-assign, assignment]
    return made


@pytest.mark.parametrize("circular", [False, True])
def test_it_is_what_a_diffusion_from_time_zero_would_leave(
    bands: DMAEConfig, make: Make, model: DMAE, circular: bool
) -> None:
    latent, noise = a_latent(bands, 2, 24), NoiseSource(5, [0, 3])
    other = make(bands)
    other.load_state_dict(model.state_dict())
    other.denoise = zero  # type: ignore[method-assign, assignment]
    nearly = DecodingConfig(num_steps=1, griffin_lim=4, start=1e-6)
    expected = other.decode(latent, nearly, noise=noise, circular=circular)
    found = model.decode(latent, ESTIMATE, noise=noise, circular=circular)
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-4 * float(expected.abs().max()))
    assert model.decode(latent, ESTIMATE, noise=noise, circular=circular).equal(found)


def test_each_window_is_reported_once(bands: DMAEConfig, model: DMAE) -> None:
    seen: list[tuple[int, int, int]] = []
    latent = a_latent(bands, 1, 70)
    wave = model.decode(
        latent,
        DecodingConfig(num_steps=0, griffin_lim=2, window_frames=16),
        callback=lambda step, total, estimate: seen.append((step, total, estimate.shape[-1])),
    )
    assert wave.shape == (1, 2, 70 * 32) and wave.isfinite().all()
    assert seen == [(step, len(seen), 16 * 32) for step in range(len(seen))] and len(seen) == 5
    seen.clear()
    model.decode(a_latent(bands, 1, 24), ESTIMATE, circular=True, callback=lambda *one: seen.append(one[:2]))
    assert seen == [(0, 1)]


def test_a_stream_gives_what_the_whole_gives(bands: DMAEConfig, model: DMAE) -> None:
    latent, noise = a_latent(bands, 1, 600), NoiseSource(3, [0])
    decoder, parts = model.streaming_decoder(ESTIMATE, noise=noise), []
    for end in (6000, 12000):
        first, last = decoder.frames_for(end)
        parts.append(decoder(latent[..., first:last], first=first, end=end))
    assert torch.cat(parts, -1).shape == (1, 2, 12000)
    whole = model.decode(latent, ESTIMATE, noise=noise)
    torch.testing.assert_close(parts[0][..., :4000], whole[..., :4000], rtol=0, atol=1e-4)


def test_without_an_estimate_there_is_nothing(patches: DMAEConfig, make: Make) -> None:
    with pytest.raises(
        ValueError,
        match=r"num_steps=0 leaves only the initial estimate; give griffin_lim=1 or more iterations, or num_steps=1",
    ):
        DecodingConfig(num_steps=0)
    with pytest.raises(ValueError, match=r"num_steps must be a whole number of 0 or more, not -1"):
        DecodingConfig(num_steps=-1, griffin_lim=3)
    with pytest.raises(ValueError, match="no magnitude prior"):
        make(patches).decode(a_latent(patches, 1, 3), ESTIMATE)
