"""Configs check themselves, say what is wrong, and survive JSON."""

import json
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest
import torch

from dmae import DMAE, DecodingConfig, DMAEConfig, EncoderConfig, PriorConfig, SpectrogramConfig
from dmae.representation import Patches
from unet1d import Level, UNet1dConfig


def test_the_paper_has_185_million_parameters() -> None:
    with torch.device("meta"):
        model = DMAE(DMAEConfig.paper())
    assert sum(parameter.numel() for parameter in model.parameters()) == 185_107_872


def test_the_paper_in_numbers() -> None:
    paper = DMAEConfig.paper()
    assert (paper.hop_length, paper.latent_channels, paper.net_channels) == (1024, 32, 256)
    assert paper.latent_rate == 46.875 and paper.spectrogram.n_bins == 512
    assert paper.prior is None and paper.transform == "patches"


@pytest.mark.parametrize("preset", [DMAEConfig.paper, DMAEConfig.tiny])
def test_both_presets_are_48_khz_stereo_64_times_compressed(preset: Any) -> None:
    config = preset()
    assert (config.sample_rate, config.audio_channels, config.compression) == (48_000, 2, 64)
    assert config.latent_rate * config.hop_length == config.sample_rate


def test_derived_numbers_of_a_band_model(bands: DMAEConfig) -> None:
    assert (bands.hop_length, bands.diffused_channels, bands.n_bands, bands.band_channels) == (32, 32, 12, 24)
    assert bands.latent_rate == 250 and bands.compression == 2 * 32 / 6


@pytest.mark.parametrize("preset", [DMAEConfig.paper, DMAEConfig.tiny])
def test_json_round_trip_of_presets(preset: Any) -> None:
    assert DMAEConfig.from_dict(json.loads(json.dumps(preset().to_dict()))) == preset()


def test_json_round_trip(config: DMAEConfig) -> None:
    back = DMAEConfig.from_dict(json.loads(json.dumps(config.to_dict())))
    assert back == config and back.encoder.factors == config.encoder.factors
    assert hash(back) == hash(config)


def test_a_config_that_was_written_before_there_were_mel_encoders_is_read(bands: DMAEConfig) -> None:
    old = json.loads(json.dumps(bands.to_dict()))
    newer = {
        None: ["latent_bound"],
        "spectrogram": ["win_length", "log_floor", "mel_channels", "mel_sample_rate", "mel_normalize"],
        "encoder": ["multipliers", "patch_size", "project"],
    }
    for part, keys in newer.items():
        for key in keys:
            del (old[part] if part else old)[key]
    assert DMAEConfig.from_dict(old) == bands


def test_configs_are_frozen_and_keyword_only(config: DMAEConfig) -> None:
    with pytest.raises(FrozenInstanceError):
        config.sample_rate = 1  # type: ignore[misc]
    with pytest.raises(TypeError):
        SpectrogramConfig(1023)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("part", "values", "message"),
    [
        (SpectrogramConfig, {"n_fft": 3}, "n_fft must be a whole number of 4 or more, not 3"),
        (SpectrogramConfig, {"hop_length": 0}, "hop_length must be a whole number of 1 or more, not 0"),
        (SpectrogramConfig, {"hop_length": 2.0}, "hop_length must be a whole number of 1 or more, not 2.0"),
        (SpectrogramConfig, {"bands": True}, "bands must be a whole number of 0 or more, not True"),
        (SpectrogramConfig, {"side_bands": -1}, "side_bands must be a whole number of 0 or more, not -1"),
        (SpectrogramConfig, {"n_fft": 16, "hop_length": 17}, "hop_length=17 skips samples; at most n_fft=16"),
        (SpectrogramConfig, {"side_bands": 4}, "side_bands=4 needs bands, which is 0"),
        (SpectrogramConfig, {"n_fft": 16, "hop_length": 4, "bands": 10}, "must not exceed the 9 bins"),
        (SpectrogramConfig, {"floor": 0.0}, "floor must be a number above 0, not 0.0"),
        (SpectrogramConfig, {"floor": float("nan")}, "floor must be a number above 0, not nan"),
        (SpectrogramConfig, {"floor": "low"}, "floor must be a number above 0, not 'low'"),
        (SpectrogramConfig, {"win_length": 0}, "win_length must be a whole number of 1 or more, not 0"),
        (SpectrogramConfig, {"win_length": 200}, "win_length=200 must lie between hop_length=256.* and n_fft=1023"),
        (SpectrogramConfig, {"win_length": 1024}, "win_length=1024 must lie between hop_length=256.* and n_fft=1023"),
        (SpectrogramConfig, {"log_floor": 0.0}, "log_floor must be a number above 0, not 0.0"),
        (SpectrogramConfig, {"log_floor": True}, "log_floor must be a number above 0, not True"),
        (SpectrogramConfig, {"bands": 5, "log_floor": 1e-5}, "log_floor=1e-05 and bands=5; give one of the two"),
        (SpectrogramConfig, {"bands": 5, "win_length": 512}, "win_length=512 and bands=5; give one of the two"),
        (SpectrogramConfig, {"bands": 5, "mel_channels": 80}, "mel_channels=80 and bands=5; give one of the two"),
        (SpectrogramConfig, {"mel_channels": -1}, "mel_channels must be a whole number of 0 or more, not -1"),
        (SpectrogramConfig, {"mel_channels": 80}, "n_fft=1023 and hop_length=256 must both be even or both be odd"),
        (SpectrogramConfig, {"n_fft": 16, "hop_length": 8, "mel_channels": 10}, "must not exceed the 9 bins"),
        (SpectrogramConfig, {"mel_sample_rate": 8000}, "mel_sample_rate=8000 needs mel_channels, which is 0"),
        (SpectrogramConfig, {"mel_normalize": "item"}, "mel_normalize='item' needs mel_channels, which is 0"),
        (SpectrogramConfig, {"mel_normalize": True}, "mel_normalize must be 'item', 'batch' or None, not True"),
        (EncoderConfig, {"width": 0}, "width must be a whole number of 1 or more, not 0"),
        (EncoderConfig, {"groups": -8}, "groups must be a whole number of 1 or more, not -8"),
        (EncoderConfig, {"factors": ()}, r"factors must be a list of whole numbers, not \(\)"),
        (EncoderConfig, {"factors": 2}, "factors must be a list of whole numbers, not 2"),
        (EncoderConfig, {"factors": (2, 0)}, "factors must be a whole number of 1 or more, not 0"),
        (EncoderConfig, {"blocks": (4, "8")}, "blocks must be a whole number of 1 or more, not '8'"),
        (EncoderConfig, {"factors": (2,)}, "1 factors and 2 blocks; give as many of both"),
        (EncoderConfig, {"width": 100}, "width=100 is not a multiple of groups=8"),
        (EncoderConfig, {"multipliers": (1, 2)}, "2 multipliers beside 2 factors; give one more"),
        (EncoderConfig, {"multipliers": ()}, r"multipliers must be a list of whole numbers, not \(\)"),
        (EncoderConfig, {"multipliers": (1, 0, 1)}, "multipliers must be a whole number of 1 or more, not 0"),
        (
            EncoderConfig,
            {"width": 4, "multipliers": (1, 2, 3)},
            "stage 1 has 12 channels, .* not a multiple of groups=8",
        ),
        (EncoderConfig, {"patch_size": 3}, "patch_size=3 must divide the input block's 512 channels"),
        (EncoderConfig, {"project": 1}, "project must be True or False, not 1"),
        (PriorConfig, {"width": 0}, "width must be a whole number of 1 or more, not 0"),
        (PriorConfig, {"blocks": None}, "blocks must be a whole number of 1 or more, not None"),
    ],
)
def test_a_parts_errors_name_key_and_value(part: Any, values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"{part.__name__}: .*{message}"):
        part(**values)


BANDS = SpectrogramConfig(n_fft=32, hop_length=8, bands=8, side_bands=4)
PLAIN = SpectrogramConfig(n_fft=32, hop_length=8)
ONE_STAGE = EncoderConfig(width=8, factors=(4,), blocks=(1,))


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        ("patches", {"sample_rate": 0}, "sample_rate must be a whole number of 1 or more, not 0"),
        ("patches", {"audio_channels": 0}, "audio_channels must be a whole number of 1 or more, not 0"),
        ("patches", {"latent_channels": 1.5}, "latent_channels must be a whole number of 1 or more, not 1.5"),
        ("patches", {"transform_size": "8"}, "transform_size must be a whole number of 1 or more, not '8'"),
        ("patches", {"transform_window": 8.0}, "transform_window must be a whole number of 1 or more, not 8.0"),
        ("patches", {"transform_window": 6}, "transform_window=6 must be transform_size=8 or an even number more"),
        ("patches", {"transform_window": 11}, "transform_window=11 must be transform_size=8 or an even number more"),
        ("bands", {"transform_window": 20}, "transform_window=20 belongs to transform='patches', not 'mdct'"),
        ("patches", {"transform_filters": 0}, "transform_filters must be a whole number of 1 or more, not 0"),
        ("patches", {"latent_depth": -1}, "latent_depth must be a whole number of 0 or more, not -1"),
        ("patches", {"transform": "dct"}, "transform must be 'patches', 'mdct', 'waveform' or 'own', not 'dct'"),
        (
            "patches",
            {"transform": "mdct", "transform_size": 7},
            "transform_size=7 must be even for the MDCT, such as 8",
        ),
        ("patches", {"spectrogram": replace(PLAIN, bands=8)}, "side_bands belong to bands and two audio_channels"),
        ("bands", {"audio_channels": 1}, "side_bands belong to bands and two audio_channels"),
        ("bands", {"audio_channels": 3}, "audio_channels must be 1 or 2"),
        (
            "patches",
            {"spectrogram": BANDS},
            r"one stage; give one factor, such as \(4,\), not \(2, 2\)",
        ),
        ("patches", {"prior": PriorConfig()}, "a prior needs spectrogram.bands and transform='mdct'"),
        ("bands", {"transform": "patches"}, "a prior needs spectrogram.bands and transform='mdct'"),
        ("bands", {"transform_size": 32}, "transform_size must be n_fft / 2 = 16 .* not 32"),
        ("bands", {"spectrogram": replace(BANDS, n_fft=33)}, "transform_size must be n_fft / 2 = 16.5 .* not 16"),
        ("bands", {"spectrogram": replace(BANDS, hop_length=12)}, "a multiple of hop_length=12, not 16"),
        ("patches", {"transform_filters": 20}, "the transform gives 20 channels; the decoder has in_channels=16"),
        ("bands", {"latent_depth": 0}, "latent_depth must be above 0 beside a prior"),
        (
            "patches",
            {"latent_depth": 1},
            r"must inject \{1: 4\} .*, not \{2: 4\}; set levels\[1\].inject_channels=4, ",
        ),
        ("patches", {"latent_depth": 3}, "latent_depth=3 must be 0 to 2, the depths of the decoder's 3 levels"),
        ("patches", {"latent_channels": 5}, r"must inject \{2: 5\} \(depth: channels\), not \{2: 4\}"),
        ("mel", {"transform_size": 8}, "transform_size=8 must be 1 where transform is 'waveform'"),
        ("mel", {"latent_bound": "clip"}, "latent_bound must be 'tanh' or None, not 'clip'"),
        ("bands", {"latent_bound": None}, "a prior undoes the tanh; latent_bound must be 'tanh' beside it, not None"),
        ("bands", {"encoder": replace(ONE_STAGE, multipliers=(1, 1))}, "the band encoder has no multipliers"),
        ("bands", {"encoder": replace(ONE_STAGE, project=False)}, "the band encoder has no .* project=False"),
        ("mel", {"encoder": replace(ONE_STAGE, project=False)}, "the 8 channels of the last stage are the latent; lat"),
        (
            "mel",
            {"encoder": replace(ONE_STAGE, patch_size=8)},
            "patch_size=8, hence 8 groups, which must divide its 12",
        ),
        (
            "patches",
            {"transform_size": 16},
            "one latent frame is 32 samples, .* at depth 2 is 64; .* encoder.factors whose product is 8 or levels",
        ),
        ("patches", {"spectrogram": None}, "encoder=EncoderConfig.* reads a spectrogram, which is None; give a Spec"),
    ],
)
def test_the_whole_configs_errors_name_what_does_not_fit(
    kind: str, values: dict[str, Any], message: str, patches: DMAEConfig, bands: DMAEConfig, mel: DMAEConfig
) -> None:
    with pytest.raises(ValueError, match=f"DMAEConfig: .*{message}"):
        replace({"patches": patches, "bands": bands, "mel": mel}[kind], **values)


def test_a_decoder_with_other_outputs_is_an_error(patches: DMAEConfig) -> None:
    assert replace(patches, decoder=replace(patches.decoder, out_channels=16)).decoder.out_channels == 16
    with pytest.raises(ValueError, match="gives 16 channels; the decoder has in_channels=16, out_channels=8"):
        replace(patches, decoder=replace(patches.decoder, out_channels=8))


@pytest.mark.parametrize(
    ("path", "key", "message"),
    [
        ((), "sampel_rate", "DMAEConfig: unknown key 'sampel_rate'; did you mean 'sample_rate'"),
        ((), "zzz", "DMAEConfig: unknown key 'zzz'; known keys: sample_rate, .*latent_depth"),
        (("spectrogram",), "nfft", "SpectrogramConfig: unknown key 'nfft'; did you mean 'n_fft'"),
        (("encoder",), "widht", "EncoderConfig: unknown key 'widht'; did you mean 'width'"),
        (("prior",), "block", "PriorConfig: unknown key 'block'; did you mean 'blocks'"),
        (("decoder",), "group", "UNet1dConfig: unknown key 'group'; did you mean 'groups'"),
        (("decoder", "levels", 1), "factors", "Level: unknown key 'factors'; did you mean 'factor'"),
    ],
)
def test_an_unknown_key_is_named_wherever_it_stands(
    bands: DMAEConfig, path: tuple[Any, ...], key: str, message: str
) -> None:
    values = json.loads(json.dumps(bands.to_dict()))
    part = values
    for step in path:
        part = part[step]
    part[key] = 1
    with pytest.raises(ValueError, match=message):
        DMAEConfig.from_dict(values)


@pytest.mark.parametrize("key", ["spectrogram", "encoder", "decoder"])
def test_a_missing_or_wrong_part_is_named(bands: DMAEConfig, key: str) -> None:
    values = bands.to_dict()
    with pytest.raises(ValueError, match=f"DMAEConfig: {key} must be a mapping of its fields, not 3"):
        DMAEConfig.from_dict({**values, key: 3})
    del values[key]
    with pytest.raises(ValueError, match=f"DMAEConfig: .*missing.*{key}"):
        DMAEConfig.from_dict(values)


def test_what_is_no_mapping_is_an_error(bands: DMAEConfig) -> None:
    with pytest.raises(ValueError, match=r"DMAEConfig: expected a mapping of its fields, not \[\]"):
        DMAEConfig.from_dict([])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="prior must be a mapping of its fields, not 'magnitude'"):
        DMAEConfig.from_dict({**bands.to_dict(), "prior": "magnitude"})
    assert DMAEConfig.from_dict({**bands.to_dict(), "encoder": bands.encoder}) == bands


def test_patches_that_overlap(patches: DMAEConfig) -> None:
    values = patches.to_dict()
    del values["transform_window"]  # as in configs from before
    assert DMAEConfig.from_dict(values) == patches
    model = DMAE(replace(patches, transform_window=14))
    assert DMAEConfig.from_dict(json.loads(json.dumps(model.config.to_dict()))) == model.config
    for samples in (1, 33, 100):
        latent = model.encode(torch.randn(1, 2, samples))
        assert model.decode(latent, DecodingConfig(num_steps=2), length=samples).shape == (1, 2, samples)
    model.loss(torch.randn(2, 2, 100)).backward()
    assert isinstance(model.transform, Patches)
    for linear in (model.transform.encode, model.transform.decode):
        assert linear.weight.grad is not None and linear.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("mono", [False, True])
def test_other_combinations_build_and_run(mono: bool) -> None:
    # Bands and the MDCT without a prior; one channel has no side.
    channels = 1 if mono else 2
    config = DMAEConfig(
        audio_channels=channels,
        latent_channels=3,
        spectrogram=SpectrogramConfig(n_fft=16, hop_length=4, bands=5, side_bands=0 if mono else 3),
        encoder=EncoderConfig(width=8, factors=(4,), blocks=(1,)),
        transform="mdct",
        transform_size=8,
        decoder=UNet1dConfig(
            in_channels=8 * channels,
            levels=(Level(channels=8), Level(channels=8, factor=2, inject_channels=3)),
            modulation_features=8,
            fourier_features=8,
        ),
        latent_depth=1,
    )
    model = DMAE(config)
    wave = torch.randn(2, channels, 37)
    latent = model.encode(wave)
    assert latent.shape == (2, 3, 3)
    assert model.decode(latent, DecodingConfig(num_steps=1), length=37).shape == wave.shape
    losses = model.losses(wave)
    assert losses.magnitude is None and losses.likelihood is None and losses.total().isfinite()
