"""The authors' classes with the same weights give the same numbers, in float32, to rounding.

Their weights are copied over by the key maps below: ours -> theirs, and how the tensor is laid out.
"""

import types
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from einops import rearrange
from torch import Tensor, nn

from dmae import (
    DMAE,
    DecodingConfig,
    DiffusionUpsampler,
    DiffusionVocoder,
    DMAEConfig,
    EncoderConfig,
    SpectrogramConfig,
    UpsamplerConfig,
    VocoderConfig,
)
from unet1d import Level, UNet1dConfig

Keys = Iterator[tuple[str, str, str]]
AS_IT_IS = "... -> ..."


def both(ours: str, theirs: str, layout: str = AS_IT_IS) -> Keys:
    """A weight, laid out anew, and its bias."""
    yield f"{ours}.weight", f"{theirs}.weight", layout
    yield f"{ours}.bias", f"{theirs}.bias", AS_IT_IS


def copy_weights(keys: Keys, theirs: nn.Module, ours: nn.Module, *, ignored: tuple[str, ...] = ()) -> None:
    """Random weights for theirs and the same for ours; every key of either has to be in `keys` or in `ignored`."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    given = theirs.state_dict()
    made, used = {}, set(ignored)
    for here, there, layout in keys:
        made[here] = given[there] if layout == AS_IT_IS else rearrange(given[there], layout)
        used.add(there)
    assert not given.keys() - used
    ours.load_state_dict(made)


def encoder_keys(config: DMAEConfig) -> Keys:
    """Ours, of an `encoder`, -> theirs, of an `Encoder1d`."""
    encoder = config.encoder

    def residual(ours: str, theirs: str) -> Keys:
        for half in (1, 2):
            yield from both(f"{ours}.norm{half}", f"{theirs}.block{half}.groupnorm")
            yield from both(f"{ours}.conv{half}", f"{theirs}.block{half}.project", "o i k -> o k i")

    yield from residual("to_in", "to_in.block")
    if config.spectrogram_channels != encoder.widths[0] // encoder.patch_size:
        yield from both("to_in.adapt", "to_in.block.to_out", "o i 1 -> o i")
    for stage, blocks in enumerate(encoder.blocks):
        yield from both(f"stages.{stage}.0", f"downsamples.{stage}.downsample", "o i k -> o k i")
        for block in range(blocks):
            yield from residual(f"stages.{stage}.{block + 1}", f"downsamples.{stage}.blocks.{block}")
    if encoder.project:
        yield from both("to_out", "to_out", "o i 1 -> o i")


def unet_keys(config: UNet1dConfig) -> Keys:
    """Ours, of a `UNet1d` without attention, -> theirs, of a `UNetV0`."""
    yield "embedding.frequencies", "blocks.0.weights", AS_IT_IS
    yield from both("embedding.project", "blocks.0.to_out")
    yield from both("embedding.mix", "blocks.1.blocks.0.0")
    outer = "blocks.2.net."
    for depth, level in enumerate(config.levels):
        ours, theirs = f"levels.{depth}.", f"{outer}block.blocks."
        yield from both(f"{ours}down.project", f"{theirs}0.block", "o i f -> o (f i)")
        before = config.levels[depth - 1].channels if depth else config.in_channels
        after = before if depth else config.out_channels or config.in_channels
        if before != after:
            yield from both(f"{ours}skip.adapt", f"{outer}skip_adapter.block", "o i 1 -> o i")
        yield from both(f"{ours}skip.to_scale", f"{outer}skip.blocks.0.1")
        place = 1
        for items in ("down_blocks", "up_blocks"):
            for index in range(level.num_blocks):
                item = f"{ours}{items}.{index}."
                for half in (1, 2):
                    block = f"{theirs}{place}.block.blocks.0.blocks.{half - 1}"
                    yield from both(f"{item}residual.norm{half}", f"{block}.0")
                    yield from both(f"{item}residual.conv{half}", f"{block}.2", "o i k -> o k i")
                yield from both(f"{item}modulation.to_scale_shift", f"{theirs}{place + 1}.blocks.0.block.blocks.0.1")
                place += 2
                if level.inject_channels:
                    yield from both(f"{item}injection.merge", f"{theirs}{place}.block.blocks.0", "o i 1 -> o i")
                    place += 1
            if items == "down_blocks" and depth < len(config.levels) - 1:
                outer = f"{theirs}{place}."
                place += 1
        yield from both(f"{ours}up.conv", f"{theirs}{place}.block.1", "o i k -> o k i")


def under(prefix_here: str, prefix_there: str, keys: Keys) -> Keys:
    for here, there, layout in keys:
        yield prefix_here + here, prefix_there + there, layout


# One module of theirs stands twice in a list.
TWICE = ("blocks.1.blocks.1.0.weight", "blocks.1.blocks.1.0.bias")


def settings_of(net: UNet1dConfig) -> dict[str, Any]:
    """A U-Net's settings in their words."""
    return {
        "channels": [level.channels for level in net.levels],
        "factors": [level.factor for level in net.levels],
        "items": [level.num_blocks for level in net.levels],
        "modulation_features": net.modulation_features,
        "resnet_groups": net.groups,
    }


def assert_parity(ours: Tensor, theirs: Tensor, limit: float) -> None:
    assert ours.shape == theirs.shape
    error = ((ours - theirs).abs().max() / theirs.abs().max()).item()
    assert error <= limit, error


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


# ---- upsampler and vocoder

BESIDE = UNet1dConfig(
    in_channels=4,
    out_channels=2,
    levels=(Level(channels=8), Level(channels=16, factor=4, num_blocks=2), Level(channels=16, factor=2)),
    modulation_features=16,
)


def test_the_upsampler(authors: types.SimpleNamespace) -> None:
    theirs = authors.diffusion.DiffusionUpsampler(
        net_t=authors.diffusion.UNetV0, in_channels=2, upsample_factor=6, **settings_of(BESIDE)
    ).eval()
    ours = DiffusionUpsampler(UpsamplerConfig(sample_rate=48000, factor=6, net=BESIDE)).eval()
    copy_weights(
        under("", "blocks.0.", unet_keys(BESIDE)), theirs.net, ours.net, ignored=tuple(f"blocks.0.{k}" for k in TWICE)
    )
    wave, low = torch.randn(3, 2, 6 * 32), torch.randn(3, 2, 32)
    with torch.no_grad():
        torch.manual_seed(5)
        expected = theirs(wave)
        torch.manual_seed(5)
        t, noise = torch.rand(3), torch.randn(wave.shape)
        assert_parity(ours.loss(wave, t=t, noise=noise), expected, 1e-5)
        upsampled = theirs.sample(low, generator=torch.Generator().manual_seed(6), num_steps=20)
        noise = torch.randn(wave.shape, generator=torch.Generator().manual_seed(6))
        assert_parity(ours.sample(low, noise=noise, num_steps=20), upsampled, 1e-4)


@pytest.mark.parametrize("spectrogram", [{}, {"win_length": 24, "log_floor": 1e-5}, {"mel_normalize": "batch"}])
def test_the_vocoder(authors: types.SimpleNamespace, spectrogram: Mapping[str, Any]) -> None:
    mel = SpectrogramConfig(n_fft=32, hop_length=8, mel_channels=6, **spectrogram)
    net = replace(BESIDE, in_channels=2, out_channels=1)
    theirs = authors.diffusion.DiffusionVocoder(
        net_t=authors.diffusion.UNetV0,
        mel_channels=6,
        mel_n_fft=32,
        mel_hop_length=8,
        mel_win_length=mel.window_length,
        mel_sample_rate=16000,
        mel_normalize=mel.mel_normalize is not None,
        mel_normalize_log=mel.log_floor is not None,
        **settings_of(net),
    ).eval()
    ours = DiffusionVocoder(VocoderConfig(sample_rate=16000, spectrogram=mel, net=net)).eval()
    copy_weights(
        under("", "blocks.0.", unet_keys(net)), theirs.net, ours.net, ignored=tuple(f"blocks.0.{k}" for k in TWICE)
    )
    ours.flatten.project.load_state_dict({"weight": rearrange(theirs.to_flat.weight, "m 1 w -> w m")})
    wave = torch.randn(3, 2, 8 * 24)
    t, noise = torch.rand(3), torch.randn(wave.shape)
    # They draw a time for every channel, we for every item.
    theirs.diffusion.sigma_distribution = lambda num_samples, device: t.repeat_interleave(2)
    with torch.no_grad():
        torch.manual_seed(5)
        expected = theirs(wave)
        torch.manual_seed(5)
        noise = torch.randn(6, 1, wave.shape[-1]).view(wave.shape)
        assert_parity(ours.loss(wave, t=t, noise=noise), expected, 1e-5)
        heard = ours.spectrogram(wave)
        assert_parity(heard, theirs.to_spectrogram(wave), 1e-5)
        made = theirs.sample(heard, generator=torch.Generator().manual_seed(6), num_steps=20)
        noise = torch.randn(6, 1, wave.shape[-1], generator=torch.Generator().manual_seed(6)).view(wave.shape)
        assert_parity(ours.sample(heard, noise=noise, num_steps=20), made, 1e-4)
