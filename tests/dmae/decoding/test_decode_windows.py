"""Latent to waveform: windows, and the start from Griffin-Lim's initial estimate."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from dmae import DMAE, DecodingConfig, DMAEConfig
from dmae.phase import initial_estimate
from vdiffusion import NoiseSource, window_plan

from .latents import a_latent, zero

Make = Callable[[DMAEConfig], DMAE]
MakeWave = Callable[..., Tensor]


# ---- windows


def test_a_long_latent_is_denoised_window_by_window(config: DMAEConfig, make: Make) -> None:
    model, latent = make(config), a_latent(config, 2, 75)
    lengths: set[int] = set()
    plain = model.denoise

    def watched(x_t: Tensor, t: Tensor, **conditions: Tensor) -> Tensor:
        lengths.add(x_t.shape[-1])
        return plain(x_t, t, **conditions)

    model.denoise = watched  # type: ignore[method-assign, assignment]
    wave = model.decode(latent, DecodingConfig(num_steps=2, window_frames=16))
    assert lengths == {16 * 32 // config.diffused_size}
    assert wave.shape == (2, 2, 75 * 32) and wave.isfinite().all()
    lengths.clear()
    model.decode(latent, DecodingConfig(num_steps=1, window_frames=256))
    assert lengths == {75 * 32 // config.diffused_size}


def test_windows_of_a_net_that_looks_at_one_place_change_nothing(config: DMAEConfig, make: Make) -> None:
    model, latent = make(config), a_latent(config, 1, 75)
    ratio = 32 // config.diffused_size

    def local(x_t: Tensor, t: Tensor, *, latent: Tensor, bands: Tensor | None = None) -> Tensor:
        steered = x_t * latent.mean(1, keepdim=True).repeat_interleave(ratio, 2)
        return steered if bands is None else steered * bands.mean(1, keepdim=True).tanh()

    model.denoise = local  # type: ignore[method-assign, assignment]
    whole = model.decode(latent, DecodingConfig(num_steps=3))
    torch.testing.assert_close(
        model.decode(latent, DecodingConfig(num_steps=3, window_frames=16)), whole, rtol=1e-4, atol=1e-5
    )


def test_windows_fade_into_each_other(config: DMAEConfig, make: Make) -> None:
    # A net that says one number for the whole of what it sees, the mean of the latent there, makes stairs of a ramp.
    # Cross-faded, the steepest place of a stair of height h is pi h / (2 overlap).
    model = make(config)
    ratio, frames = 32 // config.diffused_size, 160
    ramp = torch.linspace(-0.5, 0.5, frames).expand(1, config.latent_channels, -1)

    def mean(x_t: Tensor, t: Tensor, *, latent: Tensor, bands: Tensor | None = None) -> Tensor:
        return -latent.mean().expand_as(x_t)

    model.denoise = mean  # type: ignore[method-assign, assignment]
    estimates: list[Tensor] = []
    model.decode(
        ramp,
        DecodingConfig(num_steps=1, window_frames=64),
        initial_noise=torch.zeros(1, config.diffused_channels, frames * ratio),
        callback=lambda step, total, estimate: estimates.append(estimate[0, 0]),
    )
    stairs = estimates[0]
    assert stairs[0].item() == pytest.approx(float(ramp[0, 0, :64].mean()), abs=1e-5)
    assert stairs[-1].item() == pytest.approx(float(ramp[0, 0, -64:].mean()), abs=1e-5)
    height = 56 / (frames - 1)  # windows of 64 start every 56 frames
    fade = 4 * ratio  # of 8 overlapping frames the outer two on each side weigh nothing
    jump = float(stairs.diff().abs().max())
    assert 0.8 * math.pi * height / (2 * fade) < jump < 1.01 * math.pi * height / (2 * fade)


# ---- Griffin-Lim's start


def test_griffin_lim_starts_the_net_at_the_time_that_is_asked_for(bands: DMAEConfig, make: Make) -> None:
    model, latent = make(bands), a_latent(bands, 1, 4)
    times: list[float] = []
    plain = model.denoise

    def watched(x_t: Tensor, t: Tensor, **conditions: Tensor) -> Tensor:
        times.append(float(t))
        return plain(x_t, t, **conditions)

    model.denoise = watched  # type: ignore[method-assign, assignment]
    model.decode(latent, DecodingConfig(num_steps=3, griffin_lim=2, start=0.6))
    assert times == pytest.approx([0.6, 0.4, 0.2])


def test_at_time_one_griffin_lims_estimate_has_no_weight(bands: DMAEConfig, make: Make) -> None:
    model, latent = make(bands), a_latent(bands, 1, 4)
    with_estimate = model.decode(latent, DecodingConfig(num_steps=3, griffin_lim=2, start=1.0))
    torch.testing.assert_close(with_estimate, model.decode(latent, DecodingConfig(num_steps=3)), rtol=1e-4, atol=1e-4)


def test_from_time_zero_on_decode_is_griffin_lims_own_answer(bands: DMAEConfig, make: Make) -> None:
    # The result has the magnitudes that the latent holds, more nearly with more iterations; noise in the spectral
    # shape of the prior, which is what the untrained diffusion gives, has them least.
    model = make(bands)
    model.denoise = zero  # type: ignore[method-assign, assignment]
    with torch.no_grad():
        for parameter in model.prior.net.parameters():
            parameter.zero_()  # the bands are then their mean, a steady sound, and a waveform can have such magnitudes
        model.prior.slope.fill_(1)
        model.prior.log_gain.zero_()
    latent = a_latent(bands, 1, 24)
    target = model.prior.magnitudes(model.prior.conditions(latent)).detach()[..., :-1]

    def distance(wave: Tensor) -> float:
        found = model.prior.bands.spectrum(wave)[..., : target.shape[-1]].abs()
        return float((found - target)[..., 4:-4].norm() / target[..., 4:-4].norm())

    after = {
        n: distance(model.decode(latent, DecodingConfig(num_steps=1, griffin_lim=n, start=1e-3))) for n in (1, 8, 64)
    }
    assert after[64] < 0.99 * after[8] and after[8] < 0.9 * after[1]
    assert after[8] < 0.8 * distance(model.decode(latent, DecodingConfig(num_steps=50)))


def test_griffin_lims_part_depends_on_seed_and_item_alone(bands: DMAEConfig, make: Make) -> None:
    model, latent = make(bands), a_latent(bands, 3, 5)
    settings = DecodingConfig(num_steps=2, griffin_lim=3, start=0.5)
    together = model.decode(latent, settings)
    assert model.decode(latent, settings).equal(together)
    assert not model.decode(latent, settings, noise=NoiseSource(1, range(3))).allclose(together, atol=1e-3)
    for item in range(3):
        alone = model.decode(latent[item : item + 1], settings, noise=NoiseSource(0, [item]))
        torch.testing.assert_close(alone, together[item : item + 1], rtol=1e-3, atol=1e-3)


def test_griffin_lim_goes_window_by_window_too(bands: DMAEConfig, make: Make) -> None:
    model, latent = make(bands), a_latent(bands, 1, 70)
    wave = model.decode(latent, DecodingConfig(num_steps=2, griffin_lim=3, start=0.5, window_frames=16), length=2222)
    assert wave.shape == (1, 2, 2222) and wave.isfinite().all()


def test_windows_and_stretches_start_from_the_noise_of_their_place(
    bands: DMAEConfig, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, latent = make(bands), a_latent(bands, 1, 600)
    ratio = bands.hop_length // model.prior.bands.hop_length
    asked: list[int] = []

    def watched(*args: Any, position: int, **settings: Any) -> tuple[Tensor, Tensor]:
        asked.append(position)
        return initial_estimate(*args, position=position, **settings)

    monkeypatch.setattr("dmae.decode.initial_estimate", watched)
    settings = DecodingConfig(num_steps=1, griffin_lim=1, start=0.5, window_frames=256)
    model.decode(latent, settings)
    _, starts = window_plan(600, size=256, overlap=32)
    assert len(starts) == 3 and asked == [ratio * start for start in starts]
    asked.clear()
    decoder = model.streaming_decoder(settings, noise=NoiseSource(0, [0]))
    begun = []
    for end in (5000, 10000):
        first, last = decoder.frames_for(end)
        begun.append(ratio * (first + min(model.prior.receptive_field, first)))
        decoder(latent[..., first:last], first=first, end=end)
    assert asked == begun


def test_griffin_lim_needs_a_prior(patches: DMAEConfig, bands: DMAEConfig, make: Make) -> None:
    bare = replace(
        bands,
        prior=None,
        decoder=replace(
            bands.decoder, levels=(replace(bands.decoder.levels[0], inject_channels=0), bands.decoder.levels[1])
        ),
    )
    for config in (patches, bare):
        with pytest.raises(ValueError, match="no magnitude prior"):
            make(config).decode(a_latent(config, 1, 3), DecodingConfig(num_steps=1, griffin_lim=2))


def test_sigma_is_the_same_piece_by_piece(bands: DMAEConfig, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    model = make(bands)
    latent = torch.randn(2, 6, 9, generator=torch.Generator().manual_seed(0)).tanh()
    packed = model.prior.conditions(latent)
    x = torch.randn(2, 32, packed["bands"].shape[-1], generator=torch.Generator().manual_seed(1))
    whole = x * model.prior.log_sigma(model.prior(latent)).exp()
    for piece in (1, 5, packed["bands"].shape[-1], 1000):
        monkeypatch.setattr("dmae.prior.magnitude.BLOCKS_AT_ONCE", piece)
        torch.testing.assert_close(model.prior.unwhiten(x, packed), whole)
        torch.testing.assert_close(model.prior.whiten(whole, packed), x)
