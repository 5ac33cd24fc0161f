"""Configs of stage 2: the paper's size and the tiny one, and what is refused."""

import dataclasses

import pytest
import torch

from mousai.diffusion.config import LatentDiffusionConfig
from mousai.diffusion.latent_diffusion import LatentDiffusion
from unet1d import Level, UNet1dConfig


def test_the_papers_size():
    with torch.device("meta"):
        model = LatentDiffusion(LatentDiffusionConfig.paper())
    count = sum(parameter.numel() for parameter in model.parameters())
    assert round(count / 1e6, 1) == 857.7
    net = LatentDiffusionConfig.paper().net
    assert (net.in_channels, net.context_features, net.factor) == (32, 768, 32)


def test_the_tiny_size_fits_its_autoencoder():
    from dmae import DMAEConfig

    config = LatentDiffusionConfig.tiny(latent_std=0.4)
    assert config.net.in_channels == DMAEConfig.tiny().latent_channels
    assert config.latent_std == 0.4


@pytest.mark.parametrize("make", [LatentDiffusionConfig.paper, LatentDiffusionConfig.tiny])
def test_configs_come_back(make):
    import json

    config = make()
    assert LatentDiffusionConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_a_frame_rate_that_no_model_has(config: LatentDiffusionConfig):
    with pytest.raises(ValueError, match="frame_rate must be 1e6 or less"):
        dataclasses.replace(config, frame_rate=1e6 + 1)


def test_wrong_configs_are_named(config: LatentDiffusionConfig):
    values = config.to_dict()
    with pytest.raises(ValueError, match="unknown key 'latent_sdt'; did you mean 'latent_std'"):
        LatentDiffusionConfig.from_dict({**values, "latent_sdt": 1.0})
    with pytest.raises(ValueError, match="known keys"):
        LatentDiffusionConfig.from_dict({**values, "zzz": 1.0})
    with pytest.raises(ValueError, match="'net' is missing"):
        LatentDiffusionConfig.from_dict({"latent_std": 1.0})
    with pytest.raises(ValueError, match="unknown key 'channel'"):
        LatentDiffusionConfig.from_dict({**values, "net": {**values["net"], "channel": 1}})
    for latent_std in (0.0, -1.0, float("nan"), float("inf"), "1", True, None):
        with pytest.raises(ValueError, match="latent_std must be a number above 0"):
            dataclasses.replace(config, latent_std=latent_std)
    for latent_std in (9e-7, 1.1e6, 1e300):
        with pytest.raises(ValueError, match="latent_std must be 1e-6 to 1e6"):
            dataclasses.replace(config, latent_std=latent_std)
    for frame_rate in (-1.0, float("nan"), float("inf"), "1", True, None):
        with pytest.raises(ValueError, match="frame_rate must be a number, 0 or more"):
            dataclasses.replace(config, frame_rate=frame_rate)
    with pytest.raises(ValueError, match=r"max_tokens times net\.context_features are more than 2\*\*24 numbers"):
        dataclasses.replace(config, max_tokens=2**24 // config.net.context_features + 1)
    with pytest.raises(ValueError, match=r"guidance_inputs needs net\.global_features, by which they come in"):
        dataclasses.replace(config, guidance_inputs=True)
    with pytest.raises(ValueError, match=r"frame_rate 10 the net's inject_channels by depth must be \{0: 78\}, not"):
        dataclasses.replace(config, frame_rate=10.0)
    tiny = LatentDiffusionConfig.tiny()
    with pytest.raises(ValueError, match=r"net\.global_features must be 0 or 188 .*, not 7"):
        dataclasses.replace(tiny, net=dataclasses.replace(tiny.net, global_features=7))
    for max_tokens in (-1, 1.5, True):
        with pytest.raises(ValueError, match="max_tokens must be 0 or more"):
            dataclasses.replace(config, max_tokens=max_tokens)
    with pytest.raises(ValueError, match=r"max_tokens=64 but net\.context_features is 0"):
        LatentDiffusionConfig(net=UNet1dConfig(in_channels=8, levels=(Level(channels=8),)))
    with pytest.raises(ValueError, match="attend_to_padding must be True or False, not 1"):
        dataclasses.replace(config, attend_to_padding=1)
    for net in (5, None, []):
        with pytest.raises(ValueError, match="UNet1dConfig"):
            LatentDiffusionConfig.from_dict({"net": net})
