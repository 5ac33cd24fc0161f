"""A latent that is decoded before its end is known."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from dmae import DMAE, DecodingConfig, DMAEConfig
from dmae.streaming import FADE
from vdiffusion import NoiseSource

Make = Callable[[DMAEConfig], DMAE]
NOISE = NoiseSource(3, [0])
ENDS = (5000, 9999, 15000, 20000)


def a_latent(config: DMAEConfig, frames: int = 1024, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 0.8 * torch.rand(1, config.latent_channels, frames, generator=generator) - 0.4


def streamed(model: DMAE, latent: Tensor, settings: DecodingConfig, ends: tuple[int, ...] = ENDS) -> Tensor:
    """Sound up to the last end, each stretch from the frames alone that it needs."""
    decoder = model.streaming_decoder(settings, noise=NOISE)
    parts = []
    for end in ends:
        first, last = decoder.frames_for(end)
        parts.append(decoder(latent[..., first:last], first=first, end=end))
        assert parts[-1].shape[-1] == end - (0 if len(parts) == 1 else ends[len(parts) - 2])
        assert decoder.position == end and decoder.tail.shape[-1] == FADE
    return torch.cat(parts, dim=-1)


def test_a_net_that_looks_at_one_place_gives_what_it_gives_for_the_whole(config: DMAEConfig, make: Make) -> None:
    model, latent = make(config), a_latent(config)
    ratio = 32 // config.diffused_size

    def local(x_t: Tensor, t: Tensor, *, latent: Tensor, bands: Tensor | None = None) -> Tensor:
        steered: Tensor = x_t * latent.mean(1, keepdim=True).repeat_interleave(ratio, 2)
        return steered

    model.denoise = local  # type: ignore[method-assign, assignment]
    settings = DecodingConfig(num_steps=2)
    whole = model.decode(latent, settings, noise=NOISE)[..., : ENDS[-1]]
    torch.testing.assert_close(streamed(model, latent, settings), whole, rtol=1e-4, atol=1e-5)


def test_the_phases_go_on_from_stretch_to_stretch(make: Make, config: DMAEConfig) -> None:
    if config.prior is None:
        pytest.skip("no magnitudes, no initial estimate")
    model = make(config)
    model.denoise = lambda x_t, t, **conditions: torch.zeros_like(x_t)  # type: ignore[method-assign, assignment]
    latent = torch.nn.functional.interpolate(a_latent(config, 12), 1024, mode="linear")  # which changes slowly
    settings = DecodingConfig(num_steps=1, griffin_lim=8, start=1e-4)
    whole = model.decode(
        latent, DecodingConfig(num_steps=1, griffin_lim=8, start=1e-4, window_frames=1024), noise=NOISE
    )
    made = streamed(model, latent, settings)
    error = (made - whole[..., : ENDS[-1]]).square().mean() / made.square().mean()
    assert float(error) < 0.01


def test_what_was_returned_does_not_depend_on_what_comes_later(make: Make, config: DMAEConfig) -> None:
    model, latent = make(config), a_latent(config)
    settings = DecodingConfig(num_steps=1)
    other = torch.cat([latent[..., :200], a_latent(config, seed=1)[..., 200:]], dim=-1)
    decoder = model.streaming_decoder(settings, noise=NOISE)
    assert decoder.frames_for(5000)[1] > 200  # the second stretch is decoded from another latent than the first foresaw
    first = decoder(latent, first=0, end=5000)
    second = decoder(other, first=0, end=10000)
    assert torch.equal(first, streamed(model, latent, settings)[..., :5000])
    expected = streamed(model, other, settings, ends=(10000,))[..., 5000 + FADE :]
    error = (second[..., FADE:] - expected).square().mean() / expected.square().mean()
    assert float(error) < 0.05  # group norms see other stretches


def test_what_is_missing_is_named(config: DMAEConfig, make: Make) -> None:
    model, latent = make(config), a_latent(config)
    decoder = model.streaming_decoder(DecodingConfig(num_steps=1), noise=NOISE)
    last = decoder.frames_for(5000)[1]
    refused: list[tuple[str, dict[str, Any]]] = [
        (f"need frames 0 to {last}", {"latent": latent[..., : last - 1], "first": 0, "end": 5000}),
        (f"need frames 0 to {last}", {"latent": latent, "first": 1, "end": 5000}),
        (f"end={FADE - 1}: must be at least {FADE}", {"latent": latent, "first": 0, "end": FADE - 1}),
    ]
    for words, given in refused:
        with pytest.raises(ValueError, match=words):
            decoder(given.pop("latent"), **given)
    assert decoder.position == 0
