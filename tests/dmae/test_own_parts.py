"""An encoder and a representation of one's own: they are used, trained, saved, and refused where they do not fit."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from dmae import DMAE, DecodingConfig, DMAEConfig
from unet1d import Level, UNet1dConfig

Make = Callable[[DMAEConfig], DMAE]


class Strided(nn.Module):
    """Encoder of the waveform: one strided convolution, whose frames depend on nothing outside them."""

    receptive_field = 0

    def __init__(self, latent_channels: int = 4, hop_length: int = 32) -> None:
        super().__init__()
        self.conv = nn.Conv1d(2, latent_channels, kernel_size=hop_length, stride=hop_length)

    def forward(self, features: Tensor) -> Tensor:
        latent: Tensor = self.conv(features)
        return latent


class Haar(nn.Module):
    """Representation with sums and differences of neighbouring samples, which the net sees at half the scale."""

    def analyse(self, wave: Tensor) -> Tensor:
        pairs = wave.unflatten(-1, (-1, 2))
        even, odd = pairs.unbind(-1)
        return torch.cat([even + odd, even - odd], dim=1) / 2**0.5

    def synthesise(self, x: Tensor, length: int) -> Tensor:
        total, difference = x.chunk(2, dim=1)
        pairs = torch.stack([total + difference, total - difference], dim=-1) / 2**0.5
        return pairs.flatten(-2)[..., :length]

    def to_net(self, x_t: Tensor) -> Tensor:
        return x_t / 2

    def from_net(self, v: Tensor, length: int) -> Tensor:
        return 2 * v[..., :length]


@pytest.fixture
def own_encoder(patches: DMAEConfig) -> DMAEConfig:
    return replace(patches, spectrogram=None, encoder=None)


@pytest.fixture
def own_transform(patches: DMAEConfig) -> DMAEConfig:
    net = UNet1dConfig(
        in_channels=4,
        levels=(Level(channels=8, factor=4), Level(channels=8, factor=4, inject_channels=4)),
        modulation_features=8,
        fourier_features=8,
        groups=2,
    )
    return replace(patches, transform="own", transform_size=2, transform_filters=4, decoder=net, latent_depth=1)


def test_an_encoder_of_ones_own_reads_the_padded_waveform(own_encoder: DMAEConfig) -> None:
    assert own_encoder.hop_length == 32  # from the decoder
    encoder = Strided()
    model, wave = DMAE(own_encoder, encoder=encoder).eval(), torch.randn(2, 2, 1000)
    latent = model.encode(wave)
    assert latent.equal(encoder(model.pad(wave)).tanh()) and latent.shape == (2, 4, 32)
    torch.testing.assert_close(model.encode(wave, piece_frames=5), latent)
    assert model.reconstruct(wave, DecodingConfig(num_steps=1)).shape == wave.shape


def test_it_is_trained_and_saved_with_the_model(own_encoder: DMAEConfig) -> None:
    model = DMAE(own_encoder, encoder=Strided())
    model.loss(torch.randn(2, 2, 128)).backward()
    assert model.get_parameter("encoder.conv.weight").grad is not None
    again = DMAE(DMAEConfig.from_dict(own_encoder.to_dict()), encoder=Strided())
    again.load_state_dict(model.state_dict())
    wave = torch.randn(1, 2, 100)
    assert again.encode(wave).equal(model.encode(wave))


def test_an_encoder_without_a_receptive_field_sees_the_whole(own_encoder: DMAEConfig) -> None:
    seen: list[int] = []

    class Watched(Strided):
        receptive_field = None  # type: ignore[assignment]

        def forward(self, features: Tensor) -> Tensor:
            seen.append(features.shape[-1])
            return super().forward(features)

    DMAE(own_encoder, encoder=Watched()).encode(torch.zeros(1, 2, 640), piece_frames=3)
    assert seen == [640]


def test_an_own_encoder_can_read_a_spectrogram_beside_a_prior(bands: DMAEConfig) -> None:
    class Mean(nn.Module):
        def forward(self, features: Tensor) -> Tensor:
            frames = features.unflatten(-1, (-1, 4)).mean(-1)
            return frames[:, :6] / 10

    config = replace(bands, encoder=None)
    assert config.hop_length == bands.hop_length
    losses = DMAE(config, encoder=Mean()).losses(torch.randn(1, 2, 128))
    assert losses.magnitude is not None and losses.total().isfinite()


def test_a_representation_of_ones_own_is_diffused(own_transform: DMAEConfig, make: Make) -> None:
    model = DMAE(own_transform, transform=Haar()).eval()
    wave = torch.randn(2, 2, 64)
    torch.testing.assert_close(model.transform.synthesise(model.transform.analyse(wave), 64), wave)
    seen: list[tuple[int, ...]] = []

    def known(x_t: Tensor, t: Tensor, *, latent: Tensor) -> Tensor:
        seen.append(tuple(x_t.shape))
        alpha, sigma = torch.cos(t * torch.pi / 2)[:, None, None], torch.sin(t * torch.pi / 2)[:, None, None]
        clean = model.transform.analyse(wave)
        return (alpha * x_t - clean) / sigma.clamp_min(1e-6)

    model.denoise = known  # type: ignore[method-assign, assignment]
    got = model.decode(model.encode(wave), DecodingConfig(num_steps=4))
    assert set(seen) == {(2, 4, 32)}
    torch.testing.assert_close(got, wave, rtol=1e-4, atol=1e-4)


def test_the_net_sees_it_through_to_net_and_from_net(own_transform: DMAEConfig) -> None:
    model = DMAE(own_transform, transform=Haar()).eval()
    x, t, latent = torch.randn(1, 4, 32), torch.tensor([0.4]), torch.randn(1, 4, 2).tanh()
    expected = 2 * model.decoder(x / 2, t, inject={1: latent})
    torch.testing.assert_close(model.denoise(x, t, latent=latent), expected)


def test_a_part_that_is_missing_or_not_wanted_is_named(
    patches: DMAEConfig, own_encoder: DMAEConfig, own_transform: DMAEConfig
) -> None:
    with pytest.raises(ValueError, match=r"encoder: config\.encoder is None; give DMAE\(config, encoder=\.\.\.\)"):
        DMAE(own_encoder)
    with pytest.raises(ValueError, match=r"encoder: config\.encoder describes one already; set it to None"):
        DMAE(patches, encoder=Strided())
    with pytest.raises(ValueError, match=r"transform: config\.transform is 'own'; give DMAE\(config, transform="):
        DMAE(own_transform)
    with pytest.raises(
        ValueError, match=r"transform: config\.transform='patches' describes one already; set it to 'ow"
    ):
        DMAE(patches, transform=Haar())


def test_an_encoder_that_gives_another_shape_is_named(own_encoder: DMAEConfig) -> None:
    model = DMAE(own_encoder, encoder=Strided(latent_channels=5))
    for method in (model.encode, model.loss):
        with pytest.raises(ValueError, match=r"encoder: gave a latent of shape \[1, 5, 4\].*; expected \[1, 4, 4\]"):
            method(torch.zeros(1, 2, 100))
