"""Compiling the two nets: who is asked, what is needed, and that the net stays the net."""

from pathlib import Path

import pytest
import torch

from mousai.codec import compile_net
from mousai.pipeline import Mousai
from tests.mousai.refusing import refused
from unet1d import Level, UNet1d, UNet1dConfig


def test_compiling_is_asked_of_both_nets_and_leaves_their_weights_names(
    saved_model: Path, monkeypatch: pytest.MonkeyPatch
):
    asked: list[torch.nn.Module] = []
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self, **how: asked.append(self))
    plain = Mousai.from_pretrained(saved_model, dtype="float32")
    assert asked == []
    compiled = Mousai.from_pretrained(saved_model, dtype="float32", compile=True)
    assert asked == [compiled.autoencoder.decoder, compiled.latent_diffusion.net]
    assert compiled.latent_diffusion.state_dict().keys() == plain.latent_diffusion.state_dict().keys()


def test_compiling_without_a_compiler_is_refused(saved_model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "C++ compiler" in refused(Mousai.from_pretrained, saved_model, dtype="float32", compile=True)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of torch's own compiler
def test_a_compiled_net_is_the_net_within_rounding():
    config = UNet1dConfig(
        in_channels=4,
        levels=(Level(channels=8, cross_attention=True),),
        context_features=6,
        attention_heads=2,
        attention_head_features=4,
        modulation_features=8,
    )
    torch.manual_seed(0)
    net = UNet1d(config).eval()
    x, t, context = torch.randn(2, 4, 24), torch.rand(2), torch.randn(2, 3, 6)
    with torch.no_grad():
        read = net.encode_context(context, torch.ones(2, 3, dtype=torch.bool))
        expected = net(x, t, context=read)
        names = list(net.state_dict())
        compile_net(net)
        torch.testing.assert_close(net(x, t, context=read), expected)
    assert list(net.state_dict()) == names
