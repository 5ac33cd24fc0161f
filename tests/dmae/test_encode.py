"""Waveform to latent: any length, any batch, any pieces, always bounded."""

import copy
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from dmae import DMAE, DecodingConfig, DMAEConfig
from unet1d import Level

Make = Callable[[DMAEConfig], DMAE]
MakeWave = Callable[..., Tensor]

LENGTHS = st.integers(1, 3 * 32 + 5)


@given(length=LENGTHS)
def test_one_frame_for_every_hop_or_part_of_it(length: int, model: DMAE, make_wave: MakeWave) -> None:
    latent = model.encode(make_wave(1, length))
    assert latent.shape == (1, model.config.latent_channels, -(-length // 32))
    assert latent.dtype == torch.float32 and latent.isfinite().all() and latent.abs().max() < 1


@given(length=LENGTHS)
def test_the_end_is_filled_with_silence(length: int, model: DMAE, make_wave: MakeWave) -> None:
    wave = make_wave(1, length)
    filled = torch.nn.functional.pad(wave, (0, -length % 32))
    assert model.encode(wave).equal(model.encode(filled))


def test_the_latent_is_the_bounded_output_of_the_encoder(model: DMAE, make_wave: MakeWave) -> None:
    wave = make_wave(2, 160)
    torch.testing.assert_close(model.encode(wave), model.encoder(model.spectrogram(wave)).tanh(), rtol=0, atol=0)


@pytest.mark.parametrize(("blocks", "factor", "hop"), [(2, 4, 8), (3, 1, 32), (1, 2, 8), (1, 1, 8), (2, 1, 4)])
def test_pieces_give_what_the_whole_gives(
    bands: DMAEConfig, make: Make, make_wave: MakeWave, blocks: int, factor: int, hop: int
) -> None:
    # How far a frame looks, blocks and half a window of 32, is what the margins between pieces must cover.
    config = replace(
        bands,
        spectrogram=replace(bands.spectrogram, hop_length=hop),
        encoder=replace(bands.encoder, factors=(factor,), blocks=(blocks,)),
        transform="patches",
        transform_size=hop * factor,
        prior=None,
        transform_filters=32,
        decoder=replace(bands.decoder, levels=(Level(channels=8, inject_channels=6),)),
        latent_depth=0,
    )
    model, wave = make(config), make_wave(2, 41 * hop * factor - 3)
    whole = model.encode(wave)
    assert whole.shape[-1] == 41
    for piece_frames in (1, 7, 20, 40, 41):
        torch.testing.assert_close(model.encode(wave, piece_frames=piece_frames), whole, rtol=0, atol=2e-5)


def test_a_paper_encoder_takes_the_whole_at_once(patches: DMAEConfig, make: Make, make_wave: MakeWave) -> None:
    # Its normalisation sees the whole length, so that pieces would change the result.
    model, wave = make(patches), make_wave(1, 640)
    assert model.encode(wave, piece_frames=3).equal(model.encode(wave))
    assert not model.encode(wave[..., :320]).allclose(model.encode(wave)[..., :10], atol=1e-3)


def test_an_item_does_not_depend_on_its_batch_mates(config: DMAEConfig, make: Make, make_wave: MakeWave) -> None:
    model, wave = make(config), make_wave(3, 200)
    together = model.encode(wave)
    for item in range(3):
        torch.testing.assert_close(model.encode(wave[item : item + 1]), together[item : item + 1], rtol=0, atol=2e-6)
    wave[1] *= 50
    torch.testing.assert_close(model.encode(wave)[[0, 2]], together[[0, 2]], rtol=0, atol=2e-6)


@pytest.mark.parametrize("loudness", [0.0, 1.0, 1e4])
def test_the_bound_holds(config: DMAEConfig, make: Make, make_wave: MakeWave, loudness: float) -> None:
    model = make(config)
    with torch.no_grad():
        for parameter in model.encoder.parameters():
            parameter.mul_(3)
    latent = model.encode(loudness * make_wave(1, 300))
    assert latent.isfinite().all() and latent.abs().max() <= 1


def test_without_a_bound_the_latent_is_what_the_encoder_gives(mel: DMAEConfig, make: Make, make_wave: MakeWave) -> None:
    model, wave = make(replace(mel, latent_bound=None)), make_wave(2, 160)
    latent = model.encode(wave)
    assert latent.equal(model.encoder(model.spectrogram(wave))) and latent.abs().max() > 1
    bounded = DMAE(mel)
    bounded.load_state_dict(model.state_dict())
    torch.testing.assert_close(bounded.encode(wave), latent.tanh())
    assert model.decode(latent, DecodingConfig(num_steps=1)).shape == (2, 2, 160)
    assert model.losses(wave).saturation.item() == 0


def test_without_a_projection_the_last_stage_is_the_latent(mel: DMAEConfig, make: Make, make_wave: MakeWave) -> None:
    encoder = replace(mel.encoder, width=2, multipliers=(4, 2), project=False)
    model = make(replace(mel, encoder=encoder))
    assert not any(key.startswith("encoder.to_out") for key in model.state_dict())
    assert model.encode(make_wave(1, 160)).shape == (1, 4, 5)


def test_wrong_waves_are_named(config: DMAEConfig, make: Make) -> None:
    model = make(config)
    expected = r"wave: expected \[batch, channels=2, samples of 1 or more\], got "
    for shape in ((2, 100), (1, 1, 100), (1, 3, 100), (1, 2, 0), (1, 1, 2, 100)):
        for method in (model.encode, model.loss):
            with pytest.raises(ValueError, match=expected + str(list(shape)).replace("[", r"\[").replace("]", r"\]")):
                method(torch.zeros(shape))
    with pytest.raises(ValueError, match=r"wave: expected floating-point samples in \[-1, 1\], got torch.int16"):
        model.encode(torch.zeros(1, 2, 100, dtype=torch.int16))
    wave = torch.zeros(1, 2, 100)
    wave[0, 1, 5:8] = torch.tensor([float("nan"), float("inf"), -float("inf")])
    with pytest.raises(ValueError, match="wave: 3 of 256 numbers are NaN or infinite"):
        model.encode(wave)
    with pytest.raises(ValueError, match="piece_frames=0: must be 1 or more"):
        model.encode(torch.zeros(1, 2, 100), piece_frames=0)


def test_types_of_waves_and_weights(config: DMAEConfig, make: Make, make_wave: MakeWave) -> None:
    model, wave = make(config), make_wave(2, 300)
    expected = model.encode(wave)
    assert model.encode(wave.double()).equal(expected)
    cast = copy.deepcopy(model).bfloat16()
    latent = cast.encode(wave)
    assert latent.dtype == torch.float32 and not latent.equal(expected)
    assert cast.encode(wave.bfloat16()).isfinite().all()
    assert (latent - expected).std() < 0.05 * expected.std()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert (model.encode(wave) - expected).std() < 0.05 * expected.std()
