"""Small models of the authors' packages, for the tests of `mousai import` and `mousai export`."""

import types

import pytest
import torch
from torch import Tensor, nn

Authors = types.SimpleNamespace
State = dict[str, Tensor]


@pytest.fixture(scope="module")
def autoencoder(authors: Authors) -> nn.Module:
    d, e = authors.diffusion, authors.encoders
    torch.manual_seed(1)
    return d.DiffusionAE(
        net_t=d.LTPlugin(d.UNetV0, num_filters=8, window_length=4, stride=4),
        in_channels=2,
        channels=[16, 24],
        factors=[1, 8],
        items=[1, 1],
        inject_depth=1,
        modulation_features=16,
        encoder=e.ME1d(
            in_channels=2,
            channels=16,
            multipliers=[1, 1],
            factors=[4],
            num_blocks=[1],
            stft_num_fft=31,
            stft_hop_length=8,
            out_channels=4,
            bottleneck=e.TanhBottleneck(),
        ),
    )


@pytest.fixture(scope="module")
def generator(authors: Authors) -> nn.Module:
    torch.manual_seed(2)
    return authors.diffusion.DiffusionModel(
        net_t=authors.diffusion.UNetV0,
        in_channels=4,
        channels=[16, 24],
        factors=[1, 2],
        items=[1, 1],
        attentions=[0, 1],
        cross_attentions=[1, 1],
        attention_heads=2,
        attention_features=8,
        modulation_features=16,
        embedding_features=32,
        embedding_max_length=64,
        use_embedding_cfg=True,
    )


@pytest.fixture
def state(autoencoder: nn.Module) -> State:
    return {key: tensor.clone() for key, tensor in autoencoder.state_dict().items()}
