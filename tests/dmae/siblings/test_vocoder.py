"""The vocoder: the flattened spectrogram, lengths, channels, independence, errors, and that it learns pitch."""

import copy
import json
import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from dmae import DiffusionVocoder, MelSpectrogram, SpectrogramConfig, VocoderConfig
from dmae.vocoder import Flattening
from unet1d import Level, UNet1dConfig
from vdiffusion import DDIM, NoiseSource, VObjective

from .watching import shapes_seen

NET = UNet1dConfig(
    in_channels=2,
    out_channels=1,
    levels=(Level(channels=8), Level(channels=8, factor=4)),
    modulation_features=8,
    fourier_features=8,
    groups=2,
)
SPECTROGRAM = SpectrogramConfig(n_fft=32, hop_length=8, mel_channels=6, log_floor=1e-5)
CONFIG = VocoderConfig(sample_rate=8000, spectrogram=SPECTROGRAM, net=NET)


@pytest.fixture
def model() -> DiffusionVocoder:
    return DiffusionVocoder(CONFIG).eval()


@pytest.mark.parametrize(("window", "hop"), [(32, 8), (8, 8), (21, 8), (64, 64)])
def test_flattening_is_a_transposed_convolution(window: int, hop: int) -> None:
    flatten = Flattening(5, window=window, hop=hop)
    mel = torch.randn(2, 5, 7, dtype=torch.float64)
    weight = flatten.project.weight.detach().double().T[:, None].requires_grad_()
    # Where window - hop is odd theirs is one sample longer than the waveform.
    expected = F.conv_transpose1d(mel, weight, stride=hop, padding=(window - hop) // 2)[:, 0, : 7 * hop]
    got = flatten(mel)
    torch.testing.assert_close(got.double(), expected, rtol=0, atol=1e-5)
    up = torch.randn(2, 7 * hop)
    got.backward(up)
    expected.backward(up.double())
    assert flatten.project.weight.grad is not None and weight.grad is not None
    torch.testing.assert_close(flatten.project.weight.grad.T[:, None].double(), weight.grad, rtol=1e-4, atol=1e-4)


def test_flattening_has_right_gradients_beside_half_precision() -> None:
    flatten = Flattening(3, window=64, hop=64)
    mel, up = torch.randn(2, 3, 16), torch.randn(2, 1024)

    def gradient(x: Tensor, *, autocast: bool = False) -> Tensor:
        x = x.clone().requires_grad_()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            wave = flatten(x)
        wave.backward(up)
        assert x.grad is not None
        return x.grad

    expected = gradient(mel)
    torch.testing.assert_close(gradient(mel, autocast=True), expected)
    flatten.bfloat16()
    torch.testing.assert_close(gradient(mel.bfloat16()).float(), expected, rtol=0.02, atol=0.01)


@given(length=st.integers(1, 60), channels=st.integers(1, 3))
def test_any_length_and_any_channels(length: int, channels: int) -> None:
    model, wave = DiffusionVocoder(CONFIG).eval(), 0.1 * torch.randn(1, channels, length)
    spectrogram = model.spectrogram(wave)
    assert spectrogram.shape == (1, channels, 6, -(-length // 8))
    assert model.sample(spectrogram, num_steps=1, length=length).shape == wave.shape
    assert model.sample(spectrogram, num_steps=1).shape == (1, channels, 8 * spectrogram.shape[-1])
    assert model.loss(wave).isfinite()


def test_the_spectrogram_is_that_of_every_channel(model: DiffusionVocoder) -> None:
    wave = torch.randn(2, 3, 40)
    mel = MelSpectrogram(SPECTROGRAM, sample_rate=8000)
    for channel in range(3):
        torch.testing.assert_close(model.spectrogram(wave)[:, channel], mel(wave[:, channel : channel + 1]))


def test_the_loss_is_the_v_objective_of_every_channel(model: DiffusionVocoder) -> None:
    wave, t, noise = torch.randn(2, 2, 37), torch.tensor([0.3, 0.8]), torch.randn(2, 2, 37)
    initial_estimate = model.initial_estimate(model.spectrogram(wave))[..., :37]

    def net(x_t: Tensor, t: Tensor, *, initial_estimate: Tensor) -> Tensor:
        v: Tensor = model.net(torch.cat([x_t, initial_estimate], dim=1), t)
        return v

    by_channel = [
        VObjective().loss(net, wave[:, [c]], t=t, noise=noise[:, [c]], initial_estimate=initial_estimate[:, [c]])
        for c in range(2)
    ]
    torch.testing.assert_close(model.loss(wave, t=t, noise=noise), (by_channel[0] + by_channel[1]) / 2)
    seeded = [model.loss(wave, generator=torch.Generator().manual_seed(seed)).item() for seed in (1, 1, 2)]
    assert seeded[0] == seeded[1] != seeded[2]


def test_every_weight_is_trained(model: DiffusionVocoder) -> None:
    model.loss(torch.randn(2, 2, 64)).backward()
    assert not [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]


@pytest.mark.parametrize("normalize", [None, "item"])
def test_an_item_does_not_depend_on_its_batch_mates(normalize: Any) -> None:
    model = DiffusionVocoder(replace(CONFIG, spectrogram=replace(SPECTROGRAM, mel_normalize=normalize))).eval()
    wave = torch.randn(3, 2, 30) * torch.tensor([1.0, 0.1, 5.0])[:, None, None]
    spectrogram = model.spectrogram(wave)
    for sampler in (None, DDIM(eta=0.7)):
        together = model.sample(spectrogram, num_steps=3, noise=NoiseSource(4, range(3)), sampler=sampler)
        for item in range(3):
            own = model.spectrogram(wave[item : item + 1])
            torch.testing.assert_close(own[0], spectrogram[item], rtol=0, atol=1e-5)
            alone = model.sample(own, num_steps=3, noise=NoiseSource(4, [item]), sampler=sampler)
            torch.testing.assert_close(alone[0], together[item], rtol=0, atol=1e-5)
    first, second = (model.sample(spectrogram, num_steps=3, noise=NoiseSource(seed, range(3))) for seed in (4, 5))
    assert not first.allclose(second)


def test_a_long_spectrogram_goes_in_windows(model: DiffusionVocoder) -> None:
    seen = shapes_seen(model)
    wave = model.sample(torch.randn(1, 2, 6, 100), num_steps=2, window=256)
    assert wave.shape == (1, 2, 800) and wave.isfinite().all()
    assert seen == {(1, 2, 224)}  # 800 samples in four windows of at most 256, no longer than four need


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"length": 81}, "length=81: 10 spectrogram frames hold 1 to 80 samples"),
        ({"noise": NoiseSource(0, [1, 2])}, "noise: 2 indices for a batch of 1; give one per batch member"),
        ({"noise": torch.zeros(1, 2, 79)}, r"noise: expected \[1, 2, 80\], got \[1, 2, 79\]"),
        ({"window": 0}, "window=0: must be a multiple of 32 samples, 8 times the net's factor"),
    ],
)
def test_wrong_arguments_are_named(model: DiffusionVocoder, values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        model.sample(torch.zeros(1, 2, 6, 10), **values)


def test_wrong_spectrograms_and_waves_are_named(model: DiffusionVocoder) -> None:
    for shape in ((1, 6, 10), (1, 2, 5, 10), (1, 2, 6, 0)):
        with pytest.raises(ValueError, match=r"spectrogram: expected \[batch, channels, mel_channels=6, frames of 1"):
            model.sample(torch.zeros(shape))
    with pytest.raises(ValueError, match=r"spectrogram: expected floating-point numbers, got torch\.int64"):
        model.sample(torch.zeros(1, 1, 6, 10, dtype=torch.int64))
    with pytest.raises(ValueError, match="spectrogram: 60 of 60 numbers are NaN or infinite"):
        model.sample(torch.full((1, 1, 6, 10), math.inf))
    for shape in ((2, 10), (1, 0, 10), (1, 2, 0)):
        for method in (model.loss, model.spectrogram):
            with pytest.raises(
                ValueError, match=r"wave: expected \[batch, channels of 1 or more, samples of 1 or more\]"
            ):
                method(torch.zeros(shape))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sample_rate": 0}, "sample_rate must be a whole number of 1 or more, not 0"),
        ({"spectrogram": SpectrogramConfig()}, "spectrogram.mel_channels must be a whole number of 1 or more, not 0"),
        ({"net": replace(NET, out_channels=2)}, "net must have in_channels=2 .* and out_channels=1, not in_channels=2"),
    ],
)
def test_config_errors_name_key_and_value(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"VocoderConfig: .*{message}"):
        replace(CONFIG, **values)


def test_config_survives_json() -> None:
    assert VocoderConfig.from_dict(json.loads(json.dumps(CONFIG.to_dict()))) == CONFIG
    with pytest.raises(ValueError, match="SpectrogramConfig: unknown key 'mel'"):
        VocoderConfig.from_dict({**CONFIG.to_dict(), "spectrogram": {"mel": 2}})
    with pytest.raises(ValueError, match=r"VocoderConfig: .*missing.*net"):
        VocoderConfig.from_dict({"spectrogram": SPECTROGRAM})


def test_bfloat16_and_copies(model: DiffusionVocoder) -> None:
    wave, t, noise = torch.randn(2, 2, 64), torch.tensor([0.3, 0.8]), torch.randn(2, 2, 64)
    expected = model.loss(wave, t=t, noise=noise)
    cast = copy.deepcopy(model).bfloat16()
    assert cast.loss(wave, t=t, noise=noise).item() == pytest.approx(expected.item(), rel=0.03)
    assert cast.sample(cast.spectrogram(wave), num_steps=2).dtype == torch.float32
    assert model.loss(wave, t=t, noise=noise).equal(expected)


def tones(batch: int, generator: torch.Generator) -> Tensor:
    """Tones of all pitches and unit variance."""
    cycles = 0.03 + 0.3 * torch.rand(batch, 1, 1, generator=generator)
    phase = 2 * math.pi * (cycles * torch.arange(128) + torch.rand(batch, 1, 1, generator=generator))
    return math.sqrt(2) * torch.sin(phase)


def test_it_learns_the_pitch_from_the_spectrogram() -> None:
    net = UNet1dConfig(
        in_channels=2,
        out_channels=1,
        levels=(Level(channels=16), Level(channels=32, factor=4), Level(channels=32, factor=4)),
        modulation_features=32,
        fourier_features=32,
        outer_skip=False,
    )
    spectrogram = SpectrogramConfig(n_fft=64, hop_length=16, mel_channels=16, log_floor=1e-2)
    model = DiffusionVocoder(VocoderConfig(sample_rate=8000, spectrogram=spectrogram, net=net))
    generator = torch.Generator().manual_seed(1)
    held_out, t = tones(16, generator), torch.linspace(0.02, 0.98, 16)
    noise = torch.randn(held_out.shape, generator=generator)

    @torch.no_grad()
    def examined(wave: Tensor) -> float:
        initial_estimate = model.initial_estimate(model.spectrogram(wave))
        return VObjective().loss(model.denoise, held_out, t=t, noise=noise, initial_estimate=initial_estimate).item()

    start = examined(held_out)
    optimizer = torch.optim.Adam(model.parameters(), lr=6e-3)
    for _ in range(150):
        loss = model.loss(tones(8, generator), generator=generator)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    # The variance is one, so the best that is linear in x_t, the answer 0, loses 1 at every t.
    end = examined(held_out)
    assert end < 0.75 < 0.9 < start
    assert examined(held_out.roll(1, dims=0)) > end + 0.1  # told another tone's spectrogram
